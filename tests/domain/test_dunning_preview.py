"""Previews are the plans that would be made, with what these leave out and why: no step is lost, none is invented."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.dunning import PlannedStep, Progress, date_steps, plan_again, plan_steps
from domain.dunning_ladder import Action
from domain.dunning_preview import PreviewedStep, preview_again, preview_new
from tests.domain.dunning_cases import DAY, EVERY_DAY, NOTICE, SUSPEND, WARN, Case, cases, every_day, local

DUE_ON = date(2026, 11, 16)
ISSUED_AT = local(date(2026, 11, 2), 10)


def taken(found: tuple[PreviewedStep, ...]) -> tuple[PlannedStep, ...]:
    return tuple(each.step for each in found if not each.left_out)


def left_out(found: tuple[PreviewedStep, ...]) -> dict[str, str]:
    return {each.step.key: each.left_out for each in found if each.left_out}


@given(cases(), st.datetimes(datetime(2023, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis adds the zone
def test_a_preview_of_a_new_invoice_is_its_plan_and_what_that_leaves_out(case: Case, since: datetime) -> None:
    found = preview_new(case.policy, case.due_on, case.calendar, since)
    assert taken(found) == plan_steps(case.policy, case.due_on, case.calendar, since)
    assert tuple(each.step for each in found) == date_steps(case.policy, case.due_on, case.calendar)


@given(cases(), st.integers(0, 60 * 24 * 60), st.sampled_from([None, NOTICE, WARN, SUSPEND]))
def test_a_preview_of_another_policy_is_the_plan_that_it_would_get_and_what_that_leaves_out(
    case: Case, minutes: int, highest: Action | None
) -> None:
    issued_at = local(case.due_on - 14 * DAY, 8, zone=case.calendar.zone)
    now = issued_at + timedelta(minutes=minutes)
    severity = highest.severity if highest else -1
    progress = Progress(now, highest, now if severity >= WARN.severity else None, now if severity >= SUSPEND.severity else None)
    found = preview_again(case.policy, case.due_on, case.calendar, issued_at, progress, round_=2)
    assert taken(found) == plan_again(case.policy, case.due_on, case.calendar, issued_at, progress, round_=2)
    assert [each.step.key for each in found] == [f"r2.{i}-{step.action.value}" for i, step in enumerate(case.policy.steps)]


def test_a_reminder_three_days_before_cannot_come_when_the_invoice_is_due_in_two() -> None:
    found = preview_new(EVERY_DAY, date(2026, 11, 4), every_day(), ISSUED_AT)
    assert left_out(found) == {"0-remind": "would come before the invoice"}


def test_after_a_final_warning_milder_letters_of_the_same_days_say_no_more() -> None:
    """Warned on day 14 and given the policy by default on day 15: the suspension is all that is left of it."""
    warned_at = local(DUE_ON + 14 * DAY, 9)
    progress = Progress(warned_at + DAY, WARN, warned_at, None, DUE_ON + 14 * DAY)
    found = preview_again(EVERY_DAY, DUE_ON, every_day(), ISSUED_AT, progress, round_=2)
    why = "says no more than the final warning that stands already"
    assert left_out(found) == {
        "r2.0-remind": why,
        "r2.1-overdue_notice": why,
        "r2.2-overdue_notice": why,
        "r2.3-final_warning": why,
    }


def test_what_would_come_before_the_day_that_it_is_chased_from_says_so_whatever_was_said() -> None:
    progress = Progress(ISSUED_AT + DAY, NOTICE, None, None, DUE_ON)
    found = preview_again(EVERY_DAY, date(2026, 11, 4), every_day(), ISSUED_AT, progress, round_=2)
    assert left_out(found)["r2.0-remind"] == "would come before the invoice, or before its due day was extended"
