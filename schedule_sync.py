"""Puts Temporal's schedules in line with the database: the API right after a change, the sweeper where that did not work."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from persistence import billing_runs, billing_schedules, tenants
from persistence.billing_schedules import StoredSchedule
from persistence.database import Database
from workflows.client import EngineUnavailableError, ScheduleOrder, Workflows

_A_SWEEP = 50

log = structlog.get_logger(__name__)


async def put_in_line(database: Database, workflows: Workflows, tenant_id: str, schedule_id: str, now: datetime) -> None:
    """Tell Temporal how a schedule stands, and note that it was told.

    Raises:
        NotFoundError: the tenant never had such a schedule.
        EngineUnavailableError: Temporal did not answer in time.
    """
    order = await asyncio.to_thread(_order, database, tenant_id, schedule_id, now)
    if isinstance(order, ScheduleOrder):
        await workflows.put_schedule(order)
    else:
        await workflows.delete_schedule(tenant_id, schedule_id)
    await asyncio.to_thread(_mark_told, database, tenant_id, schedule_id, order.revision)


async def sync_schedules(database: Database, workflows: Workflows, now: datetime) -> int:
    """Put in line all schedules of whose last change Temporal was not told; how many were tried."""
    return await _put_all(database, workflows, await asyncio.to_thread(_out_of_line, database), now)


async def tell_all_schedules(database: Database, workflows: Workflows, now: datetime) -> int:
    """Tell Temporal of all schedules anew; how many were tried.

    It may have lost its data, or been changed by hand; and a country may have changed its clocks, which a new worker knows.
    """
    return await _put_all(database, workflows, await asyncio.to_thread(_standing, database), now)


async def _put_all(database: Database, workflows: Workflows, schedules: Sequence[tuple[str, str]], now: datetime) -> int:
    for tenant_id, schedule_id in schedules:
        try:
            await put_in_line(database, workflows, tenant_id, schedule_id, now)
        except EngineUnavailableError as error:
            log.warning("Temporal was not told of a billing schedule", schedule_id=schedule_id, error=str(error))
    return len(schedules)


def _order(database: Database, tenant_id: str, schedule_id: str, now: datetime) -> ScheduleOrder | StoredSchedule:
    """What Temporal's schedule is to be like; the schedule itself when it was deleted."""
    with database.tenant(tenant_id) as session:
        schedule = billing_schedules.get_even_deleted(session, schedule_id)
        if schedule.deleted_at is not None:
            return schedule
        zone = tenants.current(session).time_zone
        return ScheduleOrder(
            tenant_id=tenant_id,
            schedule_id=schedule_id,
            revision=schedule.revision,
            times=schedule.terms.times,
            zone=zone,
            catch_up=timedelta(hours=schedule.terms.catch_up_hours),
            is_paused=schedule.is_paused,
            told_at=now,
            owed=_owed(session, schedule, zone, now),
        )


def _owed(session: Session, schedule: StoredSchedule, zone: str, now: datetime) -> datetime | None:
    """The time that passed before Temporal knew of it: Temporal itself makes up only for what it knew."""
    due = schedule.last_due(zone, now)
    if due is None or not schedule.may_catch_up(due, now) or billing_runs.of_period(session, due.period):
        return None
    return due.at


def _mark_told(database: Database, tenant_id: str, schedule_id: str, revision: int) -> None:
    with database.tenant(tenant_id) as session:
        billing_schedules.mark_told(session, schedule_id, revision)


def _out_of_line(database: Database) -> list[tuple[str, str]]:
    with database.system() as session:
        return billing_schedules.out_of_line(session, _A_SWEEP)


def _standing(database: Database) -> list[tuple[str, str]]:
    with database.system() as session:
        return billing_schedules.standing(session)
