"""The dated ladder and which step comes next: on the tenant's day, in order, never suspended unwarned (pains 7, 9, 15, 17)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import due_day, local_day
from domain.dunning import PlannedStep, TakenStep, date_steps, is_pointless, next_step, plan_steps
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy
from domain.invoice import InvoiceState
from domain.letters import Letter
from tests.domain.dunning_cases import DAY, EVERY_DAY, NOTICE, REMIND, SUSPEND, WARN, WRITE_OFF, Case, cases, every_day

# Noon in Harare and Johannesburg.
ISSUED_AT = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
DUE_ON = date(2026, 11, 15)
PLAN = plan_steps(EVERY_DAY, DUE_ON, every_day(), ISSUED_AT)
REMINDER, FIRST_NOTICE, SECOND_NOTICE, WARNING, SUSPENSION = PLAN


def plan_of(*steps: tuple[int, Action]) -> tuple[PlannedStep, ...]:
    policy = DunningPolicy(tuple(DunningStep.usual(*step) for step in steps))
    return plan_steps(policy, DUE_ON, every_day(), ISSUED_AT)


def taken(*steps: PlannedStep, late: timedelta = timedelta()) -> tuple[TakenStep, ...]:
    return tuple(TakenStep(step.key, step.at + late) for step in steps)


@pytest.mark.parametrize("zone", ["Africa/Harare", "Africa/Johannesburg"])
def test_the_default_ladder_of_an_invoice_due_on_15_november(zone: str) -> None:
    """09:00 there is 07:00 in UTC."""
    expected = [
        ("0-remind", REMIND, date(2026, 11, 12), Letter.PAYMENT_REMINDER),
        ("1-overdue_notice", NOTICE, date(2026, 11, 15), Letter.OVERDUE_NOTICE),
        ("2-overdue_notice", NOTICE, date(2026, 11, 22), Letter.OVERDUE_NOTICE),
        ("3-final_warning", WARN, date(2026, 11, 29), Letter.FINAL_WARNING),
        ("4-suspend", SUSPEND, date(2026, 12, 6), Letter.SUSPENSION_NOTICE),
    ]
    assert plan_steps(EVERY_DAY, DUE_ON, every_day(zone), ISSUED_AT) == tuple(
        PlannedStep(key, action, datetime(day.year, day.month, day.day, 7, tzinfo=UTC), letter, day)
        for key, action, day, letter in expected
    )


def test_steps_that_would_come_before_the_invoice_are_left_out_and_the_others_keep_their_keys() -> None:
    """Due in two days: the reminder three days before is in the past."""
    plan = plan_steps(EVERY_DAY, date(2026, 11, 3), every_day(), ISSUED_AT)
    assert [step.key for step in plan] == ["1-overdue_notice", "2-overdue_notice", "3-final_warning", "4-suspend"]


def test_a_step_at_the_very_instant_of_the_issue_is_left_out() -> None:
    assert plan_steps(EVERY_DAY, DUE_ON, every_day(), REMINDER.at) == PLAN[1:]


@given(cases(), st.integers(0, 60), st.integers(0, 24 * 60))
def test_a_plan_has_all_steps_after_the_issue_and_no_warning_or_suspension_is_ever_left_out(
    case: Case, terms: int, minutes: int
) -> None:
    issued_at = datetime(case.due_on.year, case.due_on.month, case.due_on.day, tzinfo=UTC) + timedelta(minutes=minutes)
    due_on = due_day(local_day(issued_at, case.calendar.zone), terms)
    plan = plan_steps(case.policy, due_on, case.calendar, issued_at)
    everything = date_steps(case.policy, due_on, case.calendar)
    assert plan == tuple(step for step in everything if step.at > issued_at)
    for action in (WARN, SUSPEND, WRITE_OFF):
        assert sum(step.action is action for step in plan) == sum(step.action is action for step in everything)


def test_the_first_step_is_waited_for() -> None:
    assert next_step(PLAN, (), ISSUED_AT) == REMINDER


def test_steps_follow_each_other_when_each_is_taken_in_time() -> None:
    for index, step in enumerate(PLAN[:-1]):
        assert next_step(PLAN, taken(*PLAN[: index + 1]), step.at) == PLAN[index + 1]


def test_after_the_last_step_the_ladder_is_at_its_end() -> None:
    assert next_step(PLAN, taken(*PLAN), SUSPENSION.at) is None
    assert next_step(PLAN, taken(SUSPENSION), SUSPENSION.at) is None
    assert next_step((), (), ISSUED_AT) is None


def test_a_step_is_due_at_its_instant_and_not_a_moment_before() -> None:
    """The notice of the due day was missed: a moment before the next one is due, that one is waited for."""
    moment = timedelta(microseconds=1)
    assert next_step(PLAN, taken(REMINDER), SECOND_NOTICE.at - moment) == SECOND_NOTICE
    assert next_step(PLAN, taken(REMINDER), FIRST_NOTICE.at - moment) == FIRST_NOTICE
    assert next_step(PLAN, taken(REMINDER), SECOND_NOTICE.at) == SECOND_NOTICE


def test_of_two_missed_letters_only_the_later_is_sent() -> None:
    """The system was down from day -3 to day 8: one overdue notice, not a reminder and two notices."""
    assert next_step(PLAN, (), SECOND_NOTICE.at + DAY) == SECOND_NOTICE


def test_a_missed_letter_is_sent_late_unless_the_next_one_comes_within_hours() -> None:
    """The notice of day 7, found missing a day before the warning is due: sent. Found missing that very morning: not sent."""
    done = taken(REMINDER, FIRST_NOTICE)
    assert next_step(PLAN, done, WARNING.at - DAY) == SECOND_NOTICE
    assert next_step(PLAN, done, WARNING.at - timedelta(hours=1)) == WARNING


def test_a_missed_warning_does_not_wait_for_a_milder_letter_that_comes_within_hours() -> None:
    warning, notice = plan_of((7, WARN), (9, NOTICE))
    assert next_step((warning, notice), (), notice.at - timedelta(hours=1)) == warning


def test_a_milder_letter_does_not_follow_a_late_warning_on_its_heels() -> None:
    """The warning of day 7 went out on day 12: the notices of days 9 and 12 say less, the one of day 14 is due in its turn."""
    plan = warning, _, _, last = plan_of((7, WARN), (9, NOTICE), (12, NOTICE), (14, NOTICE))
    assert next_step(plan, taken(warning, late=5 * DAY - timedelta(hours=1)), warning.at + 5 * DAY) == last


def test_a_plan_of_the_first_release_is_climbed_as_it_was_then() -> None:
    """Its lifecycles are replayed: a letter is sent though another one comes, or came, within hours."""
    old = tuple(PlannedStep(step.key, step.action, step.at) for step in [*PLAN[:4], *plan_of((15, NOTICE))])
    assert next_step(old, taken(*old[:2]), WARNING.at - timedelta(hours=1)) == old[2]
    late = timedelta(hours=23)
    assert next_step(old, taken(*old[:4], late=late), WARNING.at + late) == old[4]


def test_a_suspension_that_was_missed_together_with_its_warning_waits_for_the_warning() -> None:
    down_until = SUSPENSION.at + 10 * DAY
    assert next_step(PLAN, taken(REMINDER, FIRST_NOTICE), down_until) == WARNING


def test_after_a_late_warning_the_suspension_keeps_its_distance() -> None:
    """Warned ten days late: the customer has the same seven days as everybody else."""
    warned = taken(REMINDER, FIRST_NOTICE, SECOND_NOTICE) + taken(WARNING, late=10 * DAY)
    assert next_step(PLAN, warned, WARNING.at + 10 * DAY) == replace(SUSPENSION, at=SUSPENSION.at + 10 * DAY)


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=59)])
def test_a_warning_that_came_in_time_moves_nothing(late: timedelta) -> None:
    assert next_step(PLAN, taken(*PLAN[:4], late=late), WARNING.at + late) == SUSPENSION


def test_a_ladder_without_a_warning_suspends_on_its_day() -> None:
    plan = plan_of((0, NOTICE), (7, SUSPEND))
    assert next_step(plan, (), plan[1].at + DAY) == plan[1]


def test_a_write_off_that_was_missed_together_with_its_suspension_waits_for_it_and_keeps_its_distance() -> None:
    plan = suspension, write_off = plan_of((21, SUSPEND), (90, WRITE_OFF))
    late = write_off.at + DAY
    assert next_step(plan, (), late) == suspension
    step = next_step(plan, (TakenStep(suspension.key, late),), late)
    assert step == replace(write_off, at=late + 69 * DAY)


def test_a_write_off_without_a_suspension_keeps_its_distance_from_the_warning() -> None:
    plan = warning, write_off = plan_of((14, WARN), (30, WRITE_OFF))
    late = write_off.at + DAY
    assert next_step(plan, (), late) == warning
    assert next_step(plan, (TakenStep(warning.key, late),), late) == replace(write_off, at=late + 16 * DAY)


TWO_WARNINGS = plan_of((7, WARN), (14, WARN), (21, SUSPEND))


def test_of_two_missed_warnings_only_the_last_is_sent() -> None:
    assert next_step(TWO_WARNINGS, (), TWO_WARNINGS[2].at + DAY) == TWO_WARNINGS[1]


def test_the_suspension_keeps_its_distance_from_the_last_of_two_warnings() -> None:
    first, second, suspension = TWO_WARNINGS
    warned = taken(first) + taken(second, late=10 * DAY)
    step = next_step(TWO_WARNINGS, warned, second.at + 10 * DAY)
    assert step == replace(suspension, at=suspension.at + 10 * DAY)


@pytest.mark.parametrize(
    ("state", "pointless"),
    [
        (InvoiceState.OPEN, False),
        (InvoiceState.PAID, True),
        (InvoiceState.VOID, True),
        (InvoiceState.WRITTEN_OFF, True),
    ],
)
def test_only_an_open_invoice_is_chased(state: InvoiceState, pointless: bool) -> None:
    assert is_pointless(state) is pointless
