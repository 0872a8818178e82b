"""An invoice that a reversal opens again long after its due day: one letter at most at once, and no sudden suspension."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.dunning import TakenStep, next_step, plan_steps
from domain.dunning_ladder import Action
from tests.domain.dunning_cases import EVERY_DAY, every_day

ISSUED_AT = datetime(2026, 11, 1, 7, tzinfo=UTC)
PLAN = plan_steps(EVERY_DAY, date(2026, 11, 15), every_day(), ISSUED_AT)
SUSPENSION_AFTER_WARNING = timedelta(days=7)


def climb(taken_before: int, reopened_at: timedelta) -> list[tuple[Action, timedelta]]:
    """The steps that are taken from the reopening on, each with the time since: those taken before count as taken then."""
    now = start = PLAN[0].at + reopened_at
    taken = [TakenStep(step.key, start) for step in PLAN[:taken_before]]
    climbed: list[tuple[Action, timedelta]] = []
    while (step := next_step(PLAN, tuple(taken), now)) is not None:
        now = max(now, step.at)
        taken.append(TakenStep(step.key, now))
        climbed.append((step.action, now - start))
    return climbed


@given(st.integers(0, len(PLAN)), st.integers(0, 400).map(lambda days: timedelta(days=days)))
def test_at_most_one_letter_goes_out_at_once(taken_before: int, reopened_at: timedelta) -> None:
    at_once = [action for action, after in climb(taken_before, reopened_at) if after == timedelta(0)]
    assert len(at_once) <= 1


@given(st.integers(0, len(PLAN) - 1), st.integers(0, 400).map(lambda days: timedelta(days=days)))
def test_nobody_is_suspended_sooner_than_a_week_after_the_reversal_or_the_warning(
    taken_before: int, reopened_at: timedelta
) -> None:
    climbed = climb(taken_before, reopened_at)
    warned = [after for action, after in climbed if action is Action.FINAL_WARNING] or [timedelta(0)]
    suspended = [after for action, after in climbed if action is Action.SUSPEND]
    assert all(after - warned[-1] >= SUSPENSION_AFTER_WARNING for after in suspended)


def test_paid_in_time_and_taken_back_two_months_later_is_warned_first() -> None:
    assert climb(0, timedelta(days=60)) == [
        (Action.FINAL_WARNING, timedelta(0)),
        (Action.SUSPEND, SUSPENSION_AFTER_WARNING),
    ]


def test_what_was_warned_before_it_was_paid_has_the_policys_week_again() -> None:
    assert climb(4, timedelta(days=60)) == [(Action.SUSPEND, SUSPENSION_AFTER_WARNING)]


def test_an_invoice_whose_ladder_was_at_its_end_is_chased_no_further() -> None:
    assert climb(len(PLAN), timedelta(days=60)) == []


def test_before_the_due_day_the_ladder_goes_on_as_planned() -> None:
    assert [action for action, _ in climb(1, timedelta(hours=1))] == [step.action for step in PLAN[1:]]
