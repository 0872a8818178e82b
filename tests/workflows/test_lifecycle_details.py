"""What the Temporal UI shows of a lifecycle: words instead of codes, and nothing that an extension makes untrue."""

from datetime import UTC, date, datetime

import pytest

from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.letters import Letter
from domain.moves import Move, MoveKind
from tests.workflows.bench import Bench
from workflows.lifecycle_details import in_words, moved, what_is_next

NINE_IN_HARARE = datetime(2026, 12, 7, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("action", "letter", "words"),
    [
        (Action.REMIND, Letter.PAYMENT_REMINDER, "Payment Reminder"),
        (Action.REMIND, Letter.OVERDUE_NOTICE, "Overdue Notice"),
        (Action.FINAL_WARNING, None, "Final Warning"),
        (Action.SUSPEND, Letter.SUSPENSION_NOTICE, "Suspension"),
        (Action.WRITE_OFF, None, "Write-off"),
    ],
)
def test_a_step_is_named_by_what_people_call_it(action: Action, letter: Letter | None, words: str) -> None:
    step = PlannedStep("1-step", action, NINE_IN_HARARE, letter)
    assert in_words(step) == words
    assert what_is_next(step, None, "Africa/Harare") == f"next: {words} at Mon 2026-12-07 09:00"


@pytest.mark.parametrize("kind", list(MoveKind))
def test_every_move_is_told_in_words_with_its_id(kind: MoveKind) -> None:
    told = moved(Move("mov_1", kind, date(2026, 12, 20)))
    assert told.endswith(" (mov_1)")
    assert "_" not in told.removesuffix(" (mov_1)")
    assert told == told.lower()


def test_an_extension_tells_the_day_on_which_the_invoice_is_due_now() -> None:
    assert moved(Move("mov_1", MoveKind.EXTEND, date(2026, 12, 20))) == "due 2026-12-20 now (mov_1)"
    assert moved(Move("mov_1", MoveKind.PAUSE, date(2026, 12, 20))) == "paused until 2026-12-20 (mov_1)"


async def test_the_summary_that_a_lifecycle_keeps_for_ever_names_no_due_day(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    assert await (await lifecycle.describe()).static_summary() == f"Invoice {invoice.number}, USD 25.00"
    await bench.pay(invoice)
    await bench.ended(lifecycle)
