"""Billing schedules: have each month billed by itself; make one, change, pause, resume, delete it, see what is next.

The database is written first and says what counts. Temporal is told right after; when it does not answer, the sweeper tells it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.billing_schedules_schemas import (
    BillingScheduleRequest,
    BillingScheduleShown,
    DueShown,
    InTemporalShown,
    LastDueShown,
    PauseRequest,
    ScheduledRunShown,
)
from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.schemas import After, Limit, Page
from api.services import ApiServices, Services
from api.staff import AnyStaff, BillingStaff
from domain.ids import Prefix
from persistence import billing_runs, billing_schedules, tenants
from persistence.billing_schedules import StoredSchedule
from persistence.idempotency import StoredAnswer
from persistence.tenants import Staff
from schedule_sync import put_in_line
from workflows import names
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/api/billing-schedules", tags=["billing schedules"])

Change = Callable[[Session, datetime], StoredSchedule]

_OUT_OF_LINE = (
    "Temporal has not been told of the last change yet: that is tried every minute. What is shown here counts all the same: "
    "nothing is billed while it is paused, and a time that passes meanwhile is made up for within `catch_up_hours`."
)

log = structlog.get_logger(__name__)


@router.post("", status_code=201, response_model=BillingScheduleShown)
async def create_schedule(
    request: BillingScheduleRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Have a month billed by itself, every month from now on."""
    terms = request.terms()

    async def begin(schedule_id: str) -> StoredSchedule:
        def store(session: Session, now: datetime) -> StoredSchedule:
            return billing_schedules.create(session, schedule_id, terms, staff.name, now)

        return await _changed(services, staff, store)

    async def go_on(schedule: StoredSchedule) -> StoredAnswer:
        return answer(201, await _told(services, staff, schedule.id))

    making = Making(Prefix.BILLING_SCHEDULE, begin, go_on)
    return await once_making(services, f"{staff.tenant_id}/billing-schedules", idempotency_key, request, making)


@router.get("")
def list_schedules(services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None) -> Page[BillingScheduleShown]:
    """Schedules, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = billing_schedules.page(session, after=after, limit=limit + 1)
        return Page[BillingScheduleShown].of(
            found, limit, lambda schedule: _shown(services, session, schedule), lambda schedule: schedule.id
        )


@router.get("/{schedule_id}")
def show_schedule(schedule_id: str, services: Services, staff: AnyStaff) -> BillingScheduleShown:
    """One schedule with its next times, and what became of the last one."""
    with services.database.tenant(staff.tenant_id) as session:
        return _shown(services, session, billing_schedules.get(session, schedule_id))


@router.put("/{schedule_id}")
async def change_schedule(
    schedule_id: str, request: BillingScheduleRequest, services: Services, staff: BillingStaff
) -> BillingScheduleShown:
    """Give a schedule other terms, all of them. Other times count from now on; months that were billed stay as they are."""
    terms = request.terms()

    def store(session: Session, now: datetime) -> StoredSchedule:
        return billing_schedules.change(session, schedule_id, terms, staff.name, now)

    await _changed(services, staff, store)
    return await _told(services, staff, schedule_id)


@router.post("/{schedule_id}/pause")
async def pause_schedule(
    schedule_id: str, request: PauseRequest, services: Services, staff: BillingStaff
) -> BillingScheduleShown:
    """Have a schedule bill nothing until it is resumed. A run that goes on already is not stopped."""
    await _changed(
        services, staff, lambda session, now: billing_schedules.pause(session, schedule_id, request.note, staff.name, now)
    )
    return await _told(services, staff, schedule_id)


@router.post("/{schedule_id}/resume")
async def resume_schedule(schedule_id: str, services: Services, staff: BillingStaff) -> BillingScheduleShown:
    """Have a schedule bill again, from its next time on; for a month that passed meanwhile, start a billing run."""
    await _changed(services, staff, lambda session, now: billing_schedules.resume(session, schedule_id, staff.name, now))
    return await _told(services, staff, schedule_id)


@router.delete("/{schedule_id}", status_code=204)
async def delete_schedule(schedule_id: str, services: Services, staff: BillingStaff) -> Response:
    """Have a schedule bill nothing any more. A run that goes on already is not stopped."""
    await _changed(services, staff, lambda session, now: billing_schedules.delete(session, schedule_id, staff.name, now))
    await _tell(services, staff, schedule_id)
    return Response(status_code=204)


async def _changed(services: ApiServices, staff: Staff, change: Change) -> StoredSchedule:
    """Make a change in a transaction of its own: it counts before Temporal hears of it."""

    def transaction() -> StoredSchedule:
        with services.database.tenant(staff.tenant_id) as session:
            return change(session, services.clock())

    return await asyncio.to_thread(transaction)


async def _told(services: ApiServices, staff: Staff, schedule_id: str) -> BillingScheduleShown:
    """Tell Temporal of a change, and show how the schedule stands then."""
    await _tell(services, staff, schedule_id)
    return await asyncio.to_thread(show_schedule, schedule_id, services, staff)


async def _tell(services: ApiServices, staff: Staff, schedule_id: str) -> None:
    try:
        await put_in_line(services.database, services.workflows, staff.tenant_id, schedule_id, services.clock())
    except EngineUnavailableError as error:
        log.warning("a billing schedule waits for the sweeper", schedule_id=schedule_id, error=str(error))


def _shown(services: ApiServices, session: Session, schedule: StoredSchedule) -> BillingScheduleShown:
    now, zone = services.clock(), tenants.current(session).time_zone
    in_temporal = names.billing_schedule_id(schedule.tenant_id, schedule.id)
    temporal = InTemporalShown(
        schedule_id=in_temporal,
        url=services.ui_of_schedule(in_temporal),
        is_in_line=schedule.is_in_line,
        notice=None if schedule.is_in_line else _OUT_OF_LINE,
    )
    return BillingScheduleShown.of(schedule, zone, now, _last_due(session, schedule, zone, now), temporal)


def _last_due(session: Session, schedule: StoredSchedule, zone: str, now: datetime) -> LastDueShown | None:
    due = schedule.last_due(zone, now)
    if due is None:
        return None
    run = billing_runs.of_period(session, due.period)
    return LastDueShown(
        **DueShown.of(due).model_dump(),
        run=ScheduledRunShown.of(run) if run else None,
        is_missed=run is None and not schedule.may_catch_up(due, now),
    )
