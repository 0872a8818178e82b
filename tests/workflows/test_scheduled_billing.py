"""A schedule bills the month that was meant, once, whatever is started beside it; what is paused or gone bills nothing."""

import asyncio
from datetime import UTC, datetime, time

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.scheduling import DueRun
from domain.billing_schedule import BillingTimes
from persistence import billing_schedules
from persistence.billing_schedules import ScheduleTerms
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import PATIENCE_SECONDS, PAUSE_SECONDS, Bench
from tests.workflows.engine import wall_clock
from tests.workflows.scheduling import (
    FIRST_OF_MONTH,
    IN_OCTOBER,
    SEPTEMBER,
    begun,
    changed,
    come,
    fired,
    in_temporal,
    invoice_count,
    locked,
    outcome,
    run_of,
    stored,
    subscriber,
)
from workflows import names, options
from workflows.scheduled_billing import ScheduledBilling, ScheduledBillingInput


async def test_the_month_is_the_one_of_the_time_that_was_meant_however_late_it_is(bench: Bench) -> None:
    subscriber(bench)
    schedule = await in_temporal(bench, stored(bench))
    await come(schedule, IN_OCTOBER)
    handle = await fired(bench, schedule)
    due = await outcome(bench, schedule)
    run = run_of(bench, SEPTEMBER)
    assert run is not None
    assert due == DueRun("2026-09", run.id)
    assert (run.status, run.totals.issued, run.started_by) == ("COMPLETED", 1, "schedule Monthly")
    assert bench.audited(run.id) == ["BILLING_RUN_STARTED"]
    assert handle.id.endswith("-2026-10-01T02:00:00Z")
    histories.keep("scheduled_billing", await handle.fetch_history())


async def test_what_a_schedule_starts_is_found_by_its_tenant_and_yields_to_payers(bench: Bench) -> None:
    schedule = await in_temporal(bench, stored(bench))
    await come(schedule, IN_OCTOBER)
    await outcome(bench, schedule)
    scheduled = await (await fired(bench, schedule)).describe()
    run = await bench.run(names.billing_run_id(bench.tenant.id, "2026-09")).describe()
    for described in (scheduled, run, await schedule.describe()):
        assert described.typed_search_attributes[names.TENANT_ID] == bench.tenant.id
    for started in (scheduled, run):
        priority = started.raw_description.workflow_execution_info.priority
        assert (priority.priority_key, priority.fairness_key) == (options.BILLING_RUN_PRIORITY, bench.tenant.id)
    assert await scheduled.static_summary() == "Scheduled billing"
    assert await run.static_summary() == "Billing run 2026-09"


async def test_the_same_time_twice_bills_once(bench: Bench) -> None:
    subscriber(bench)
    schedule = await in_temporal(bench, stored(bench))
    await come(schedule, IN_OCTOBER)
    first = await outcome(bench, schedule)
    await come(schedule, IN_OCTOBER)
    again = await outcome(bench, schedule, 2)
    assert again == DueRun("2026-09", first.run_id, "2026-09 is billed already.")
    assert run_of(bench, SEPTEMBER) is not None
    assert invoice_count(bench) == 1
    assert bench.audited(first.run_id) == ["BILLING_RUN_STARTED"]


async def test_a_month_that_staff_have_billed_is_not_billed_again(bench: Bench) -> None:
    subscriber(bench)
    by_hand = factories.make_run(bench.database, bench.tenant, SEPTEMBER)
    workflow_id = await bench.engine.workflows.start_billing_run(bench.tenant.id, by_hand.id, "2026-09")
    await bench.ended(bench.run(workflow_id))
    schedule = await in_temporal(bench, stored(bench))
    await come(schedule, IN_OCTOBER)
    assert await outcome(bench, schedule) == DueRun("2026-09", by_hand.id, "2026-09 is billed already.")
    run = run_of(bench, SEPTEMBER)
    assert run is not None
    assert run.started_by == "staff"
    assert invoice_count(bench) == 1


async def test_a_run_that_staff_asked_for_and_nobody_carried_out_is_carried_out(bench: Bench) -> None:
    subscriber(bench)
    forgotten = factories.make_run(bench.database, bench.tenant, SEPTEMBER)
    schedule = await in_temporal(bench, stored(bench))
    await come(schedule, IN_OCTOBER)
    assert await outcome(bench, schedule) == DueRun("2026-09", forgotten.id)
    run = run_of(bench, SEPTEMBER)
    assert run is not None
    assert (run.status, run.totals.issued) == ("COMPLETED", 1)


async def test_a_run_of_staff_that_goes_on_is_left_to_them(bench: Bench) -> None:
    customer = subscriber(bench)
    by_hand = factories.make_run(bench.database, bench.tenant, SEPTEMBER)
    schedule = await in_temporal(bench, stored(bench))
    with locked(bench, customer):
        workflow_id = await bench.engine.workflows.start_billing_run(bench.tenant.id, by_hand.id, "2026-09")
        await come(schedule, IN_OCTOBER)
        assert await outcome(bench, schedule) == DueRun("2026-09", by_hand.id)
        assert await bench.is_running(bench.run(workflow_id))
    await bench.ended(bench.run(workflow_id))
    assert run_of(bench, SEPTEMBER) is not None
    assert invoice_count(bench) == 1


