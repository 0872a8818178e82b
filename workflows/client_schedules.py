"""The door to Temporal's schedules; a part of `workflows/client.py`, which others import."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from domain.billing_schedule import BillingTimes, CalendarEntry
from workflows import names, options
from workflows.scheduled_billing import ScheduledBilling, ScheduledBillingInput
from workflows.waiting import EngineUnavailableError

# Somebody waits for the answer, and the sweeper tries again in a minute.
PATIENCE = timedelta(seconds=10)
# Temporal's calendars end there.
_LAST_YEAR = 2100
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ScheduleOrder:
    """What a schedule in Temporal is to be like.

    Attributes:
        zone: IANA name; the times are meant in it.
        told_at: now (UTC).
        owed: a time that passed before Temporal knew of it, and is to be made up for.
    """

    tenant_id: str
    schedule_id: str
    revision: int
    times: BillingTimes
    zone: str
    catch_up: timedelta
    is_paused: bool
    told_at: datetime
    owed: datetime | None = None


class ScheduleWorkflows:
    """Makes Temporal's schedules what the database says. Every call is harmless when repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def put_schedule(self, order: ScheduleOrder) -> None:
        """Make or change a schedule.

        Raises:
            EngineUnavailableError: no answer in time; the sweeper tries again.
        """
        await _in_time(self._put(order), order.schedule_id)

    async def delete_schedule(self, tenant_id: str, schedule_id: str) -> None:
        """Remove a schedule, if it is there.

        Raises:
            EngineUnavailableError: no answer in time; the sweeper tries again.
        """
        await _in_time(self._delete(self._handle(tenant_id, schedule_id)), schedule_id)

    async def _put(self, order: ScheduleOrder) -> None:
        handle, wanted = self._handle(order.tenant_id, order.schedule_id), _schedule(order)
        try:
            await self._client.create_schedule(handle.id, wanted, search_attributes=_attributes(order.tenant_id))
        except ScheduleAlreadyRunningError:
            await handle.update(lambda _: ScheduleUpdate(wanted))
        if order.owed is not None:
            await handle.backfill(
                ScheduleBackfill(order.owed - _MOMENT, order.owed + _MOMENT, overlap=ScheduleOverlapPolicy.BUFFER_ONE)
            )

    async def _delete(self, handle: ScheduleHandle) -> None:
        try:
            await handle.delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    def _handle(self, tenant_id: str, schedule_id: str) -> ScheduleHandle:
        return self._client.get_schedule_handle(names.billing_schedule_id(tenant_id, schedule_id))


def _spec(order: ScheduleOrder) -> ScheduleSpec:
    """In UTC, with all years spelled out: Temporal's own arithmetic with local clocks is not to be relied on."""
    entries = order.times.utc_calendar(order.zone, order.told_at.year - 1, _LAST_YEAR)
    return ScheduleSpec(calendars=[_calendar_spec(entry) for entry in entries])


def _calendar_spec(entry: CalendarEntry) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(
        minute=[ScheduleRange(entry.at.minute)],
        hour=[ScheduleRange(entry.at.hour)],
        day_of_month=[ScheduleRange(entry.day)],
        month=_ranges(entry.months),
        year=_ranges(entry.years),
    )


def _ranges(numbers: Sequence[int]) -> list[ScheduleRange]:
    """Ascending numbers as ranges without gaps."""
    found: list[ScheduleRange] = []
    for number in numbers:
        if found and found[-1].end == number - 1:
            found[-1] = ScheduleRange(found[-1].start, number)
        else:
            found.append(ScheduleRange(number, number))
    return found


def _schedule(order: ScheduleOrder) -> Schedule:
    action = ScheduleActionStartWorkflow(
        ScheduledBilling.run,
        ScheduledBillingInput(order.tenant_id, order.schedule_id, order.revision),
        id=names.scheduled_billing_id(order.tenant_id, order.schedule_id),
        task_queue=names.BILLING_QUEUE,
        static_summary="Scheduled billing",
        typed_search_attributes=_attributes(order.tenant_id),
        priority=options.priority(options.BILLING_RUN_PRIORITY, order.tenant_id),
    )
    return Schedule(
        action=action,
        spec=_spec(order),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=order.catch_up, pause_on_failure=False),
        state=ScheduleState(paused=order.is_paused),
    )


def _attributes(tenant_id: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(names.TENANT_ID, tenant_id)])


async def _in_time(call: Awaitable[None], schedule_id: str) -> None:
    try:
        await asyncio.wait_for(call, PATIENCE.total_seconds())
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise EngineUnavailableError(f"Temporal was not told of billing schedule {schedule_id}: {error}") from error
