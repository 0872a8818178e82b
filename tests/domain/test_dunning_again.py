"""Another policy for an invoice that is being chased: nothing is said twice, and nobody loses days (requirements L6)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.dunning import PlannedStep, Progress, date_steps, next_step, plan_again, plan_steps
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy
from domain.sending_calendar import SendingCalendar
from tests.domain.dunning_cases import DAY, NOTICE, REMIND, SUSPEND, WARN, WRITE_OFF, Case, cases, every_day, local

DUE_ON = date(2026, 11, 16)
ISSUED_AT = local(date(2026, 11, 2), 10)


def nine(day: date) -> datetime:
    return local(day, 9)


def policy(*steps: tuple[int, Action]) -> DunningPolicy:
    return DunningPolicy(tuple(DunningStep.usual(*step) for step in steps))


def again(new: DunningPolicy, progress: Progress) -> list[tuple[str, date]]:
    plan = plan_again(new, DUE_ON, every_day(), ISSUED_AT, progress, round_=2)
    return [(step.key, local_day(step.at, "Africa/Harare")) for step in plan]


@st.composite
def chased(draw: st.DrawFn) -> tuple[Case, datetime, Progress]:
    """An invoice to which a policy is applied, when it was issued, and how far it was chased: by any policy whatever."""
    case = draw(cases())
    issued_at = local(case.due_on - draw(st.integers(0, 40)) * DAY, 8, zone=case.calendar.zone)
    now = issued_at + timedelta(minutes=draw(st.integers(0, 120 * 24 * 60)))
    highest = draw(st.sampled_from([None, *Action]))
    ago = sorted(draw(st.lists(st.integers(0, 60 * 24 * 60), min_size=2, max_size=2)))
    suspended_at, warned_at = (now - timedelta(minutes=minutes) for minutes in ago)
    severity = highest.severity if highest else -1
    progress = Progress(
        now,
        highest,
        warned_at if severity >= WARN.severity else None,
        suspended_at if severity >= SUSPEND.severity else None,
        local_day(now, case.calendar.zone) - draw(st.integers(-3, 20)) * DAY if highest else None,
    )
    return case, issued_at, progress


def plan_of(case: Case, issued_at: datetime, progress: Progress) -> tuple[PlannedStep, ...]:
    return plan_again(case.policy, case.due_on, case.calendar, issued_at, progress, round_=2)


@given(chased())
def test_nothing_that_was_said_is_said_again_and_nothing_milder_after_a_suspension(
    life: tuple[Case, datetime, Progress],
) -> None:
    case, issued_at, progress = life
    for step in plan_of(case, issued_at, progress):
        assert step.at > issued_at
        assert step.nominal_on is not None
        if progress.highest is None or step.action.severity > progress.highest.severity:
            continue
        assert progress.highest.severity < SUSPEND.severity
        assert step.at > progress.now
        assert progress.spoken_until is not None
        assert local_day(step.at, case.calendar.zone) > progress.spoken_until
        assert step.nominal_on > progress.spoken_until


@given(chased())
def test_what_is_more_severe_than_all_that_was_done_is_never_left_out(life: tuple[Case, datetime, Progress]) -> None:
    case, issued_at, progress = life
    severity = progress.highest.severity if progress.highest else -1
    planned = {step.key for step in plan_of(case, issued_at, progress)}
    everything = date_steps(case.policy, case.due_on, case.calendar, round_=2)
    ahead = {step.key for step in everything if step.action.severity > max(severity, NOTICE.severity)}
    assert ahead <= planned


@given(chased())
def test_a_warning_and_a_suspension_under_an_earlier_plan_give_the_new_policys_days(
    life: tuple[Case, datetime, Progress],
) -> None:
    case, issued_at, progress = life
    done = {WARN: progress.warned_at, SUSPEND: progress.suspended_at}
    offsets = {f"r2.{index}-{step.action.value}": step.offset_days for index, step in enumerate(case.policy.steps)}
    for step in plan_of(case, issued_at, progress):
        behind = {SUSPEND: (WARN,), WRITE_OFF: (WARN, SUSPEND)}.get(step.action, ())
        before = [other for other in case.policy.steps if other.action in behind and other.offset_days < offsets[step.key]]
        for milestone in before[-1:]:
            at = done[milestone.action]
            if at is not None:
                gap = (offsets[step.key] - milestone.offset_days) * DAY
                assert local_day(step.at, case.calendar.zone) >= local_day(at, case.calendar.zone) + gap


@given(chased())
def test_of_an_invoice_that_nobody_chased_yet_the_plan_is_the_policys(life: tuple[Case, datetime, Progress]) -> None:
    case, issued_at, progress = life
    unchased = plan_of(case, issued_at, Progress(progress.now))
    assert unchased == plan_steps(case.policy, case.due_on, case.calendar, issued_at, round_=2)


def test_a_reminder_that_was_sent_this_morning_is_not_sent_again_this_afternoon() -> None:
    """The new policy has the same ladder at 14:00 instead of 09:00."""
    day = DUE_ON - 3 * DAY
    later = DunningPolicy.from_data({"send_at": "14:00", "steps": policy((-3, REMIND), (0, NOTICE)).to_data()["steps"]})
    assert again(later, Progress(local(day, 10), REMIND, spoken_until=day)) == [("r2.1-overdue_notice", DUE_ON)]


def test_a_reminder_that_had_moved_before_the_weekend_is_not_sent_again_on_it() -> None:
    """Sunday's reminder went out on Friday; the new policy writes on Sundays too."""
    friday, sunday = date(2026, 11, 13), date(2026, 11, 15)
    progress = Progress(local(friday, 10), REMIND, spoken_until=sunday)
    assert again(policy((-1, REMIND), (0, NOTICE)), progress) == [("r2.1-overdue_notice", DUE_ON)]


