"""The days of a ladder: inside the window, on open days, in order, with the reason for each that moved (pains 7, 9, 16)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.dunning import PlannedStep, date_steps, letter_on
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy, SendWindow, default_policy
from domain.letters import Letter
from domain.sending_calendar import SendingCalendar
from public_holidays import public_holidays
from tests.domain.dunning_cases import DAY, NOTICE, REMIND, SUSPEND, WARN, WRITE_OFF, Case, cases, due_days, every_day

COUNTRIES = {"ZW": "Africa/Harare", "ZA": "Africa/Johannesburg"}
HOLIDAYS = {country: public_holidays(country, 2023, 2031) for country in COUNTRIES}
BEHIND = {SUSPEND: {WARN}, WRITE_OFF: {WARN, SUSPEND}}


def ladder(*steps: tuple[int, Action], **policy: object) -> DunningPolicy:
    return replace(DunningPolicy(tuple(DunningStep.usual(*step) for step in steps), working_days_only=True), **policy)  # type: ignore[arg-type]  # the fields of a policy


def dated(policy: DunningPolicy, due_on: date, country: str = "ZW", **earlier: date) -> tuple[PlannedStep, ...]:
    calendar = SendingCalendar.of(policy, COUNTRIES[country], HOLIDAYS[country])
    return date_steps(policy, due_on, calendar, **earlier)  # type: ignore[arg-type]  # days of an earlier plan


def moves(plan: tuple[PlannedStep, ...]) -> list[tuple[str, str]]:
    """Each step's local day in Harare, and why it moved."""
    return [(f"{local_day(step.at, 'Africa/Harare'):%a %d %b}", step.moved) for step in plan]


def assert_kept(case: Case, plan: tuple[PlannedStep, ...]) -> None:
    """All that holds for any plan of all steps."""
    policy, due_on, calendar = case.policy, case.due_on, case.calendar
    assert [step.action for step in plan] == [rung.action for rung in policy.steps]
    days = [local_day(step.at, calendar.zone) for step in plan]
    assert all(calendar.is_open(step.at) for step in plan)
    assert all(earlier < later for earlier, later in pairwise(days))
    for rung, step, day in zip(policy.steps, plan, days, strict=True):
        assert step.nominal_on == due_on + rung.offset_days * DAY
        assert bool(step.moved) == (day != step.nominal_on)
        assert day <= step.nominal_on < due_on if rung.offset_days < 0 else day >= step.nominal_on
    for index, rung in enumerate(policy.steps):
        before = [i for i in range(index) if policy.steps[i].action in BEHIND.get(rung.action, ())]
        if before:
            gap = rung.offset_days - policy.steps[before[-1]].offset_days
            assert days[index] - days[before[-1]] >= gap * DAY


@given(cases())
@example(
    Case(
        ladder((7, WARN), (8, SUSPEND), send_at=time(2, 30), window=SendWindow(time(2, 15), time(2, 45))),
        date(2026, 3, 1),
        SendingCalendar("America/New_York", SendWindow(time(2, 15), time(2, 45)), working_days_only=False),
    )
)
def test_every_step_is_inside_the_window_on_an_open_day_in_order_one_a_day_with_a_reason_when_it_moved(case: Case) -> None:
    assert_kept(case, date_steps(case.policy, case.due_on, case.calendar))


@settings(max_examples=50)
@given(st.sampled_from(sorted(COUNTRIES)), due_days)
def test_the_default_ladder_keeps_the_real_public_holidays_of_zimbabwe_and_south_africa(country: str, due_on: date) -> None:
    calendar = SendingCalendar.of(default_policy(), COUNTRIES[country], HOLIDAYS[country])
    plan = date_steps(default_policy(), due_on, calendar)
    assert_kept(Case(default_policy(), due_on, calendar), plan)
    for step in plan:
        day = local_day(step.at, calendar.zone)
        assert day.weekday() < 5
        assert day not in HOLIDAYS[country]
        assert step.at == datetime(day.year, day.month, day.day, 7, tzinfo=UTC)


