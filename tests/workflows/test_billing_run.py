"""A billing run: one set of invoices a period, gapless, whoever starts it how often; the bad are parked, the rest go on."""

import asyncio

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus

from activities.invoicing import RunProgress
from domain.billing import RunTotals
from domain.customer import Customer
from domain.money import LARGEST_AMOUNT_MINOR, Money
from persistence import billing_runs, invoices
from persistence.billing_runs import BillingRunState
from persistence.invoices import InvoiceDetail
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench, Handle, eventually
from workflows import names
from workflows.billing_run import BillingRun, BillingRunInput

PERIOD = "2026-11"


def subscriber(bench: Bench, *, price: Money | None = None) -> Customer:
    """A customer who owes 100.00 plus 15 % a month, or `price` plus 15 %."""
    customer = bench.customer()
    plan = factories.make_plan(bench.database, bench.tenant, price=price)
    factories.make_subscription(bench.database, bench.tenant, customer, plan)
    return customer


def stored_run(bench: Bench, customers_total: int, *, dry_run: bool = False) -> BillingRunState:
    with bench.database.tenant(bench.tenant.id) as session:
        run, _ = billing_runs.create(
            session,
            factories.PERIOD,
            dry_run=dry_run,
            started_by="staff",
            now=factories.NOW,
            customers_total=customers_total,
        )
        return run


async def started(bench: Bench, run: BillingRunState) -> Handle:
    """The workflow that the one door starts for a run."""
    workflow_id = await bench.engine.workflows.start_billing_run(bench.tenant.id, run.id, PERIOD, dry_run=run.dry_run)
    return bench.run(workflow_id)


async def started_in_batches(bench: Bench, run: BillingRunState, size: int) -> Handle:
    handle = bench.run(names.billing_run_id(bench.tenant.id, PERIOD))
    await bench.engine.client.start_workflow(
        BillingRun.run,
        BillingRunInput(bench.tenant.id, run.id, batch_size=size),
        id=handle.id,
        task_queue=names.BILLING_QUEUE,
    )
    return handle


def issued(bench: Bench) -> list[InvoiceDetail]:
    """All invoices of the business; their lifecycles are watched."""
    with bench.database.tenant(bench.tenant.id) as session:
        found = invoices.page(session, after=None, limit=1000)
    for detail in found:
        bench.lifecycle(detail.invoice)
    return found


async def test_a_run_issues_one_invoice_a_customer_and_currency_with_all_its_lines(bench: Bench) -> None:
    one, other = subscriber(bench), bench.customer()
    factories.make_charge(bench.database, bench.tenant, one, unit_price=factories.usd("25"))
    rand = factories.make_plan(bench.database, bench.tenant, price=factories.zar("200"), tax_basis_points=0)
    factories.make_subscription(bench.database, bench.tenant, one, rand)
    handle = await started(bench, stored_run(bench, 2))
    result = await bench.ended(handle)
    assert result == RunProgress(2, RunTotals(customers=2, issued=2, nothing_due=1), done=True)
    found = issued(bench)
    assert [(detail.invoice.customer_id, str(detail.invoice.total)) for detail in found] == [
        (one.id, "USD 140.00"),
        (one.id, "ZAR 200.00"),
    ]
    assert [detail.invoice.number for detail in found] == ["CVT-000001", "CVT-000002"]
    with bench.database.tenant(bench.tenant.id) as session:
        assert [line.description for line in invoices.lines(session, found[0].invoice.id)] == [
            "Point of sale, 2026-11",
            "Installation",
        ]
    assert bench.inbox(other) == []
    for detail in found:
        await bench.letters_are(detail.invoice, "invoice_issued SENT")
        assert await bench.is_running(bench.lifecycle(detail.invoice))
        assert bench.audited(detail.invoice.id) == ["INVOICE_ISSUED"]
    histories.keep("billing_run", await handle.fetch_history())


