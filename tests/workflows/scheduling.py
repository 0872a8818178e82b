"""A tenant's schedule at the engine: hands that let its times come, and eyes on what came of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session
from temporalio.client import ScheduleActionExecutionStartWorkflow, ScheduleBackfill, ScheduleHandle, ScheduleOverlapPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.scheduling import DueRun
from domain.billing_schedule import BillingTimes
from domain.calendar import Period
from domain.customer import Customer
from domain.ids import Prefix
from persistence import billing_runs, billing_schedules, invoices
from persistence.billing_runs import BillingRunState
from persistence.billing_schedules import ScheduleTerms, StoredSchedule
from persistence.columns import new_id
from schedule_sync import put_in_line
from tests import factories
from tests.workflows.bench import PATIENCE_SECONDS, PAUSE_SECONDS, Bench, Handle
from tests.workflows.engine import wall_clock
from workflows import names

# On the first of a month at 04:00 in Harare, the month before is billed.
FIRST_OF_MONTH = BillingTimes(1, time(4, 0), -1)
IN_OCTOBER = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
SEPTEMBER = Period(2026, 9)
MOMENT = timedelta(seconds=1)


def stored(bench: Bench) -> StoredSchedule:
    terms = ScheduleTerms("Monthly", FIRST_OF_MONTH, catch_up_hours=72)
    with bench.database.tenant(bench.tenant.id) as session:
        return billing_schedules.create(session, new_id(Prefix.BILLING_SCHEDULE), terms, "Rudo", wall_clock())


async def in_temporal(bench: Bench, schedule: StoredSchedule) -> ScheduleHandle:
    """The schedule, after Temporal was told how it stands."""
    await put_in_line(bench.database, bench.engine.workflows, bench.tenant.id, schedule.id, wall_clock())
    return bench.engine.client.get_schedule_handle(names.billing_schedule_id(bench.tenant.id, schedule.id))


async def come(schedule: ScheduleHandle, at: datetime) -> None:
    """Let a time come, as after an absence."""
    await schedule.backfill(ScheduleBackfill(at - MOMENT, at + MOMENT, overlap=ScheduleOverlapPolicy.BUFFER_ALL))


async def fired(bench: Bench, schedule: ScheduleHandle, count: int = 1) -> Handle:
    """The last of `count` workflows that the schedule has started."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(started := (await schedule.describe()).info.recent_actions) < count:
            await asyncio.sleep(PAUSE_SECONDS)
    assert len(started) == count
    action = started[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    client, run_id = bench.engine.client, action.first_execution_run_id
    handle: Handle = client.get_workflow_handle(action.workflow_id, run_id=run_id, result_type=DueRun)
    return bench.seen.setdefault(run_id, handle)


async def outcome(bench: Bench, schedule: ScheduleHandle, count: int = 1) -> DueRun:
    """What became of the last of `count` workflows that the schedule has started."""
    due: DueRun = await bench.ended(await fired(bench, schedule, count))
    bench.run(names.billing_run_id(bench.tenant.id, due.period))
    return due


def run_of(bench: Bench, period: Period) -> BillingRunState | None:
    with bench.database.tenant(bench.tenant.id) as session:
        run = billing_runs.of_period(session, period)
        for detail in invoices.page(session, after=None, limit=100):
            bench.lifecycle(detail.invoice)
    return run


def invoice_count(bench: Bench) -> int:
    with bench.database.tenant(bench.tenant.id) as session:
        return len(invoices.page(session, after=None, limit=100))


def subscriber(bench: Bench) -> Customer:
    customer = bench.customer()
    plan = factories.make_plan(bench.database, bench.tenant)
    factories.make_subscription(bench.database, bench.tenant, customer, plan)
    return customer


def changed(bench: Bench, change: Callable[[Session], StoredSchedule]) -> StoredSchedule:
    with bench.database.tenant(bench.tenant.id) as session:
        return change(session)


async def begun(handle: Handle) -> bool:
    try:
        return await handle.describe() is not None
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False


@contextmanager
def locked(bench: Bench, customer: Customer) -> Iterator[None]:
    """Somebody works on a customer: a run has to wait."""
    with bench.database.tenant(bench.tenant.id) as session:
        session.execute(text("SELECT 1 FROM customers WHERE id = :id FOR UPDATE"), {"id": customer.id})
        yield
