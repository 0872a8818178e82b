"""Asking a running supervisor to stop, start or restart one part.

Requests and answers are small files in `<state>/control/`, each put in place in one step: a socket's path would be too long
in the deep directories of tests, and a signal carries no words back.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dev.processes import wait_until
from dev.registry import write_private


class Action(StrEnum):
    """What can be asked for."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Request:
    """One wish: `kill` ends the part with SIGKILL, as a power cut would."""

    id: str
    action: Action
    part: str
    kill: bool = False


class RefusedError(Exception):
    """The supervisor could not do it, and says why."""


class Server:
    """The supervisor's end."""

    def __init__(self, state: Path) -> None:
        self._folder = _folder(state)

    def open(self) -> None:
        """Begin to take requests, without those of a former life. Answers stay behind: an asker may still read them."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)

    def requests(self) -> Iterator[Request]:
        """Take the requests that wait, oldest name first."""
        for file in sorted(self._folder.glob("*.request")):
            wish = json.loads(file.read_text(encoding="utf-8"))
            file.unlink()
            yield Request(file.stem, Action(wish["action"]), str(wish["part"]), bool(wish["kill"]))

    def answer(self, request: Request, refusal: str | None) -> None:
        """Say that it is done, or why not."""
        write_private(self._folder / f"{request.id}.answer", json.dumps({"refusal": refusal}))


def ask(state: Path, action: Action, part: str, *, kill: bool, alive: Callable[[], bool], within: float = 180.0) -> None:
    """Ask the supervisor of `state` and wait for its answer.

    Args:
        alive: whether that supervisor still runs.
        within: seconds to wait: a worker may take 40 to end what it has in hand, and a minute to come back.

    Raises:
        RefusedError: it refused, failed, ended meanwhile or did not answer.
    """
    folder = _folder(state)
    identity = os.urandom(8).hex()
    answer = folder / f"{identity}.answer"
    try:
        write_private(folder / f"{identity}.request", json.dumps({"action": action, "part": part, "kill": kill}))
        wait_until(lambda: answer.exists() or not alive(), within=within)
        refusal = json.loads(answer.read_text(encoding="utf-8"))["refusal"]
    except FileNotFoundError:
        raise RefusedError(f"The stack gave no answer; its reason is in {state / 'logs' / 'supervisor.log'}.") from None
    answer.unlink(missing_ok=True)
    if refusal is not None:
        raise RefusedError(refusal)


def _folder(state: Path) -> Path:
    return state / "control"
