"""No edit changes the order of a workflow's commands unseen: workflows that run already would not survive it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.workflows import histories
from tests.workflows.commands import FOLDER, command_order, house_sources

BASELINE = Path(__file__).parent / "command_order.json"
RENEW = "RENEW_COMMAND_ORDER"

HELP = f"""The order of a workflow's commands has changed. Invoices live for weeks: workflows that run now replay their past
through this code and would stop where it differs.
If no installation has run the old order yet, or the change is behind `workflow.patched(...)`, renew the baseline:
    {RENEW}=1 python -m pytest tests/workflows/test_command_order.py
and the stored histories with {histories.RENEW}=1. Otherwise put the new order behind `if workflow.patched("what-changed"):`
and leave the old one in the other branch."""

UPSERT = "        workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(self._confirmation.status.value)])\n"
TELL = "        await self._tell(self._confirmation)\n"
SHOW = '        self._show("ended")\n'


def test_the_commands_of_every_workflow_are_in_the_order_of_the_baseline() -> None:
    order = command_order()
    if os.environ.get(RENEW) == "1":
        BASELINE.write_text(json.dumps(order, indent=1) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    changed = [name for name in sorted({*order, *baseline}) if order.get(name) != baseline.get(name)]
    assert not changed, f"{HELP}\nChanged: {', '.join(changed)}"


def test_every_workflow_that_replays_has_its_commands_in_the_baseline() -> None:
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    runs = {name for name in baseline if name.endswith(".run")}
    assert runs == {f"{workflow.__name__}.run" for workflow in histories.WORKFLOWS}


def test_commands_in_helpers_loops_and_branches_are_seen_in_the_order_of_evaluation() -> None:
    source = """
@workflow.defn
class Example:
    @workflow.run
    async def run(self):
        for _ in range(3):
            await self._ask(await workflow.execute_activity_method(Inner.first, x))
        if workflow.patched("more"):
            await deliver()

    async def _ask(self, x):
        try:
            await workflow.wait_condition(lambda: self.x, timeout=x)
        except TimeoutError:
            await handle.signal(Other.heard, x)
        await workflow.wait_condition(lambda: self.x)

async def deliver():
    await asyncio.gather(workflow.sleep(1), workflow.execute_child_workflow(Child.run))
"""
    assert command_order({"example": source})["Example.run"] == [
        "for",
        "  activity Inner.first",
        "  try",
        "    wait with a timer",
        "    signal Other.heard",
        "patched 'more'",
        "if",
        "  timer",
        "  child Child.run",
    ]


@pytest.fixture
def edited() -> Iterator[str]:
    """The source of the payment's workflow with two of its commands the other way round."""
    source = (FOLDER / "payment.py").read_text(encoding="utf-8")
    now = UPSERT + SHOW + TELL
    assert source.count(now) == 1
    yield source.replace(now, TELL + SHOW + UPSERT)
    sys.modules.pop("edited_payment", None)


def test_the_baseline_catches_two_commands_that_changed_places(edited: str) -> None:
    order = command_order({**house_sources(), "payment": edited})
    changed = [name for name, lines in command_order().items() if order[name] != lines]
    assert changed == ["Payment.run"]
    assert sorted(order["Payment.run"]) == sorted(command_order()["Payment.run"]), "the same commands, in another order"


async def test_replay_catches_two_commands_that_changed_places(edited: str) -> None:
    module = ModuleType("edited_payment")
    sys.modules[module.__name__] = module  # where dataclasses look for the names in their annotations
    exec(compile(edited, "edited_payment.py", "exec"), module.__dict__)  # noqa: S102 - our own source, one edit away
    settled = histories.stored("payment_by_webhook")
    assert await histories.failures(settled) == {}
    (reason,) = (await histories.failures(settled, [module.Payment])).values()
    assert "Nondeterminism" in reason
