"""The dated ladder and which step comes next: on the tenant's day, in order, never suspended unwarned (pains 7, 9, 15, 17)."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import due_day, local_day
from domain.dunning import (
    Action,
    DunningPolicy,
    DunningStep,
    PlannedStep,
    TakenStep,
    default_policy,
    is_pointless,
    next_step,
    plan_steps,
)
from domain.invoice import InvoiceState
from tests.domain.test_dunning_policy import policies

# Noon in Harare and Johannesburg.
ISSUED_AT = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
DUE_ON = date(2026, 11, 15)
PLAN = plan_steps(default_policy(), DUE_ON, "Africa/Harare", ISSUED_AT)
REMIND, NOTICE, SECOND_NOTICE, WARNING, SUSPENSION = PLAN
DAY = timedelta(days=1)

zones = st.sampled_from(["Africa/Harare", "Africa/Johannesburg", "Europe/London", "America/New_York"])
instants = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def taken(*steps: PlannedStep, late: timedelta = timedelta()) -> tuple[TakenStep, ...]:
    return tuple(TakenStep(step.key, step.at + late) for step in steps)


@pytest.mark.parametrize("zone", ["Africa/Harare", "Africa/Johannesburg"])
def test_the_default_ladder_of_an_invoice_due_on_15_november(zone: str) -> None:
    """09:00 there is 07:00 in UTC."""
    assert plan_steps(default_policy(), DUE_ON, zone, ISSUED_AT) == (
        PlannedStep("0-remind", Action.REMIND, datetime(2026, 11, 12, 7, tzinfo=UTC)),
        PlannedStep("1-overdue_notice", Action.OVERDUE_NOTICE, datetime(2026, 11, 15, 7, tzinfo=UTC)),
        PlannedStep("2-overdue_notice", Action.OVERDUE_NOTICE, datetime(2026, 11, 22, 7, tzinfo=UTC)),
        PlannedStep("3-final_warning", Action.FINAL_WARNING, datetime(2026, 11, 29, 7, tzinfo=UTC)),
        PlannedStep("4-suspend", Action.SUSPEND, datetime(2026, 12, 6, 7, tzinfo=UTC)),
    )


def test_nine_in_the_morning_stays_nine_when_clocks_change() -> None:
    """London leaves summer time on 25 October: the offset changes within the ladder, the hour on the wall does not."""
    plan = plan_steps(default_policy(), date(2026, 10, 20), "Europe/London", datetime(2026, 10, 1, tzinfo=UTC))
    assert [step.at.hour for step in plan] == [8, 8, 9, 9, 9]


def test_steps_that_would_come_before_the_invoice_are_left_out_and_the_others_keep_their_keys() -> None:
    """Due in two days: the reminder three days before is in the past."""
    plan = plan_steps(default_policy(), date(2026, 11, 3), "Africa/Harare", ISSUED_AT)
    assert [step.key for step in plan] == ["1-overdue_notice", "2-overdue_notice", "3-final_warning", "4-suspend"]


@given(policies(), instants, st.integers(0, 60), zones)
def test_every_step_is_on_its_own_day_at_the_policys_hour_after_the_issue(
    policy: DunningPolicy, issued_at: datetime, terms: int, zone: str
) -> None:
    due_on = due_day(local_day(issued_at, zone), terms)
    plan = plan_steps(policy, due_on, zone, issued_at)
    assert all(step.at > issued_at for step in plan)
    assert all(earlier.at < later.at for earlier, later in pairwise(plan))
    for step in plan:
        rung = policy.steps[int(step.key.partition("-")[0])]
        assert (step.key.partition("-")[2], step.action) == (rung.action.value, rung.action)
        assert local_day(step.at, zone) == due_on + timedelta(days=rung.offset_days)


@given(policies(), instants, st.integers(0, 60), zones)
def test_no_final_warning_is_ever_left_out_of_a_plan(policy: DunningPolicy, issued_at: datetime, terms: int, zone: str) -> None:
    plan = plan_steps(policy, due_day(local_day(issued_at, zone), terms), zone, issued_at)
    for action in (Action.FINAL_WARNING, Action.SUSPEND):
        assert sum(step.action is action for step in plan) == sum(step.action is action for step in policy.steps)


def test_the_first_step_is_waited_for() -> None:
    assert next_step(PLAN, (), ISSUED_AT) == REMIND


def test_steps_follow_each_other_when_each_is_taken_in_time() -> None:
    for index, step in enumerate(PLAN[:-1]):
        assert next_step(PLAN, taken(*PLAN[: index + 1]), step.at) == PLAN[index + 1]


def test_after_the_last_step_the_ladder_is_at_its_end() -> None:
    assert next_step(PLAN, taken(*PLAN), SUSPENSION.at) is None
    assert next_step(PLAN, taken(SUSPENSION), SUSPENSION.at) is None
    assert next_step((), (), ISSUED_AT) is None


def test_a_step_is_due_at_its_instant_and_not_a_moment_before() -> None:
    """The reminder was missed: until the notice is due it is the reminder's turn, from then on the notice's."""
    assert next_step(PLAN, (), NOTICE.at - timedelta(microseconds=1)) == REMIND
    assert next_step(PLAN, (), NOTICE.at) == NOTICE


def test_of_two_missed_letters_only_the_later_is_sent() -> None:
    """The system was down from day -3 to day 8: one overdue notice, not a reminder and two notices."""
    assert next_step(PLAN, (), SECOND_NOTICE.at + DAY) == SECOND_NOTICE


def test_a_suspension_that_was_missed_together_with_its_warning_waits_for_the_warning() -> None:
    down_until = SUSPENSION.at + 10 * DAY
    assert next_step(PLAN, taken(REMIND, NOTICE), down_until) == WARNING


def test_after_a_late_warning_the_suspension_keeps_its_distance() -> None:
    """Warned ten days late: the customer has the same seven days as everybody else."""
    warned = taken(REMIND, NOTICE, SECOND_NOTICE) + taken(WARNING, late=10 * DAY)
    step = next_step(PLAN, warned, WARNING.at + 10 * DAY)
    assert step == PlannedStep(SUSPENSION.key, Action.SUSPEND, SUSPENSION.at + 10 * DAY)


def test_a_warning_that_came_in_time_moves_nothing() -> None:
    assert next_step(PLAN, taken(*PLAN[:4]), WARNING.at) == SUSPENSION


def test_a_ladder_without_a_warning_suspends_on_its_day() -> None:
    policy = DunningPolicy((DunningStep(0, Action.OVERDUE_NOTICE), DunningStep(7, Action.SUSPEND)))
    plan = plan_steps(policy, DUE_ON, "Africa/Harare", ISSUED_AT)
    assert next_step(plan, (), plan[1].at + DAY) == plan[1]


TWO_WARNINGS = plan_steps(
    DunningPolicy(
        (DunningStep(7, Action.FINAL_WARNING), DunningStep(14, Action.FINAL_WARNING), DunningStep(21, Action.SUSPEND))
    ),
    DUE_ON,
    "Africa/Harare",
    ISSUED_AT,
)


def test_of_two_missed_warnings_only_the_last_is_sent() -> None:
    assert next_step(TWO_WARNINGS, (), TWO_WARNINGS[2].at + DAY) == TWO_WARNINGS[1]


def test_the_suspension_keeps_its_distance_from_the_last_of_two_warnings() -> None:
    first, second, suspension = TWO_WARNINGS
    warned = taken(first) + taken(second, late=10 * DAY)
    step = next_step(TWO_WARNINGS, warned, second.at + 10 * DAY)
    assert step == PlannedStep(suspension.key, Action.SUSPEND, suspension.at + 10 * DAY)


@st.composite
def lives(draw: st.DrawFn) -> tuple[tuple[PlannedStep, ...], list[TakenStep]]:
    """A plan, and how its steps were taken by a system that is up and down as it likes."""
    plan = plan_steps(draw(policies()), DUE_ON, "Africa/Harare", ISSUED_AT)
    now, done = ISSUED_AT, list[TakenStep]()
    while (step := next_step(plan, tuple(done), now)) is not None:
        now = max(now, step.at) + timedelta(hours=draw(st.integers(0, 24 * 60)))
        # As the workflow does: it asks again when it wakes.
        step = next_step(plan, tuple(done), now)
        assert step is not None
        if step.at <= now:
            done.append(TakenStep(step.key, now))
    return plan, done


@given(lives())
def test_whatever_the_outages_steps_are_taken_once_in_order_and_nobody_is_suspended_unwarned(
    life: tuple[tuple[PlannedStep, ...], list[TakenStep]],
) -> None:
    plan, done = life
    by_key = {step.key: step for step in plan}
    order = [plan.index(by_key[step.key]) for step in done]
    assert order == sorted(set(order))
    assert all(step.at >= by_key[step.key].at for step in done)
    assert not plan or done[-1].key == plan[-1].key
    warnings = [step for step in plan if step.action is Action.FINAL_WARNING]
    if plan and plan[-1].action is Action.SUSPEND and warnings:
        warned = [step for step in done if by_key[step.key].action is Action.FINAL_WARNING]
        assert warned
        assert done[-1].at - warned[-1].at >= plan[-1].at - by_key[warned[-1].key].at


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
