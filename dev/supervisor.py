"""Runs the parts of a stack: starts them in order, watches them, stops them in reverse order.

It knows nothing about PostgreSQL or Temporal: a `Part` says how to start it and how to tell that it is ready. A part that
ends without having been asked to is a crash: it is reported with the end of its log and started again, as the production
shape does it; one that keeps crashing stops the whole stack, because half a stack misleads. Other programs ask for restarts
through `dev/control.py`; they know a stack by `dev/registry.py`.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from dev import control
from dev.accounts import Account
from dev.processes import ProcessId, describe_exit, spawn, stop, tail
from dev.registry import Phase, Registry

_TICK = 0.05
# So many crashes of a part within so many seconds are no accident.
_MOST_CRASHES = 3
_CRASH_WINDOW = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Part:
    """One program of the stack.

    Attributes:
        name: what people call it, and the name of its log.
        command: program and arguments.
        ready: whether it can be used now; asked again and again, so it must be quick and must not raise.
        once: it does one job and ends (migrations): it is ready when it has ended well.
        prepare: done before each start, such as making a data directory.
        finish: done once it is ready, before the next part starts, such as making a database.
        within: seconds it may take to be ready.
        stop_signal: the signal that asks it to end in good order.
        grace: seconds it gets to do so.
        account: whom it runs as; None for the present user.
        environment: its variables.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool] = lambda: True
    once: bool = False
    prepare: Callable[[], None] = lambda: None
    finish: Callable[[], None] = lambda: None
    within: float = 60.0
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class PartFailedError(Exception):
    """A part crashed or did not become ready; the text is the report for people."""


