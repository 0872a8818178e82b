"""The sentences about steps of the ladder: those that came to nothing, and those that were left out."""

from datetime import UTC, datetime

import pytest

from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.happenings import LeftOut, Obstacle, StepDecided
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.timeline_steps import step_sentence, steps_in_words

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
REMINDER = PlannedStep("0-remind", Action.REMIND, NOW, Letter.PAYMENT_REMINDER)
NOTICE = PlannedStep("1-overdue_notice", Action.OVERDUE_NOTICE, NOW, Letter.OVERDUE_NOTICE)
WARNING = PlannedStep("3-final_warning", Action.FINAL_WARNING, NOW, Letter.FINAL_WARNING)
SUSPENSION = PlannedStep("4-suspend", Action.SUSPEND, NOW, Letter.SUSPENSION_NOTICE)


@pytest.mark.parametrize(
    ("action", "letter", "was_taken", "state", "sentence"),
    [
        (Action.FINAL_WARNING, Letter.FINAL_WARNING, False, InvoiceState.PAID, "Final Warning was not sent: paid before"),
        (Action.REMIND, Letter.OVERDUE_NOTICE, False, InvoiceState.VOID, "Overdue Notice was not sent: void before"),
        (Action.REMIND, None, False, InvoiceState.WRITTEN_OFF, "Payment Reminder was not sent: written off before"),
        (Action.SUSPEND, Letter.SUSPENSION_NOTICE, False, InvoiceState.PAID, "Suspension was not needed: paid before"),
        (Action.WRITE_OFF, None, False, InvoiceState.OPEN, "Write-off was not needed: nothing was left to pay then"),
        (Action.REMIND, None, True, InvoiceState.OPEN, "Payment Reminder was due, and nobody could be written to"),
        (Action.SUSPEND, None, True, InvoiceState.OPEN, "Suspension was due, and suspended nobody"),
    ],
)
def test_a_step_that_left_no_letter_is_told(
    action: Action, letter: Letter | None, was_taken: bool, state: InvoiceState, sentence: str
) -> None:
    assert step_sentence(StepDecided(action, letter, was_taken, state)) == sentence


def test_a_suspension_of_who_is_suspended_says_so() -> None:
    decided = StepDecided(Action.SUSPEND, Letter.SUSPENSION_NOTICE, was_taken=True, state=InvoiceState.OPEN, was_held=True)
    assert step_sentence(decided) == "Suspension was due: the customer was suspended already"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((REMINDER,), "Payment Reminder"),
        ((NOTICE, NOTICE), "2 Overdue Notices"),
        ((REMINDER, NOTICE, NOTICE), "Payment Reminder and 2 Overdue Notices"),
        ((REMINDER, NOTICE, NOTICE, WARNING), "Payment Reminder, 2 Overdue Notices and Final Warning"),
    ],
)
def test_steps_are_counted_by_their_letters(steps: tuple[PlannedStep, ...], words: str) -> None:
    assert steps_in_words(steps) == words


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [
        (
            LeftOut((REMINDER, NOTICE, NOTICE), (Obstacle.PAUSED,), WARNING, InvoiceState.OPEN),
            "Payment Reminder and 2 Overdue Notices were left out: the invoice was paused",
        ),
        (
            LeftOut((NOTICE,), (Obstacle.DISPUTED, Obstacle.BLOCKED), WARNING, InvoiceState.OPEN),
            "Overdue Notice was left out: the invoice was disputed and chasing of the customer was blocked",
        ),
        (
            LeftOut((NOTICE,), (), WARNING, InvoiceState.PAID),
            "Overdue Notice was left out: it was late, and the Final Warning stands for it",
        ),
        (
            LeftOut((REMINDER, NOTICE), (), WARNING, InvoiceState.OPEN),
            "Payment Reminder and Overdue Notice were left out: they were late, and the Final Warning stands for them",
        ),
        (
            LeftOut((WARNING, SUSPENSION), (Obstacle.PAUSED,), None, InvoiceState.PAID),
            "Final Warning and Suspension were not taken: the invoice was paused",
        ),
        (LeftOut((NOTICE,), (), None, InvoiceState.VOID), "Overdue Notice was not taken: void before"),
    ],
)
def test_steps_that_were_left_out_say_why(left_out: LeftOut, sentence: str) -> None:
    assert step_sentence(left_out) == sentence
