"""Temporal's schedules come to say what the database says, whatever was down, lost or changed in between."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import ScheduleHandle, ScheduleUpdate, ScheduleUpdateInput
from temporalio.service import RPCError

from domain.billing_schedule import BillingTimes
from domain.calendar import Period
from domain.ids import Prefix
from persistence import billing_runs, billing_schedules
from persistence.billing_schedules import ScheduleTerms, StoredSchedule
from persistence.columns import new_id
from schedule_sync import put_in_line, sync_schedules, tell_all_schedules
from tests.test_sweeper import unreachable
from tests.workflows.bench import Bench, eventually
from tests.workflows.engine import wall_clock
from tests.workflows.fixtures import bench, engine
from workflows import names
from workflows.client import EngineUnavailableError
from workflows.scheduled_billing import ScheduledBilling

__all__ = ["bench", "engine"]

HARARE = ZoneInfo("Africa/Harare")
AN_HOUR = timedelta(hours=1)


def made(bench: Bench, *, due_ago: timedelta, made_ago: timedelta, catch_up_hours: int = 72) -> StoredSchedule:
    """A schedule that bills each month on the day and at the minute that it was `due_ago`, made `made_ago`."""
    with bench.database.tenant(bench.tenant.id) as session:
        due = (wall_clock() - due_ago).astimezone(HARARE)
        times = BillingTimes(due.day, due.time().replace(second=0, microsecond=0, tzinfo=None), 0)
        terms = ScheduleTerms(new_id(Prefix.BILLING_SCHEDULE), times, catch_up_hours)
        made_at = wall_clock() - made_ago
        return billing_schedules.create(session, new_id(Prefix.BILLING_SCHEDULE), terms, "Rudo", made_at)


def at_rest(bench: Bench) -> StoredSchedule:
    """A schedule of which nothing is due these days."""
    return made(bench, due_ago=timedelta(days=10), made_ago=AN_HOUR)


def in_temporal(bench: Bench, schedule: StoredSchedule) -> ScheduleHandle:
    return bench.engine.client.get_schedule_handle(names.billing_schedule_id(bench.tenant.id, schedule.id))


async def put(bench: Bench, schedule: StoredSchedule) -> ScheduleHandle:
    await put_in_line(bench.database, bench.engine.workflows, bench.tenant.id, schedule.id, wall_clock())
    return in_temporal(bench, schedule)


async def sweep(bench: Bench) -> None:
    """Sweep until nothing is left: the database is all tests', and theirs may come first."""
    while await sync_schedules(bench.database, bench.engine.workflows, wall_clock()):
        pass


def is_in_line(bench: Bench, schedule: StoredSchedule) -> bool:
    with bench.database.tenant(bench.tenant.id) as session:
        return billing_schedules.get_even_deleted(session, schedule.id).is_in_line


async def test_temporal_is_told_the_times_the_policy_and_whose_it_is(bench: Bench) -> None:
    handle = await put(bench, at_rest(bench))
    described = await handle.describe()
    policy = described.schedule.policy
    assert (policy.overlap.name, policy.catchup_window, policy.pause_on_failure) == ("SKIP", timedelta(hours=72), False)
    assert described.typed_search_attributes[names.TENANT_ID] == bench.tenant.id
    assert not described.schedule.state.paused
    assert len(described.info.next_action_times) > 0


async def test_while_temporal_is_down_a_schedule_stays_out_of_line_and_is_told_when_it_is_back(bench: Bench) -> None:
    schedule = at_rest(bench)
    with pytest.raises(EngineUnavailableError, match=schedule.id):
        await put_in_line(bench.database, await unreachable(), bench.tenant.id, schedule.id, wall_clock())
    assert not is_in_line(bench, schedule)
    with pytest.raises(RPCError, match="not found"):
        await in_temporal(bench, schedule).describe()
    await sweep(bench)
    assert is_in_line(bench, schedule)
    assert len((await in_temporal(bench, schedule).describe()).info.next_action_times) > 0


