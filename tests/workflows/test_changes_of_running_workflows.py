"""A change to a running workflow is made beside the old path: stored histories from before the change still replay.

Decision 0015 says how. `histories_before_collections/` holds lifecycles of the code before this change: three ordinary ones,
and one with so many payments that today's code would have begun a new run in its midst.
"""

import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory

from tests.workflows import histories
from workflows import options

BEFORE = Path(__file__).parent / "histories_before_collections"


def from_before() -> dict[str, WorkflowHistory]:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(BEFORE.glob("*.json"))}
    return {name: WorkflowHistory.from_json(json.loads(text)["id"], text) for name, text in texts.items()}


async def test_lifecycles_that_began_before_the_change_replay() -> None:
    found = from_before()
    assert len(found) == 4
    assert await histories.failures(found.values()) == {}


async def test_the_long_one_would_not_replay_if_the_change_were_not_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is what holds: with it forced open, the old history asks for another end than today's code gives it."""
    old = from_before()["lifecycle_with_many_payments"]
    assert len(old.events) > options.LONGEST_LIFECYCLE_EVENTS
    monkeypatch.setattr(workflow, "patched", lambda _: True)
    assert any("Nondeterminism" in reason for reason in (await histories.failures([old])).values())


async def test_lifecycles_that_never_grow_long_replay_with_or_without_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "patched", lambda _: True)
    short = [history for name, history in from_before().items() if name != "lifecycle_with_many_payments"]
    assert await histories.failures(short) == {}
