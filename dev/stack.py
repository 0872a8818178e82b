"""The embedded stack: which programs it consists of, what each is told, and how a program finds and drives a running one.

`run` is the supervisor's process; `Stack` is the handle for everybody else, such as tests and the command line. All state of
a stack lies in one directory, so that several can run side by side. Its addresses are in `stack.json` while it is ready.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dev import control
from dev.blueprint import ROOT, Blueprint
from dev.processes import describe_exit, stop_found, tail, wait_until
from dev.registry import Phase, Record, Registry, write_private
from dev.supervisor import Supervisor

# Longer than all graces of the parts together: whoever stops a stack should see it end in good order.
_STOP_WITHIN = 120.0
_LEFTOVER_GRACE = 15.0


class StackError(Exception):
    """The stack did not do what was asked; the text says why and what to do."""


def run(state: Path, *, without: Collection[str] = ()) -> int:
    """Be the supervisor of the stack in `state` until it is stopped. Returns the exit status.

    Args:
        without: names of parts to leave out, such as `api` when it runs in a debugger.

    Raises:
        AlreadyRunningError: a stack runs in that directory.
        StackError: `without` names something that is no part.
    """
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True, mode=0o711)
    with Registry(state).acquire():
        _end_leftovers(Registry(state))
        blueprint = Blueprint.lay_out(state)
        parts = blueprint.parts()
        unknown = sorted(set(without) - {part.name for part in parts})
        if unknown:
            known = ", ".join(part.name for part in parts)
            raise StackError(f"--without: there is no part {', '.join(unknown)}; the stack has {known}.")

        def publish(pids: Mapping[str, int]) -> None:
            first = not blueprint.stack_file.exists()
            write_private(blueprint.stack_file, json.dumps(blueprint.describe() | {"pids": dict(pids)}, indent=1) + "\n")
            if first:
                print(address_table(blueprint.describe(), blueprint.stack_file), flush=True)

        blueprint.stack_file.unlink(missing_ok=True)
        chosen = [part for part in parts if part.name not in without]
        try:
            return Supervisor(chosen, state=state, directory=ROOT, on_change=publish).run()
        finally:
            blueprint.stack_file.unlink(missing_ok=True)


class Stack:
    """A stack as seen from outside.

    Args:
        state: its directory; it need not exist yet.
    """

    def __init__(self, state: Path) -> None:
        self.state = state.resolve()
        self._registry = Registry(self.state)

    @property
    def is_running(self) -> bool:
        """Whether a supervisor runs it, ready or not."""
        return self._registry.is_held()

    def describe(self) -> dict[str, Any]:
        """The content of `stack.json`.

        Raises:
            StackError: the stack is not ready.
        """
        try:
            return dict(json.loads((self.state / "stack.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StackError(
                f"No stack is ready in {self.state}. Start it with `python -m dev up --state {self.state}`."
            ) from None

    def record(self) -> Record | None:
        """Its processes, also while it starts; None when it does not run."""
        return self._registry.read() if self.is_running else None

    def up(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Start it in the background, wait until it is ready, and return the content of `stack.json`.

        Raises:
            StackError: it runs already, or a part failed; the text has that part's report.
        """
        command = [*_command(self.state, without), "--detach"]
        outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if outcome.returncode != 0:
            raise StackError(outcome.stderr.strip().removeprefix("Error: "))
        return self.describe()

    def down(self) -> bool:
        """Stop it, and what a killed supervisor left behind. Returns whether there was anything to stop."""
        held = self.is_running
        if held:
            self._stop_supervisor()
        left = _end_leftovers(self._registry)
        (self.state / "stack.json").unlink(missing_ok=True)
        return left or held

    def start(self, part: str) -> None:
        """Start a part that was stopped, and wait until it is ready.

        Raises:
            RefusedError: it cannot be done, and why.
        """
        self._ask(control.Action.START, part)

    def stop(self, part: str, *, kill: bool = False) -> None:
        """Stop a part and keep the others running; with `kill` by SIGKILL, as if it had died.

        Raises:
            RefusedError: it cannot be done, and why.
        """
        self._ask(control.Action.STOP, part, kill=kill)

    def restart(self, part: str, *, kill: bool = False) -> None:
        """Stop a part and start it again; with `kill` by SIGKILL, as if it had died.

        Raises:
            RefusedError: it cannot be done, and why. When it did not come back the whole stack stops.
        """
        self._ask(control.Action.RESTART, part, kill=kill)

    def _ask(self, action: control.Action, part: str, *, kill: bool = False) -> None:
        if not self.is_running:
            raise control.RefusedError(f"No stack runs in {self.state}.")
        control.ask(self.state, action, part, kill=kill, alive=lambda: self.is_running)

    def _stop_supervisor(self) -> None:
        wait_until(lambda: self._registry.read() is not None or not self.is_running, within=5)
        record = self._registry.read()
        if record is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.supervisor.pid, signal.SIGTERM)
        if not wait_until(lambda: not record.supervisor.alive, within=_STOP_WITHIN):
            os.kill(record.supervisor.pid, signal.SIGKILL)
        wait_until(lambda: not self.is_running, within=5)


def detach(state: Path, *, without: Collection[str] = ()) -> None:
    """Start a supervisor in a session of its own and return when the stack is ready.

    Raises:
        AlreadyRunningError: a stack runs in that directory.
        StackError: it ended instead; the text has what it said.
    """
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True, mode=0o711)
    registry, output = Registry(state), state / "logs" / "up.log"
    registry.acquire().close()
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as log:
        supervisor = subprocess.Popen(
            _command(state, without), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def ready() -> bool:
        record = registry.read()
        return record is not None and record.supervisor.pid == supervisor.pid and record.phase is Phase.READY

    try:
        wait_until(lambda: supervisor.poll() is not None or (ready() and (state / "stack.json").exists()), within=float("inf"))
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise
    if supervisor.poll() is not None:
        said = tail(output, lines=60).removeprefix("Error: ")
        raise StackError(said or f"The supervisor ended at once ({describe_exit(supervisor.returncode)}).")


def address_table(stack: Mapping[str, Any], file: Path) -> str:
    """The addresses of a stack for people, one a line. Passwords and keys stay in `file`, its `stack.json`."""
    gateways = {f"{name} simulator": url for name, url in stack["gateways"].items()}
    database = stack["database_url"].partition("@")[2]
    rows = {
        "API and console": stack["api"],
        "Temporal UI": stack["temporal_ui"],
        "mail inbox": stack["inbox"],
        **gateways,
        "Temporal": stack["temporal"],
        "SMTP": f"{stack['smtp']['host']}:{stack['smtp']['port']}",
        "PostgreSQL": database,
        "with keys": file,
    }
    return "\n".join(f"  {name:<18} {address}" for name, address in rows.items())


def _command(state: Path, without: Collection[str]) -> list[str]:
    left_out = [f"--without={name}" for name in without]
    return [sys.executable, "-m", "dev", "up", f"--state={state}", *left_out]


def _end_leftovers(registry: Registry) -> bool:
    """End the parts of a supervisor that could not do it itself. Returns whether there were any."""
    record = registry.read()
    left = [process for process in reversed(list(record.parts.values())) if process.alive] if record else []
    for process in left:
        stop_found(process, grace=_LEFTOVER_GRACE)
    registry.clear()
    return bool(left)