async def test_a_sweep_goes_on_where_temporal_does_not_answer(bench: Bench) -> None:
    schedules = [at_rest(bench), at_rest(bench)]
    assert await sync_schedules(bench.database, await unreachable(), wall_clock()) >= len(schedules)
    assert not any(is_in_line(bench, schedule) for schedule in schedules)


async def test_what_is_in_line_is_not_told_again_by_each_sweep(bench: Bench) -> None:
    handle = await put(bench, at_rest(bench))
    told_at = (await handle.describe()).info.last_updated_at
    await sweep(bench)
    assert (await handle.describe()).info.last_updated_at == told_at


async def test_a_schedule_that_temporal_lost_or_somebody_changed_there_is_set_right_once_a_day(bench: Bench) -> None:
    handle = await put(bench, at_rest(bench))
    await handle.delete()
    await tell_all_schedules(bench.database, bench.engine.workflows, wall_clock())
    await handle.pause(note="by hand")
    await handle.update(without_times)
    await tell_all_schedules(bench.database, bench.engine.workflows, wall_clock())
    described = await handle.describe()
    assert not described.schedule.state.paused
    assert len(described.info.next_action_times) > 0


def without_times(told: ScheduleUpdateInput) -> ScheduleUpdate:
    told.description.schedule.spec.calendars = []
    return ScheduleUpdate(told.description.schedule)


async def test_a_time_that_passed_before_temporal_knew_of_it_is_made_up_for(bench: Bench) -> None:
    schedule = made(bench, due_ago=AN_HOUR, made_ago=2 * AN_HOUR)
    due = schedule.last_due(bench.tenant.time_zone, wall_clock())
    assert due is not None
    await put(bench, schedule)
    await eventually(lambda: completed(bench, due.period), "the run")
    workflow_id = f"{names.scheduled_billing_id(bench.tenant.id, schedule.id)}-{due.at:%Y-%m-%dT%H:%M:%SZ}"
    await bench.ended(bench._seen(workflow_id, ScheduledBilling.run))
    actions = (await in_temporal(bench, schedule).describe()).info.num_actions
    await put(bench, schedule)
    assert (await in_temporal(bench, schedule).describe()).info.num_actions == actions, "once it is billed, nothing is owed"


@pytest.mark.parametrize(
    ("due_ago", "made_ago", "why"),
    [
        (2 * AN_HOUR, AN_HOUR, "it passed before the schedule was made"),
        (5 * AN_HOUR, 9 * AN_HOUR, "it is too late to catch up"),
    ],
)
async def test_a_time_that_is_not_owed_is_not_made_up_for(
    bench: Bench, due_ago: timedelta, made_ago: timedelta, why: str
) -> None:
    handle = await put(bench, made(bench, due_ago=due_ago, made_ago=made_ago, catch_up_hours=4))
    assert await backfills(handle) == 0, why


async def test_what_passed_while_it_was_paused_is_not_made_up_for(bench: Bench) -> None:
    schedule = made(bench, due_ago=AN_HOUR, made_ago=9 * AN_HOUR)
    with bench.database.tenant(bench.tenant.id) as session:
        billing_schedules.pause(session, schedule.id, "Prices change.", "Rudo", wall_clock() - 2 * AN_HOUR)
    handle = await put(bench, schedule)
    assert (await handle.describe()).schedule.state.paused
    with bench.database.tenant(bench.tenant.id) as session:
        billing_schedules.resume(session, schedule.id, "Rudo", wall_clock())
    assert await backfills(await put(bench, schedule)) == 0


async def backfills(handle: ScheduleHandle) -> int:
    """How many times Temporal was asked to make up for, by what its schedule has done or is to do."""
    info = (await handle.describe()).info
    return info.num_actions + len(info.running_actions)


def completed(bench: Bench, period: Period) -> bool:
    with bench.database.tenant(bench.tenant.id) as session:
        run = billing_runs.of_period(session, period)
    return run is not None and run.status == "COMPLETED"