@given(cases())
def test_no_step_moves_further_than_it_must(case: Case) -> None:
    """A step that kept no distance and pushed nobody is on the open day that is next to its own."""
    plan = date_steps(case.policy, case.due_on, case.calendar)
    for step in plan:
        assert step.nominal_on is not None
        if not step.moved.startswith(("stays ", "the step ")):
            towards = case.calendar.open_day_until if step.nominal_on < case.due_on else case.calendar.open_day_from
            assert local_day(step.at, case.calendar.zone) == towards(step.nominal_on)


@given(cases(), st.integers(0, 60), st.integers(0, 60))
def test_the_policys_gap_is_kept_from_what_was_done_under_an_earlier_plan(case: Case, warned: int, suspended: int) -> None:
    earlier = {WARN: case.due_on + warned * DAY, SUSPEND: case.due_on + suspended * DAY}
    plan = date_steps(case.policy, case.due_on, case.calendar, round_=2, warned_on=earlier[WARN], suspended_on=earlier[SUSPEND])
    assert_kept(case, plan)
    for index, rung in enumerate(case.policy.steps):
        before = [other for other in case.policy.steps[:index] if other.action in BEHIND.get(rung.action, ())]
        if before:
            gap = (rung.offset_days - before[-1].offset_days) * DAY
            assert local_day(plan[index].at, case.calendar.zone) >= earlier[before[-1].action] + gap


@given(cases(), st.integers(1, 9))
def test_the_keys_of_an_invoices_plans_are_all_different(case: Case, round_: int) -> None:
    plans = [date_steps(case.policy, case.due_on, case.calendar, round_=count) for count in (round_, round_ + 1)]
    keys = [step.key for plan in plans for step in plan]
    assert len(keys) == len(set(keys))


def test_steps_move_over_heroes_day_and_defence_forces_day() -> None:
    """Due on Sunday 9 August 2026: the reminder goes out on the Thursday before, the notice after the two holidays."""
    plan = dated(default_policy(), date(2026, 8, 9))
    assert moves(plan)[:3] == [
        ("Thu 06 Aug", ""),
        ("Wed 12 Aug", "weekend, public holiday: Zimbabwe Heroes' Day, public holiday: Defense Forces Day"),
        ("Mon 17 Aug", "weekend"),
    ]


def test_a_reminder_moves_to_the_working_day_before_a_holiday_and_a_notice_to_the_one_after() -> None:
    plan = dated(ladder((-3, REMIND), (4, NOTICE)), date(2026, 4, 7))
    assert moves(plan) == [
        ("Thu 02 Apr", "public holiday: Easter Saturday, public holiday: Good Friday"),
        ("Mon 13 Apr", "weekend"),
    ]


def test_two_reminders_that_fall_on_one_weekend_go_out_on_two_days_before_it() -> None:
    plan = dated(ladder((-2, REMIND), (-1, REMIND)), date(2026, 11, 16))
    assert moves(plan) == [("Thu 12 Nov", "the step after it is on 2026-11-13"), ("Fri 13 Nov", "weekend")]


def test_a_reminder_that_is_pushed_onto_a_closed_day_tells_of_both() -> None:
    plan = dated(ladder((-4, REMIND), (-3, REMIND), (-2, REMIND)), date(2026, 4, 8))
    assert moves(plan) == [
        ("Tue 31 Mar", "the step after it is on 2026-04-01"),
        ("Wed 01 Apr", "the step after it is on 2026-04-02"),
        (
            "Thu 02 Apr",
            ", ".join(f"public holiday: {day}" for day in ["Easter Monday", "Easter Sunday", "Easter Saturday", "Good Friday"]),
        ),
    ]


def test_two_notices_that_fall_on_one_weekend_go_out_on_two_days_after_it() -> None:
    plan = dated(ladder((5, NOTICE), (6, NOTICE)), date(2026, 11, 16))
    assert moves(plan) == [("Mon 23 Nov", "weekend"), ("Tue 24 Nov", "the step before it is on 2026-11-23")]


def test_a_suspension_stays_as_far_behind_a_warning_that_moved_as_the_policy_says() -> None:
    """The warning's Saturday becomes Monday: the suspension, a Tuesday, becomes the Thursday ten days after it."""
    plan = dated(ladder((5, WARN), (15, SUSPEND), (20, WRITE_OFF)), date(2026, 11, 16))
    assert moves(plan) == [
        ("Mon 23 Nov", "weekend"),
        ("Thu 03 Dec", "stays 10 days behind the final warning of 2026-11-23"),
        ("Tue 08 Dec", "stays 5 days behind the suspension of 2026-12-03"),
    ]


