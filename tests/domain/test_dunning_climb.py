"""A ladder climbed by a system that is up and down as it likes: once, in order, at decent hours, never unwarned (L4, L8)."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.dunning import PlannedStep, TakenStep, date_steps, next_step, plan_steps
from domain.dunning_ladder import DunningStep
from domain.dunning_policy import OFFICE_HOURS, DunningPolicy, default_policy
from domain.sending_calendar import SendingCalendar
from tests.domain.dunning_cases import DAY, NOTICE, REMIND, SUSPEND, WARN, WRITE_OFF, Case, cases, climb, local

BEFORE = {SUSPEND: (WARN,), WRITE_OFF: (WARN, SUSPEND)}
HOUR = timedelta(hours=1)
downtimes = st.just(timedelta()) | st.integers(0, 24 * 60 * 60).map(lambda minutes: timedelta(minutes=minutes))
short_downtimes = st.integers(0, 59).map(lambda seconds: timedelta(seconds=seconds))


def issued_at(case: Case) -> datetime:
    return local(case.due_on - 40 * DAY, 8, zone=case.calendar.zone)


def plan_of(case: Case) -> tuple[PlannedStep, ...]:
    return plan_steps(case.policy, case.due_on, case.calendar, issued_at(case))


@given(cases(), st.data())
def test_whatever_the_downtimes_steps_are_taken_once_in_order_and_inside_the_window(case: Case, data: st.DataObject) -> None:
    plan = plan_of(case)
    taken = climb(plan, case.calendar, issued_at(case), lambda: data.draw(downtimes))
    order = [[step.key for step in plan].index(step.key) for step, _ in taken]
    assert order == sorted(set(order))
    assert all(case.calendar.is_open(at) for _, at in taken)
    assert all(at >= plan[index].at for index, (_, at) in zip(order, taken, strict=True))


@given(cases(), st.data())
def test_whatever_the_downtimes_nobody_is_suspended_unwarned_or_written_off_unsuspended(
    case: Case, data: st.DataObject
) -> None:
    plan = plan_of(case)
    taken = climb(plan, case.calendar, issued_at(case), lambda: data.draw(downtimes))
    everything = date_steps(case.policy, case.due_on, case.calendar)
    offsets = {step.key: rung.offset_days for step, rung in zip(everything, case.policy.steps, strict=True)}
    for index, (step, at) in enumerate(taken):
        given_before = [(earlier, when) for earlier, when in taken[:index] if earlier.action in BEFORE.get(step.action, ())]
        planned = [earlier for earlier in plan if earlier.action in BEFORE.get(step.action, ()) and earlier.at < step.at]
        assert bool(given_before) == bool(planned)
        if step.action is WRITE_OFF and any(earlier.action is SUSPEND for earlier in planned):
            assert given_before[-1][0].action is SUSPEND
        for earlier, when in given_before[-1:]:
            # Days: one has 23 hours where the clocks change, and what is late by less than an hour is in time.
            assert at - when > (offsets[step.key] - offsets[earlier.key]) * DAY - 2 * HOUR


@given(cases(), st.data())
def test_what_ends_the_ladder_is_always_reached(case: Case, data: st.DataObject) -> None:
    """Milder letters may be passed over; the last warning, the suspension and the write-off are not."""
    plan = plan_of(case)
    taken = {step.key for step, _ in climb(plan, case.calendar, issued_at(case), lambda: data.draw(downtimes))}
    for action in (WARN, SUSPEND, WRITE_OFF):
        assert all(last.key in taken for last in [step for step in plan if step.action is action][-1:])


@given(cases(), st.data())
def test_without_downtime_every_step_is_taken_when_it_was_planned(case: Case, data: st.DataObject) -> None:
    """Save the seconds that a deed takes, even where the hour is the last minute of the window."""
    plan = plan_of(case)
    taken = climb(plan, case.calendar, issued_at(case), lambda: data.draw(short_downtimes))
    assert [step.key for step, _ in taken] == [step.key for step in plan]
    assert all(at - step.at < timedelta(minutes=1) for step, at in taken)


@settings(max_examples=60)
@given(cases(), st.data())
def test_at_most_one_letter_goes_out_at_once(case: Case, data: st.DataObject) -> None:
    taken = climb(plan_of(case), case.calendar, issued_at(case), lambda: data.draw(downtimes))
    instants = [at for step, at in taken if step.letter is not None]
    assert len(instants) == len(set(instants))


@given(cases(), st.data())
def test_the_next_step_is_never_one_before_the_last_that_was_taken(case: Case, data: st.DataObject) -> None:
    """Whichever steps were taken, and whenever that was; keys of an earlier plan count for nothing."""
    plan = plan_of(case)
    now = case.due_on - 60 * DAY + data.draw(st.integers(0, 200)) * DAY
    instant = datetime(now.year, now.month, now.day, 12, tzinfo=UTC)
    keys = data.draw(st.lists(st.sampled_from([step.key for step in plan]), unique=True)) if plan else []
    taken = tuple(TakenStep(key, instant) for key in [*keys, "r9.0-remind"])
    step = next_step(plan, taken, instant)
    assert step is not None or keys or not plan
    if step is not None:
        index = [planned.key for planned in plan].index(step.key)
        assert all(index > earlier for earlier, planned in enumerate(plan) if planned.key in keys)
        assert step.at >= plan[index].at


DEFAULT = SendingCalendar("Africa/Harare", OFFICE_HOURS, working_days_only=True)


def default_climb(down: dict[int, timedelta]) -> list[tuple[str, str]]:
    """The default ladder of an invoice due on Monday 16 November 2026; `down`: for how long, by count of waits."""
    waits = iter(range(100))
    start = datetime(2026, 11, 2, 8, tzinfo=UTC)
    plan = plan_steps(default_policy(), date(2026, 11, 16), DEFAULT, start)
    taken = climb(plan, DEFAULT, start, lambda: down.get(next(waits), timedelta()))
    return [(step.action.value, f"{at + 2 * HOUR:%d %b %H:%M}") for step, at in taken]


def test_the_default_ladder_in_good_times() -> None:
    assert default_climb({}) == [
        ("remind", "13 Nov 09:00"),
        ("overdue_notice", "16 Nov 09:00"),
        ("overdue_notice", "23 Nov 09:00"),
        ("final_warning", "30 Nov 09:00"),
        ("suspend", "07 Dec 09:00"),
    ]


def test_what_is_late_on_a_friday_evening_gives_way_to_mondays_warning() -> None:
    """Down from the second notice's morning to Friday 27 November, 18:00: on Monday one letter goes out, not two."""
    assert default_climb({2: 4 * DAY + 9 * HOUR})[2:] == [("final_warning", "30 Nov 09:00"), ("suspend", "07 Dec 09:00")]


def test_after_a_month_without_power_one_warning_goes_out_and_a_week_later_the_suspension() -> None:
    assert default_climb({0: 30 * DAY + 12 * HOUR}) == [("final_warning", "14 Dec 08:00"), ("suspend", "21 Dec 08:00")]


@given(st.integers(1, 30), st.integers(1, 30))
@example(7, 1)
def test_a_ladder_of_daily_letters_never_says_two_on_a_morning_after_an_outage(first: int, days_down: int) -> None:
    steps = tuple(DunningStep.usual(first + n, action) for n, action in enumerate([REMIND, NOTICE, WARN]))
    policy = DunningPolicy(steps)
    calendar = SendingCalendar.of(policy, "Africa/Harare", {})
    start = datetime(2026, 11, 1, 8, tzinfo=UTC)
    plan = plan_steps(policy, date(2026, 11, 2), calendar, start)
    outages = iter([days_down * DAY - HOUR])
    taken = climb(plan, calendar, start, lambda: next(outages, timedelta()))
    days = [local_day(at, "Africa/Harare") for _, at in taken]
    assert len(days) == len(set(days))
    assert taken[-1][0].action is WARN