def test_a_notice_of_sunday_is_not_sent_again_on_monday_when_the_new_policy_keeps_working_days() -> None:
    sunday = DUE_ON + 6 * DAY
    new = replace(policy((6, NOTICE), (9, NOTICE)), working_days_only=True)
    progress = Progress(local(sunday, 10), NOTICE, spoken_until=sunday)
    plan = plan_again(new, DUE_ON, SendingCalendar.of(new, "Africa/Harare", {}), ISSUED_AT, progress, round_=2)
    assert [step.key for step in plan] == ["r2.1-overdue_notice"]


def test_a_reminder_of_sunday_does_not_move_onto_a_friday_on_which_one_was_sent() -> None:
    friday = date(2026, 11, 13)
    new = replace(policy((-1, REMIND), (0, NOTICE)), working_days_only=True, send_at=time(14))
    progress = Progress(local(friday, 10), REMIND, spoken_until=friday)
    plan = plan_again(new, DUE_ON, SendingCalendar.of(new, "Africa/Harare", {}), ISSUED_AT, progress, round_=2)
    assert [step.key for step in plan] == ["r2.1-overdue_notice"]


def test_a_second_notice_that_is_still_to_come_is_sent_though_one_was_sent_before() -> None:
    progress = Progress(local(DUE_ON + 5 * DAY, 10), NOTICE, spoken_until=DUE_ON)
    assert again(policy((0, NOTICE), (7, NOTICE)), progress) == [("r2.1-overdue_notice", DUE_ON + 7 * DAY)]


def test_who_was_warned_late_has_the_new_policys_week_before_the_suspension() -> None:
    """Warned on day 20 under the old plan; the new one warns on day 7 and suspends on day 14."""
    warned_at = nine(DUE_ON + 20 * DAY)
    progress = Progress(warned_at + DAY, WARN, warned_at, spoken_until=DUE_ON + 20 * DAY)
    assert again(policy((7, WARN), (14, SUSPEND)), progress) == [("r2.1-suspend", DUE_ON + 27 * DAY)]


def test_who_was_never_warned_is_warned_before_a_suspension_that_is_overdue_under_the_new_policy() -> None:
    now = nine(DUE_ON + 30 * DAY)
    plan = plan_again(
        policy((7, WARN), (14, SUSPEND)), DUE_ON, every_day(), ISSUED_AT, Progress(now, NOTICE, spoken_until=DUE_ON), round_=2
    )
    step = next_step(plan, (), now)
    assert step is not None
    assert step.key == "r2.0-final_warning"


def test_who_is_suspended_hears_no_more_and_is_written_off_as_long_after_it_as_the_new_policy_says() -> None:
    """Suspended on day 40 under the old plan; by the new policy a write-off comes 60 days after a suspension."""
    now = nine(DUE_ON + 41 * DAY)
    progress = Progress(now, SUSPEND, nine(DUE_ON + 30 * DAY), nine(DUE_ON + 40 * DAY), DUE_ON + 40 * DAY)
    new = policy((50, NOTICE), (60, WARN), (70, SUSPEND), (130, WRITE_OFF))
    assert again(new, progress) == [("r2.3-write_off", DUE_ON + 130 * DAY)]
    sooner = policy((7, WARN), (14, SUSPEND), (74, WRITE_OFF))
    assert again(sooner, progress) == [("r2.2-write_off", DUE_ON + 100 * DAY)]


def test_without_the_days_that_were_spoken_on_only_what_is_over_is_left_out() -> None:
    progress = Progress(datetime(2026, 11, 18, 12, tzinfo=UTC), NOTICE)
    assert again(policy((0, NOTICE), (3, NOTICE)), progress) == [("r2.1-overdue_notice", DUE_ON + 3 * DAY)]
