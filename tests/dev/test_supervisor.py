"""The supervisor over small real programs: what it reports, what it leaves behind (nothing), and what it does when asked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.blueprint import ROOT
from dev.control import RefusedError
from dev.processes import ProcessId, wait_until
from dev.registry import AlreadyRunningError, Phase, Registry
from dev.stack import Stack

# Small programs: what they do before they are ready, and afterwards.
SLEEP = "time.sleep(300)"
WAIT_AND_CRASH = """print(*(f'line {n}' for n in range(30)), sep='\\n', flush=True)
while not os.path.exists('go'): time.sleep(0.02)
sys.exit(7)"""
NOTE_END = "signal.signal(signal.SIGTERM, lambda *_: (open('ends', 'a').write(me + ' '), sys.exit(0)))"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
DEAF_WITH_CHILD = f"{DEAF}; os.fork(); print(os.getpid(), flush=True)"
BROKEN_WHEN_ASKED = "if os.path.exists('broken'): raise SystemExit('the port is taken')"


def program(name: str, first: str = "pass", then: str = SLEEP, **facts: Any) -> dict[str, Any]:
    code = f"import os, pathlib, signal, sys, time; me = {name!r}\n{first}\npathlib.Path(me + '.ready').touch()\n{then}"
    return {"name": name, "code": code, **facts}


class Small:
    """A small stack under test."""

    def __init__(self, state: Path, parts: list[dict[str, Any]]) -> None:
        self.state = state
        self.handle = Stack(state)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.dev.small_stack", str(state), json.dumps(parts)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> dict[str, ProcessId]:
        def ready() -> bool:
            record = Registry(self.state).read()
            return self.process.poll() is not None or (record is not None and record.phase is Phase.READY)

        assert wait_until(ready, within=30)
        return self.parts()

    def parts(self) -> dict[str, ProcessId]:
        record = Registry(self.state).read()
        assert record is not None, "the stack ended"
        return dict(record.parts)

    def outcome(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Small]]:
    begun: list[Small] = []

    def start(*parts: dict[str, Any]) -> Small:
        begun.append(Small(tmp_path, list(parts)))
        return begun[-1]

    yield start
    for small in begun:
        small.handle.down()
        small.process.communicate(timeout=60)


def test_a_crash_is_reported_with_the_name_the_status_and_the_end_of_the_log_and_one_that_goes_on_stops_the_rest(
    begin: Callable[..., Small], tmp_path: Path
) -> None:
    small = begin(program("calm"), program("noisy", then=WAIT_AND_CRASH))
    calm = small.wait_ready()["calm"]

    (tmp_path / "go").touch()
    status, errors = small.outcome()

    assert status == 1
    assert "noisy ended by itself (exit status 7); it is started again" in errors
    assert "; the stack stops" in errors
    assert "line 29" in errors
    assert "line 9\n" not in errors, "only the last 20 lines are told"
    assert "noisy ended by itself" in (tmp_path / "logs" / "supervisor.log").read_text()
    assert not calm.alive


def test_a_part_that_dies_is_reported_and_comes_back_by_itself_and_the_others_stay(
    begin: Callable[..., Small], tmp_path: Path
) -> None:
    small = begin(program("calm"), program("worker"))
    before = small.wait_ready()

    os.kill(before["worker"].pid, signal.SIGKILL)

    def is_back() -> bool:
        now = small.parts()
        return "worker" in now and now["worker"] != before["worker"] and now["worker"].alive

    assert wait_until(is_back, within=30)
    assert small.parts()["calm"] == before["calm"]
    assert wait_until(lambda: "worker runs again" in (tmp_path / "logs" / "supervisor.log").read_text(), within=30)


def test_a_part_that_dies_while_starting_stops_what_was_started_before_it(begin: Callable[..., Small], tmp_path: Path) -> None:
    small = begin(program("calm", NOTE_END), {"name": "broken", "code": "raise SystemExit('the port is taken')"})

    status, errors = small.outcome()

    assert status == 1
    assert "broken ended while starting (exit status 1)" in errors
    assert "the port is taken" in errors
    assert (tmp_path / "ends").read_text() == "calm "


def test_a_part_that_is_not_ready_in_time_stops_the_stack(begin: Callable[..., Small]) -> None:
    status, errors = begin({"name": "slow", "code": "import time; time.sleep(300)", "within": 0.2}).outcome()

    assert status == 1
    assert "slow was not ready within 0.2 seconds" in errors


def test_a_job_that_fails_keeps_the_next_part_from_starting(begin: Callable[..., Small], tmp_path: Path) -> None:
    small = begin({"name": "migrate", "code": "raise SystemExit(3)", "once": True}, program("api"))

    assert small.outcome()[0] == 1
    assert not (tmp_path / "api.ready").exists()


def test_a_job_that_ended_well_is_no_crash(begin: Callable[..., Small]) -> None:
    assert list(begin({"name": "migrate", "code": "", "once": True}, program("api")).wait_ready()) == ["api"]


def test_down_stops_the_parts_in_reverse_order_and_leaves_no_process(begin: Callable[..., Small], tmp_path: Path) -> None:
    small = begin(program("database", NOTE_END), program("server", NOTE_END), program("worker", NOTE_END))
    parts = small.wait_ready()

    assert small.handle.down()

    assert small.outcome()[0] == 0
    assert (tmp_path / "ends").read_text() == "worker server database "
    assert not any(process.alive for process in parts.values())
    assert not small.handle.is_running


def test_a_part_that_ignores_the_signal_is_killed_after_its_grace_with_what_it_started(
    begin: Callable[..., Small], tmp_path: Path
) -> None:
    small = begin(program("deaf", DEAF_WITH_CHILD, grace=0.2))
    small.wait_ready()
    log = tmp_path / "logs" / "deaf.log"
    assert wait_until(lambda: len(log.read_text().split()) == 2, within=10)
    family = [ProcessId.of(int(pid)) for pid in log.read_text().split()]

    small.handle.down()

    assert all(process is not None for process in family)
    assert wait_until(lambda: not any(process and process.alive for process in family), within=10)


def test_ctrl_c_stops_everything_with_status_0(begin: Callable[..., Small]) -> None:
    small = begin(program("calm"))
    calm = small.wait_ready()["calm"]

    small.process.send_signal(signal.SIGINT)

    assert small.outcome()[0] == 0
    assert not calm.alive


def test_ctrl_c_while_a_part_starts_stops_what_runs(begin: Callable[..., Small], tmp_path: Path) -> None:
    small = begin(program("calm", NOTE_END), {"name": "slow", "code": "import time; time.sleep(300)"})
    assert wait_until((tmp_path / "logs" / "slow.log").exists, within=30)

    small.process.send_signal(signal.SIGINT)

    assert small.outcome()[0] == 0
    assert (tmp_path / "ends").read_text() == "calm "


def test_a_part_killed_on_request_comes_back_as_another_process_and_the_others_stay(begin: Callable[..., Small]) -> None:
    small = begin(program("api"), program("worker"))
    before = small.wait_ready()

    small.handle.restart("worker", kill=True)

    after = small.parts()
    assert not before["worker"].alive
    assert after["worker"].alive
    assert after["api"] == before["api"]


def test_a_part_stopped_on_request_is_no_crash_and_can_be_started_again(begin: Callable[..., Small]) -> None:
    small = begin(program("temporal"), program("worker"))
    small.wait_ready()

    small.handle.stop("temporal")
    assert list(small.parts()) == ["worker"]

    small.handle.start("temporal")
    assert list(small.parts()) == ["temporal", "worker"]


def test_a_part_that_does_not_come_back_stops_the_stack_and_the_asker_is_told(
    begin: Callable[..., Small], tmp_path: Path
) -> None:
    small = begin(program("api", BROKEN_WHEN_ASKED))
    small.wait_ready()
    (tmp_path / "broken").touch()

    with pytest.raises(RefusedError, match=r"api ended while starting(.|\n)*the port is taken"):
        small.handle.restart("api")

    assert small.outcome()[0] == 1


def test_what_is_no_part_is_refused_with_the_names_of_the_parts(begin: Callable[..., Small]) -> None:
    small = begin(program("api"), program("worker"))
    small.wait_ready()

    with pytest.raises(RefusedError, match=r"no part 'wroker'.*api, worker"):
        small.handle.restart("wroker")


def test_a_second_stack_in_the_same_directory_is_refused_with_the_way_out(begin: Callable[..., Small], tmp_path: Path) -> None:
    small = begin(program("api"))
    small.wait_ready()

    with pytest.raises(AlreadyRunningError, match=rf"already runs in .*pid {small.process.pid}.*dev down --state"):
        Registry(tmp_path).acquire()


def test_a_killed_supervisor_leaves_parts_that_down_ends(begin: Callable[..., Small], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.stack._LEFTOVER_GRACE", 0.5)
    small = begin(program("deaf", DEAF))
    deaf = small.wait_ready()["deaf"]

    small.process.kill()
    small.process.communicate(timeout=10)
    assert not small.handle.is_running
    small.handle.down()

    assert not deaf.alive


if sys.platform == "linux":  # elsewhere a child is not told that its parent died, and `down` ends it

    def test_the_parts_of_a_killed_supervisor_end_by_themselves(begin: Callable[..., Small]) -> None:
        small = begin(program("calm"))
        calm = small.wait_ready()["calm"]

        small.process.kill()

        assert wait_until(lambda: not calm.alive, within=10)


def test_a_stale_record_does_not_end_the_process_that_has_the_pid_now(tmp_path: Path) -> None:
    stranger = ProcessId.of(os.getpid())
    assert stranger is not None
    stale = {"pid": stranger.pid, "created": stranger.created - 3600}
    (tmp_path / "supervisor.json").write_text(json.dumps({"supervisor": stale, "phase": "ready", "parts": {"api": stale}}))

    assert not Stack(tmp_path).down(), "nothing of ours runs; this very process, which has the pid, lives on"
    assert Stack(tmp_path).record() is None
    Registry(tmp_path).acquire().close()