def test_a_suspension_whose_own_weekend_ends_late_enough_says_so_and_no_more() -> None:
    """Seven days apart, both on a Saturday: both move to a Monday for the same reason."""
    plan = dated(ladder((5, WARN), (12, SUSPEND)), date(2026, 11, 16))
    assert moves(plan) == [("Mon 23 Nov", "weekend"), ("Mon 30 Nov", "weekend")]


def test_a_step_that_keeps_its_distance_up_to_a_closed_day_tells_of_both() -> None:
    plan = dated(ladder((5, WARN), (10, SUSPEND)), date(2026, 11, 16))
    assert moves(plan)[1] == ("Mon 30 Nov", "stays 5 days behind the final warning of 2026-11-23, weekend")


def test_a_write_off_without_a_suspension_stays_behind_the_warning() -> None:
    plan = dated(ladder((5, WARN), (9, WRITE_OFF)), date(2026, 11, 16))
    assert moves(plan)[1] == ("Fri 27 Nov", "stays 4 days behind the final warning of 2026-11-23")


def test_a_suspension_after_a_warning_under_an_earlier_plan_names_the_day_of_that_warning() -> None:
    plan = dated(ladder((1, WARN), (8, SUSPEND)), date(2026, 11, 16), warned_on=date(2026, 11, 18))
    assert moves(plan)[1] == ("Wed 25 Nov", "stays 7 days behind the final warning of 2026-11-18")


def test_a_day_whose_window_the_clocks_skip_is_moved_with_that_reason() -> None:
    policy = ladder((0, NOTICE), send_at=time(2, 30), window=SendWindow(time(2, 15), time(2, 45)), working_days_only=False)
    plan = date_steps(policy, date(2026, 3, 8), SendingCalendar.of(policy, "America/New_York", {}))
    assert [(step.at, step.moved) for step in plan] == [
        (datetime(2026, 3, 9, 6, 30, tzinfo=UTC), "the clocks skip the send window")
    ]


def test_a_reminder_of_the_due_day_that_moves_behind_it_is_an_overdue_notice() -> None:
    """Due on Saturday: a letter of Monday cannot say that the invoice falls due."""
    policy = ladder((-1, REMIND), (0, REMIND))
    assert [step.letter for step in dated(policy, date(2026, 11, 14))] == [Letter.PAYMENT_REMINDER, Letter.OVERDUE_NOTICE]
    assert [step.letter for step in dated(policy, date(2026, 11, 13))] == [Letter.PAYMENT_REMINDER, Letter.PAYMENT_REMINDER]


@pytest.mark.parametrize("letter", [*Letter, None])
def test_only_a_reminder_becomes_another_letter_and_only_after_the_due_day(letter: Letter | None) -> None:
    due_on = date(2026, 11, 14)
    assert letter_on(letter, due_on, due_on) is letter
    after = letter_on(letter, due_on, due_on + DAY)
    assert after is (Letter.OVERDUE_NOTICE if letter is Letter.PAYMENT_REMINDER else letter)


def test_the_ladder_of_a_leap_day() -> None:
    """29 February 2028 is a Tuesday; two weeks later is 14 March."""
    plan = dated(default_policy(), date(2028, 2, 29))
    assert moves(plan) == [
        ("Fri 25 Feb", "weekend"),
        ("Tue 29 Feb", ""),
        ("Tue 07 Mar", ""),
        ("Tue 14 Mar", ""),
        ("Tue 21 Mar", ""),
    ]


def test_a_second_plan_has_keys_of_its_own() -> None:
    steps = date_steps(default_policy(), date(2026, 11, 16), every_day(), round_=2)
    assert [step.key for step in steps][-2:] == ["r2.3-final_warning", "r2.4-suspend"]


def test_nine_in_the_morning_stays_nine_when_clocks_change() -> None:
    """London leaves summer time on 25 October: the offset changes within the ladder, the hour on the wall does not."""
    plan = date_steps(default_policy(), date(2026, 10, 20), every_day("Europe/London"))
    assert [step.at.hour for step in plan] == [8, 8, 9, 9, 9]
    assert plan[3].at - plan[2].at == timedelta(days=7)