class StopRequestedError(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM while a part was starting."""


class Supervisor:
    """Runs parts until it is told to stop or one of them keeps crashing.

    Args:
        parts: in the order in which they start.
        state: the directory of the stack; logs go to `logs/` in it.
        directory: where the parts run.
        on_change: told the pid of each running part whenever all parts are up, again after each restart.
    """

    def __init__(
        self, parts: Sequence[Part], *, state: Path, directory: Path, on_change: Callable[[Mapping[str, int]], None]
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._directory = directory
        self._logs = state / "logs"
        self._registry = Registry(state)
        self._control = control.Server(state)
        self._on_change = on_change
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._crashes: dict[str, list[float]] = {}
        self._stop_requested = False
        self._interrupts = 0

    def run(self) -> int:
        """Start everything, watch it until the end, stop everything. Returns the exit status: 0, or 1 after a failure."""
        for number in _STOP_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means to outlive the terminal
                signal.signal(number, self._request_stop)
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            return self._run_until_stopped()
        except StopRequestedError:
            return 0
        except PartFailedError as failure:
            self._say(str(failure))
            return 1
        finally:
            self._stop_all()

    def _run_until_stopped(self) -> int:
        self._control.open()
        self._record(Phase.STARTING)
        for part in self._parts.values():
            (self._logs / f"{part.name}.log").unlink(missing_ok=True)
        for part in self._parts.values():
            self._start(part)
        self._announce()
        self._say("The stack is ready.")
        while not self._stop_requested:
            self._mend_crashes()
            self._answer_requests()
            time.sleep(_TICK)
        return 0

    def _start(self, part: Part) -> None:
        try:
            part.prepare()
            process = spawn(
                part.command,
                log=self._log(part),
                environment=part.environment,
                directory=self._directory,
                account=part.account,
                death_signal=part.stop_signal,
            )
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            raise PartFailedError(self._report(part, f"could not be started: {error}")) from error
        self._running[part.name] = process
        self._record(Phase.STARTING)
        self._wait_ready(part, process)
        if part.once:
            del self._running[part.name]
        try:
            part.finish()
        except (OSError, RuntimeError) as error:
            raise PartFailedError(self._report(part, f"started, but {error}")) from error

    def _wait_ready(self, part: Part, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + part.within
        while True:
            status = process.poll()
            if status == 0 and part.once:
                return
            if status is not None:
                raise PartFailedError(self._report(part, f"ended while starting ({describe_exit(status)})"))
            if not part.once and part.ready():
                return
            if self._stop_requested:
                raise StopRequestedError
            if time.monotonic() > end:
                raise PartFailedError(self._report(part, f"was not ready within {part.within:g} seconds"))
            time.sleep(_TICK)

    def _mend_crashes(self) -> None:
        for name, process in list(self._running.items()):
            status = process.poll()
            if status is not None:
                self._mend_crash(self._parts[name], f"ended by itself ({describe_exit(status)})")

    def _mend_crash(self, part: Part, what: str) -> None:
        now = time.monotonic()
        recent = [*(at for at in self._crashes.get(part.name, ()) if now - at < _CRASH_WINDOW), now]
        self._crashes[part.name] = recent
        if len(recent) >= _MOST_CRASHES:
            raise PartFailedError(self._report(part, f"{what} for the {len(recent)}. time within a minute"))
        self._say(self._report(part, what, then="it is started again"))
        self._stop(part, kill=True)  # what it had started itself
        self._start(part)
        self._announce()
        self._say(f"{part.name} runs again.")

    def _answer_requests(self) -> None:
        for request in self._control.requests():
            try:
                refusal = self._obey(request)
            except (PartFailedError, StopRequestedError) as failure:
                self._control.answer(request, str(failure) or "The stack is being stopped.")
                raise
            self._control.answer(request, refusal)

    def _obey(self, request: control.Request) -> str | None:
        """Do what is asked. Returns why not, or None when it is done."""
        part = self._parts.get(request.part)
        if part is None or part.once:
            known = ", ".join(name for name, each in self._parts.items() if not each.once)
            return f"There is no part {request.part!r} in this stack; it has {known}."
        if request.action is control.Action.START and part.name in self._running:
            return f"{part.name} runs already."
        if request.action is not control.Action.START:
            self._stop(part, kill=request.kill)
        if request.action is not control.Action.STOP:
            self._start(part)
        self._announce()
        self._say(f"{part.name}: {request.action} done, as asked.")
        return None

    def _stop(self, part: Part, *, kill: bool = False) -> None:
        process = self._running.pop(part.name, None)
        if process is None:
            return
        stop(
            process,
            with_signal=signal.SIGKILL if kill else part.stop_signal,
            grace=part.grace,
            give_up=lambda: self._interrupts > 1,  # Ctrl-C twice: somebody is in a hurry
        )

    def _stop_all(self) -> None:
        if self._running:
            self._record(Phase.STOPPING)
        for part in reversed(self._parts.values()):
            self._stop(part)
        self._registry.clear()

    def _announce(self) -> None:
        self._record(Phase.READY)
        self._on_change({name: process.pid for name, process in self._running.items()})

    def _record(self, phase: Phase) -> None:
        # In the order of the parts, also after a restart: whoever has to clean up goes by it.
        found = {name: ProcessId.of(self._running[name].pid) for name in self._parts if name in self._running}
        self._registry.write(phase, {name: process for name, process in found.items() if process is not None})

    def _log(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _report(self, part: Part, what: str, *, then: str = "the stack stops") -> str:
        end = tail(self._log(part)).replace("\n", "\n  | ") or "(it wrote nothing)"
        return f"{part.name} {what}; {then}. The end of {self._log(part)}:\n  | {end}"

    def _say(self, text: str) -> None:
        """Tell the person at the terminal, and the log for when there is none."""
        with (self._logs / "supervisor.log").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        print(text, file=sys.stderr, flush=True)

    def _request_stop(self, number: int, _frame: FrameType | None) -> None:
        self._stop_requested = True
        # Only the key counts as haste: SIGTERM often comes twice, once for the group and once from `make`.
        self._interrupts += number == signal.SIGINT