async def test_while_its_last_run_goes_on_a_time_is_skipped(bench: Bench) -> None:
    customer = subscriber(bench)
    schedule = await in_temporal(bench, stored(bench))
    with locked(bench, customer):
        await schedule.trigger()
        handle = await fired(bench, schedule)
        await schedule.trigger()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (info := (await schedule.describe()).info).num_actions_skipped_overlap:
                await asyncio.sleep(PAUSE_SECONDS)
        assert await bench.is_running(handle)
    assert (info.num_actions, info.num_actions_skipped_overlap) == (1, 1)
    await outcome(bench, schedule)
    last_month = FIRST_OF_MONTH.period_at(wall_clock(), bench.tenant.time_zone)
    run = run_of(bench, last_month)
    assert run is not None
    assert (run.status, run.totals.issued) == ("COMPLETED", 1)


async def test_the_run_goes_on_when_what_waits_for_it_is_ended(bench: Bench) -> None:
    customer = subscriber(bench)
    schedule = await in_temporal(bench, stored(bench))
    run = bench.run(names.billing_run_id(bench.tenant.id, "2026-09"))
    with locked(bench, customer):
        await come(schedule, IN_OCTOBER)
        handle = await fired(bench, schedule)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "scheduling.take_up" not in await bench.activities_of(handle) or run_of(bench, SEPTEMBER) is None:
                await asyncio.sleep(PAUSE_SECONDS)
            while not await begun(run):
                await asyncio.sleep(PAUSE_SECONDS)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await bench.ended(handle)
        assert await bench.is_running(run)
    assert (await bench.ended(run)).totals.issued == 1
    assert run_of(bench, SEPTEMBER) is not None


async def test_paused_it_bills_nothing_whether_temporal_has_heard_of_it_or_not(bench: Bench) -> None:
    schedule = stored(bench)
    handle = await in_temporal(bench, schedule)
    changed(bench, lambda session: billing_schedules.pause(session, schedule.id, "Prices change.", "Rudo", wall_clock()))
    await come(handle, IN_OCTOBER)
    assert await outcome(bench, handle) == DueRun("2026-09", why_not="The schedule is paused.")
    await in_temporal(bench, schedule)
    described = (await handle.describe()).schedule
    assert described.state.paused
    assert described.state.note in {None, ""}, "what people write stays in the database"
    await handle.trigger()
    assert (await outcome(bench, handle, 2)).why_not == "The schedule is paused."
    assert run_of(bench, SEPTEMBER) is None


async def test_deleted_it_bills_nothing_and_is_gone_once_temporal_has_heard(bench: Bench) -> None:
    schedule = stored(bench)
    handle = await in_temporal(bench, schedule)
    changed(bench, lambda session: billing_schedules.delete(session, schedule.id, "Rudo", wall_clock()))
    await come(handle, IN_OCTOBER)
    assert await outcome(bench, handle) == DueRun("2026-09", why_not="The schedule was deleted.")
    await in_temporal(bench, schedule)
    with pytest.raises(RPCError, match="not found"):
        await handle.describe()
    await in_temporal(bench, schedule)  # once more: nothing is left to do
    assert run_of(bench, SEPTEMBER) is None


async def test_a_time_that_was_changed_is_none_any_more_though_temporal_has_not_heard(bench: Bench) -> None:
    schedule = stored(bench)
    handle = await in_temporal(bench, schedule)
    terms = ScheduleTerms("Monthly", BillingTimes(15, time(4, 0), -1), 72)
    changed(bench, lambda session: billing_schedules.change(session, schedule.id, terms, "Rudo", wall_clock()))
    await come(handle, IN_OCTOBER)
    due = await outcome(bench, handle)
    assert due == DueRun("2026-09", why_not="The schedule was changed, and this is none of its times any more.")
    await in_temporal(bench, schedule)
    await come(handle, datetime(2026, 10, 15, 2, 0, tzinfo=UTC))
    assert (await outcome(bench, handle, 2)).why_not == ""
    assert run_of(bench, SEPTEMBER) is not None


async def test_a_new_name_takes_no_time_away(bench: Bench) -> None:
    schedule = stored(bench)
    handle = await in_temporal(bench, schedule)
    terms = ScheduleTerms("Every month", FIRST_OF_MONTH, 72)
    changed(bench, lambda session: billing_schedules.change(session, schedule.id, terms, "Rudo", wall_clock()))
    await come(handle, IN_OCTOBER)
    assert (await outcome(bench, handle)).why_not == ""
    run = run_of(bench, SEPTEMBER)
    assert run is not None
    assert run.started_by == "schedule Every month"


async def test_without_a_schedule_there_is_no_month_to_bill(bench: Bench) -> None:
    start = ScheduledBillingInput(bench.tenant.id, "bsc_none", 1)
    workflow_id = f"by-hand/{bench.tenant.id}"
    handle = await bench.engine.client.start_workflow(
        ScheduledBilling.run, start, id=workflow_id, task_queue=names.BILLING_QUEUE
    )
    bench.seen[workflow_id] = handle
    with pytest.raises(WorkflowFailureError) as failed:
        await bench.ended(handle)
    assert isinstance(failed.value.cause, ApplicationError)
    assert "start a billing run" in str(failed.value.cause)
