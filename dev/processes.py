"""Starting, recognising and ending operating-system processes.

A pid alone proves nothing, since numbers are given out again: a process is known by its pid and the moment it was created.
What is started here leads a process group of its own, so that whatever it starts in turn ends with it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from dev.accounts import Account, child_setup

_SAME_MOMENT = 5.0  # seconds: the boot time, which creation times are counted from, moves when the clock is set
_TICK = 0.05


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process as it can be found again, even by another program: its pid and creation time (seconds since 1970)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process that has this pid now; None when there is none, or only an exited one that nobody has reaped."""
        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else cls(pid, process.create_time())
        except psutil.NoSuchProcess:
            return None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ProcessId":
        """Read what `to_json` wrote."""
        return cls(int(record["pid"]), float(record["created"]))

    def to_json(self) -> dict[str, Any]:
        """A record of this process for a file: `{"pid", "created"}`."""
        return {"pid": self.pid, "created": self.created}

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        now = ProcessId.of(self.pid)
        return now is not None and abs(now.created - self.created) < _SAME_MOMENT


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    directory: Path,
    account: Account | None = None,
    death_signal: int | None = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own process group, its output appended to `log`.

    Call it from a thread that lives as long as the child should: the kernel takes the end of that thread for our death.

    Args:
        account: whom to run as; None for the present user.
        death_signal: what the kernel sends it when we are killed before we could stop it (Linux only).

    Raises:
        OSError: the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            process_group=0,
            preexec_fn=child_setup(account, death_signal),  # noqa: PLW1509  # it takes no lock that a thread could hold
        )


def runs_program(pid: int, name: str) -> bool:
    """Whether the process with this pid runs a program called `name`."""
    try:
        return str(psutil.Process(pid).name()) == name
    except psutil.NoSuchProcess:
        return False


def stop(
    process: subprocess.Popen[bytes], *, with_signal: int, grace: float, give_up: Callable[[], bool] = lambda: False
) -> int:
    """End a child and what it started: `with_signal`, then SIGKILL after `grace` seconds or once `give_up()` says so.

    Returns the exit status as `subprocess` counts it (negative: the signal that ended it).
    """
    if process.poll() is None:
        process.send_signal(with_signal)
        wait_until(lambda: process.poll() is not None or give_up(), within=grace)
    kill_group(process.pid)
    return process.wait()


def stop_found(found: ProcessId, *, with_signal: int = signal.SIGTERM, grace: float = 10.0) -> None:
    """End a process that somebody else started, and its group, if it is still the same process."""
    if not found.alive:
        return
    os.kill(found.pid, with_signal)
    if not wait_until(lambda: not found.alive, within=grace):
        kill_group(found.pid)
        wait_until(lambda: not found.alive, within=5)


def kill_group(leader: int) -> None:
    """SIGKILL whatever is left of the group that `leader` led. No group: nothing to do."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return


def wait_until(condition: Callable[[], bool], *, within: float) -> bool:
    """Look at `condition` until it holds, `within` seconds at most; whether it held."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_TICK)
    return True


def describe_exit(status: int) -> str:
    """An exit status in words: `exit status 1`, `ended by SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    return f"ended by {signal.Signals(-status).name}"


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log file, however long it is; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - lines * 500))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
