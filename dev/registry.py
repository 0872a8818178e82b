"""How programs find a running stack: the lock that says one runs, and the record of its processes.

The lock is the truth about whether a stack runs here: the kernel lets go of it however the supervisor ends, so a stale file
cannot pretend. The record (`supervisor.json`) says which processes to end, also after the supervisor was killed.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from dev.processes import ProcessId, wait_until


class Phase(StrEnum):
    """How far a stack is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class AlreadyRunningError(Exception):
    """Another supervisor holds this directory."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the registry tells: the supervisor, its phase, and the processes it has started by part, in their order."""

    supervisor: ProcessId
    phase: Phase
    parts: Mapping[str, ProcessId]


class Registry:
    """The record of the stack whose data lie in `state`."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._file = state / "supervisor.json"

    def acquire(self) -> TextIO:
        """Become the one supervisor of this directory, until the returned file is closed or the process ends.

        Raises:
            AlreadyRunningError: another process is.
        """
        locks: list[TextIO] = []
        # A moment's patience: somebody who asks whether a stack runs holds the lock for an instant.
        if not wait_until(lambda: self._try_lock(locks), within=0.5):
            record = self.read()
            who = f" (pid {record.supervisor.pid})" if record else ""
            raise AlreadyRunningError(
                f"A stack already runs in {self._state}{who}. Stop it with `python -m dev down --state {self._state}`, "
                "or give this one a directory of its own with --state."
            )
        return locks[0]

    def is_held(self) -> bool:
        """Whether a supervisor holds this directory now."""
        locks: list[TextIO] = []
        if not self._state.is_dir():
            return False
        free = self._try_lock(locks)
        for lock in locks:
            lock.close()
        return not free

    def _try_lock(self, locks: list[TextIO]) -> bool:
        lock = (self._state / "supervisor.lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        locks.append(lock)
        return True

    def write(self, phase: Phase, parts: Mapping[str, ProcessId]) -> None:
        """Record this process as the supervisor of `parts`."""
        supervisor = ProcessId.of(os.getpid())
        record = {
            "supervisor": supervisor.to_json() if supervisor else None,
            "phase": phase,
            "parts": {name: process.to_json() for name, process in parts.items()},
        }
        write_private(self._file, json.dumps(record, indent=1))

    def read(self) -> Record | None:
        """What was last recorded; None when nothing was, or it cannot be read."""
        try:
            record = json.loads(self._file.read_text(encoding="utf-8"))
            return Record(
                ProcessId.from_json(record["supervisor"]),
                Phase(record["phase"]),
                {str(name): ProcessId.from_json(process) for name, process in record["parts"].items()},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def clear(self) -> None:
        """Forget the stack: it has ended."""
        self._file.unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = file.with_name(f"{file.name}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:  # noqa: PTH123  # Path.open takes no descriptor
        handle.write(text)
    draft.replace(file)
