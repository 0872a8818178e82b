"""Billing by hand: what runs twice bills once, and what was not started is started later."""

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.invoicing import BatchRequest, Invoicing, RunProgress, RunRequest
from activities.lifecycles import LifecycleStart
from domain.billing import RunTotals
from domain.customer import Tenant
from persistence import billing_runs, checks, customers, invoices
from persistence.billing_runs import BillingRunState
from persistence.database import Database
from tests import factories


class Ledger:
    """Stands for Temporal's door: notes what was started, and breaks as often as it is told to."""

    def __init__(self, breaks: int = 0) -> None:
        self.started: list[str] = []
        self.breaks = breaks

    async def start_lifecycle(self, start: LifecycleStart) -> None:
        if self.breaks and self.started:
            self.breaks -= 1
            raise ConnectionError("Temporal is gone")
        self.started.append(start.invoice_id)


@pytest.fixture
def run(database: Database, tenant: Tenant) -> BillingRunState:
    """A run over three customers who owe 100.00 net each."""
    plan = factories.make_plan(database, tenant)
    for _ in range(3):
        factories.make_subscription(database, tenant, factories.make_customer(database, tenant), plan)
    with database.tenant(tenant.id) as session:
        state, _ = billing_runs.create(
            session, factories.PERIOD, dry_run=False, started_by="staff", now=factories.NOW, customers_total=3
        )
        return state


def issued(database: Database, tenant: Tenant) -> list[str]:
    with database.tenant(tenant.id) as session:
        return [detail.invoice.id for detail in invoices.page(session, after=None, limit=100)]


def test_a_batch_whose_answer_was_lost_neither_bills_nor_counts_twice(
    database: Database, tenant: Tenant, run: BillingRunState
) -> None:
    batch = BatchRequest(tenant.id, run.id, 2, factories.NOW)
    invoicing = Invoicing(database, Ledger())
    assert invoicing.issue_batch(batch) == RunProgress(3, RunTotals(customers=2, issued=2), done=False)
    assert invoicing.issue_batch(batch) == RunProgress(3, RunTotals(customers=3, issued=3), done=True)
    assert invoicing.issue_batch(batch) == RunProgress(3, RunTotals(customers=3, issued=3), done=True)
    assert len(issued(database, tenant)) == 3
    with database.tenant(tenant.id) as session:
        assert checks.run(session) == []


def test_a_batch_of_a_completed_run_issues_nothing_more(database: Database, tenant: Tenant, run: BillingRunState) -> None:
    invoicing = Invoicing(database, Ledger())
    request = RunRequest(tenant.id, run.id, factories.NOW)
    first = invoicing.complete_run(request)
    assert invoicing.complete_run(request) == first
    assert invoicing.issue_batch(BatchRequest(tenant.id, run.id, 2, factories.NOW)).done
    assert issued(database, tenant) == []


def test_one_customers_refusal_by_the_database_undoes_that_customers_invoice_and_no_other(
    database: Database, tenant: Tenant, run: BillingRunState
) -> None:
    with database.tenant(tenant.id) as session:
        second = customers.billables_after(session, "", 10)[1].customer_id
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF NEW.customer_id = '{second}' THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '23514'; END IF; "
                "RETURN NEW; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER refuse_one BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION refuse_one()")
        )
    try:
        progress = Invoicing(database, Ledger()).issue_batch(BatchRequest(tenant.id, run.id, 10, factories.NOW))
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER refuse_one ON invoices"))
            connection.execute(text("DROP FUNCTION refuse_one"))
    assert progress.totals == RunTotals(customers=3, issued=2, parked=1)
    with database.tenant(tenant.id) as session:
        assert [(found.customer_id, found.reason) for found in billing_runs.parked(session, run.id)] == [
            (second, "The database refused the invoice: not this one")
        ]
        assert checks.run(session) == [], "the number that it took was given back"


async def test_lifecycles_that_could_not_be_started_are_started_by_the_next_try(
    database: Database, tenant: Tenant, run: BillingRunState
) -> None:
    door = Ledger(breaks=1)
    invoicing = Invoicing(database, door)
    invoicing.issue_batch(BatchRequest(tenant.id, run.id, 10, factories.NOW))
    request = RunRequest(tenant.id, run.id, factories.NOW)
    with pytest.raises(ConnectionError):
        await ActivityEnvironment().run(invoicing.start_lifecycles, request)
    assert await ActivityEnvironment().run(invoicing.start_lifecycles, request) == 3
    assert sorted(set(door.started)) == issued(database, tenant)
    assert await ActivityEnvironment().run(invoicing.start_lifecycles, request) == 0


async def test_a_lifecycle_is_told_ids_amounts_and_dates_only(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant, name="Nyaradzo Chikwanha", phone="+263772345678")
    factories.issue_invoice(database, tenant, customer)
    told: list[LifecycleStart] = []

    class Door(Ledger):
        async def start_lifecycle(self, start: LifecycleStart) -> None:
            told.append(start)

    await ActivityEnvironment().run(Invoicing(database, Door()).start_lifecycles, RunRequest(tenant.id, "run", factories.NOW))
    assert len(told) == 1
    assert not any(personal in repr(told) for personal in ("Nyaradzo", "acacia", "77234"))
