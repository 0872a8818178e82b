"""Scheduling: takes up what a billing schedule's time has come for, as the schedule stands now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from domain.calendar import Period
from persistence import audit, billing_runs, billing_schedules, customers, tenants
from persistence.billing_runs import BillingRunState
from persistence.billing_schedules import StoredSchedule
from persistence.database import Database


@dataclass(frozen=True, slots=True)
class ScheduledTime:
    """A time of a schedule that has come.

    Attributes:
        revision: of the schedule, as Temporal knew it.
        nominal: the time that was meant (UTC), however late it is; it says which month is billed.
        now: the workflow's time (UTC).
    """

    tenant_id: str
    schedule_id: str
    revision: int
    nominal: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class DueRun:
    """The run of the month that was due.

    Attributes:
        why_not: why there is nothing to carry out; empty when there is.
    """

    period: str
    run_id: str = ""
    why_not: str = ""


class Scheduling:
    """The database decides: Temporal may not have heard yet that a schedule is paused, deleted or changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="scheduling.take_up")
    @translated
    def take_up(self, time: ScheduledTime) -> DueRun:
        """Create the run of the month that is due, or find it; a month has one run, whoever started it."""
        with self._database.tenant(time.tenant_id) as session:
            schedule = billing_schedules.get_even_deleted(session, time.schedule_id)
            zone = tenants.current(session).time_zone
            period = schedule.terms.times.period_at(time.nominal, zone)
            why_not = _why_not(schedule, time, zone)
            if why_not:
                return DueRun(str(period), why_not=why_not)
            run = _run_of(session, period, schedule, time.now)
            return DueRun(str(period), run.id, f"{period} is billed already." if run.finished_at else "")


def _why_not(schedule: StoredSchedule, time: ScheduledTime, zone: str) -> str:
    if schedule.deleted_at is not None:
        return "The schedule was deleted."
    if schedule.is_paused:
        return "The schedule is paused."
    if time.revision != schedule.revision and schedule.terms.times.latest(time.nominal, zone).at != time.nominal:
        return "The schedule was changed, and this is none of its times any more."
    return ""


def _run_of(session: Session, period: Period, schedule: StoredSchedule, now: datetime) -> BillingRunState:
    actor = f"schedule {schedule.terms.name}"
    total = customers.count(session)
    run, is_new = billing_runs.create(session, period, dry_run=False, started_by=actor, now=now, customers_total=total)
    if is_new:
        details = {"period": str(period), "dry_run": False, "schedule_id": schedule.id}
        audit.record(session, now, actor, "BILLING_RUN_STARTED", "BillingRun", run.id, **details)
    return run