async def test_customers_who_cannot_be_billed_are_parked_with_the_reason_and_the_others_go_on(bench: Bench) -> None:
    subscriber(bench)
    unreachable = factories.make_customer(bench.database, bench.tenant, email=None)
    factories.make_charge(bench.database, bench.tenant, unreachable)
    absurd = subscriber(bench, price=Money(LARGEST_AMOUNT_MINOR, "USD"))
    subscriber(bench)
    run = stored_run(bench, 4)
    result = await bench.ended(await started(bench, run))
    assert result.totals == RunTotals(customers=4, issued=2, parked=2)
    assert [detail.invoice.number for detail in issued(bench)] == ["CVT-000001", "CVT-000002"]
    with bench.database.tenant(bench.tenant.id) as session:
        parked = {found.customer_id: found.reason for found in billing_runs.parked(session, run.id)}
    assert "no e-mail address" in parked[unreachable.id]
    assert "too large to be meant" in parked[absurd.id]


async def test_a_dry_run_counts_the_same_and_issues_nothing(bench: Bench) -> None:
    customers = [subscriber(bench), bench.customer()]
    dry = await started(bench, stored_run(bench, 2, dry_run=True))
    trial = await bench.ended(dry)
    assert issued(bench) == []
    assert [bench.inbox(customer) for customer in customers] == [[], []]
    real = await bench.ended(await started(bench, stored_run(bench, 2)))
    assert trial.totals == real.totals == RunTotals(customers=2, issued=1, nothing_due=1)
    assert len(issued(bench)) == 1
    histories.keep("billing_run_dry", await dry.fetch_history())


async def test_starting_a_period_again_changes_nothing_during_the_run_or_after_it(bench: Bench) -> None:
    customer = subscriber(bench)
    run = stored_run(bench, 1)
    one, other = await asyncio.gather(started(bench, run), started(bench, stored_run(bench, 1)))
    assert one.id == other.id
    await bench.ended(one)
    await started(bench, run)
    assert len(issued(bench)) == 1
    await eventually(lambda: len(bench.inbox(customer)) == 1, "the invoice")
    assert (await bench.activities_of(one)).count("invoicing.issue_batch") == 1


async def test_a_run_of_several_batches_bills_each_customer_once(bench: Bench) -> None:
    billed = {subscriber(bench).id for _ in range(5)}
    handle = await started_in_batches(bench, stored_run(bench, 5), size=2)
    assert (await bench.ended(handle)).totals == RunTotals(customers=5, issued=5)
    assert {detail.invoice.customer_id for detail in issued(bench)} == billed
    assert (await bench.activities_of(handle)).count("invoicing.issue_batch") == 3


async def test_a_run_of_many_batches_goes_on_in_a_new_history_and_bills_each_customer_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.billing_run.BATCHES_A_RUN", 2)
    for _ in range(5):
        subscriber(bench)
    handle = await started_in_batches(bench, stored_run(bench, 5), size=1)
    first = await bench.engine.client.get_workflow_handle(handle.id).describe()
    assert (await bench.ended(handle)).totals == RunTotals(customers=5, issued=5)
    begun = await bench.engine.client.get_workflow_handle(handle.id, run_id=first.run_id).describe()
    assert begun.status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    assert [detail.invoice.number for detail in issued(bench)] == [f"CVT-00000{number}" for number in range(1, 6)]


async def test_staff_see_how_far_a_run_is_while_it_runs(bench: Bench) -> None:
    customers = [subscriber(bench) for _ in range(3)]
    run = stored_run(bench, 3)
    with bench.database.tenant(bench.tenant.id) as session:
        # Somebody works on the third customer: the second batch has to wait.
        session.execute(text("SELECT 1 FROM customers WHERE id = :id FOR UPDATE"), {"id": customers[2].id})
        handle = await started_in_batches(bench, run, size=2)
        async with asyncio.timeout(20):
            while (await handle.query(BillingRun.progress)).totals.customers != 2:
                await asyncio.sleep(0.02)
        assert await handle.query(BillingRun.progress) == RunProgress(3, RunTotals(customers=2, issued=2), done=False)
    assert (await bench.ended(handle)).totals.issued == 3
    assert len(issued(bench)) == 3


async def test_a_completed_run_says_so_and_how_much_it_billed(bench: Bench) -> None:
    subscriber(bench)
    run = stored_run(bench, 1)
    await bench.ended(await started(bench, run))
    with bench.database.tenant(bench.tenant.id) as session:
        done = billing_runs.get(session, run.id)
    assert done.status == "COMPLETED"
    assert done.finished_at is not None
    assert done.amounts == (factories.usd("115.00"),)
    assert len(issued(bench)) == 1
