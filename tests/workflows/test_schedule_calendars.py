"""What Temporal makes of a schedule's calendar is what the rule says, to the end of the century (pains 9)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest

from domain.billing_schedule import BillingTimes
from domain.calendar import local_day
from domain.ids import Prefix
from persistence.columns import new_id
from tests.workflows.engine import Engine, wall_clock
from workflows import names
from workflows.client import ScheduleOrder

TENANT = "ten_of_calendars"
FROM = datetime(2026, 1, 1, tzinfo=UTC)
# Temporal tells a thousand times at most; its calendars end with the century.
HALVES = (FROM, datetime(2064, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, 12, 0, tzinfo=UTC))
ZONES_WITHOUT_DST = ("Africa/Harare", "Africa/Johannesburg")
ZONES_WITH_DST = (
    "America/New_York",
    "Europe/London",
    "Africa/Cairo",  # its clocks change at midnight
    "America/Santiago",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Chatham",  # twelve hours and three quarters ahead
    "America/Nuuk",  # late on a Saturday
)

MONTH_ENDS = (28, 29, 30, 31)
days = st.one_of(st.sampled_from(MONTH_ENDS), st.integers(1, 31))
# Clocks change in the small hours: half of the examples are there.
hours = st.one_of(st.integers(0, 3), st.integers(0, 23))
schedules = st.builds(
    lambda day, hour, minute: BillingTimes(day, time(hour, minute), 0), days, hours, st.sampled_from((0, 1, 30, 59))
)


@asynccontextmanager
async def schedule_in_temporal(engine: Engine, times: BillingTimes, zone: str) -> AsyncIterator[str]:
    """The schedule as it is put to Temporal for a tenant, by its id there; paused, so that it starts nothing."""
    schedule_id = new_id(Prefix.BILLING_SCHEDULE)
    order = ScheduleOrder(TENANT, schedule_id, 1, times, zone, timedelta(hours=72), is_paused=True, told_at=FROM)
    await engine.workflows.put_schedule(order)
    yield names.billing_schedule_id(TENANT, schedule_id)
    await engine.workflows.delete_schedule(TENANT, schedule_id)


async def times_by_temporal(engine: Engine, schedule: str) -> list[datetime]:
    found: list[datetime] = []
    for start, end in pairwise(HALVES):
        request = ListScheduleMatchingTimesRequest(
            namespace="default", schedule_id=schedule, start_time=_stamp(start), end_time=_stamp(end)
        )
        answer = await engine.client.workflow_service.list_schedule_matching_times(request)
        found += [stamp.ToDatetime(UTC) for stamp in answer.start_time]
    return found


def times_by_rule(times: BillingTimes, zone: str) -> list[datetime]:
    return [due.at for due in takewhile(lambda due: due.at <= HALVES[-1], times.upcoming(FROM, zone))]


def _stamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


@pytest.mark.parametrize("zone", [*ZONES_WITHOUT_DST, *ZONES_WITH_DST])
@pytest.mark.parametrize("day_of_month", MONTH_ENDS)
async def test_month_ends_and_leap_days_are_met_in_every_year(engine: Engine, zone: str, day_of_month: int) -> None:
    times = BillingTimes(day_of_month, time(4, 0), 0)
    async with schedule_in_temporal(engine, times, zone) as schedule:
        found = await times_by_temporal(engine, schedule)
    assert found == times_by_rule(times, zone)
    assert len(found) == 75 * 12
    assert local_day(found[25], zone) == date(2028, 2, min(day_of_month, 29))
    assert local_day(found[13], zone) == date(2027, 2, 28)


@given(times=schedules, zone=st.sampled_from(ZONES_WITH_DST))
@settings(max_examples=60)
async def test_no_month_is_missed_or_billed_twice_where_clocks_change(engine: Engine, times: BillingTimes, zone: str) -> None:
    async with schedule_in_temporal(engine, times, zone) as schedule:
        assert await times_by_temporal(engine, schedule) == times_by_rule(times, zone)


@pytest.mark.parametrize(
    ("zone", "day_of_month", "at"),
    [
        ("America/New_York", 10, time(2, 30)),  # skipped
        ("America/New_York", 1, time(1, 30)),  # shown twice
        ("Europe/London", 28, time(0, 0)),  # the hour before the one that is shown twice
        ("Africa/Cairo", 30, time(0, 0)),
        ("America/Nuuk", 30, time(23, 30)),  # skipped over midnight
    ],
)
async def test_the_hours_around_a_change_of_clocks_are_billed_once_a_month(
    engine: Engine, zone: str, day_of_month: int, at: time
) -> None:
    times = BillingTimes(day_of_month, at, 0)
    async with schedule_in_temporal(engine, times, zone) as schedule:
        assert await times_by_temporal(engine, schedule) == times_by_rule(times, zone)


async def test_temporal_says_the_same_of_its_next_actions(engine: Engine) -> None:
    times = BillingTimes(31, time(23, 45), 0)
    async with schedule_in_temporal(engine, times, "Africa/Harare") as schedule:
        told = (await engine.client.get_schedule_handle(schedule).describe()).info.next_action_times
    ahead = times.upcoming(wall_clock(), "Africa/Harare")
    assert told
    assert list(told) == [next(ahead).at for _ in told]
