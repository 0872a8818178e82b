"""Billing stops for who is closed, and for who is suspended where the policy says so; the others are billed as ever."""

from dataclasses import replace

import pytest

from activities.invoicing import BatchRequest, Invoicing
from domain.billing import RunTotals
from domain.calendar import Period
from domain.customer import Customer, Tenant
from domain.standing import HoldReason
from persistence import audit, billing_runs, dunning_policies, holds, invoices
from persistence.billing_runs import BillingRunState
from persistence.database import Database
from tests import factories
from tests.activities.test_invoicing import Ledger
from tests.factories import EVERY_DAY, NOW

STRICT = replace(EVERY_DAY, bills_while_suspended=False)


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    """Who subscribes to the point of sale, 100.00 a month, and owes 25.00 for its installation."""
    customer = factories.make_customer(database, tenant)
    factories.make_subscription(database, tenant, customer, factories.make_plan(database, tenant))
    factories.make_charge(database, tenant, customer)
    return customer


def hold(database: Database, tenant: Tenant, customer: Customer, reason: HoldReason) -> str:
    with database.tenant(tenant.id) as session:
        hold_id = holds.place(session, customer.id, reason, NOW)
    assert hold_id is not None
    return hold_id


def bills_nobody_suspended(database: Database, tenant: Tenant, customer: Customer | None = None) -> None:
    with database.tenant(tenant.id) as session:
        dunning_policies.put(session, STRICT, customer_id=customer.id if customer else None, actor="Rudo", now=NOW)


def bill(database: Database, tenant: Tenant, period: Period = factories.PERIOD, *, dry_run: bool = False) -> BillingRunState:
    run = factories.make_run(database, tenant, period, dry_run=dry_run)
    Invoicing(database, Ledger()).issue_batch(BatchRequest(tenant.id, run.id, 25, NOW))
    with database.tenant(tenant.id) as session:
        return billing_runs.get(session, run.id)


def totals(database: Database, tenant: Tenant, customer: Customer) -> list[str]:
    with database.tenant(tenant.id) as session:
        found = invoices.page(session, after=None, limit=9, customer_id=customer.id)
        return [detail.invoice.total.decimal() for detail in found]


def withheld(database: Database, tenant: Tenant, customer: Customer) -> list[dict[str, object]]:
    with database.tenant(tenant.id) as session:
        return [
            entry.details
            for entry in audit.page(session, after=None, limit=9, action="INVOICE_WITHHELD", resource_id=customer.id)
        ]


def test_a_closed_customer_is_never_billed_whatever_the_policy(database: Database, tenant: Tenant, customer: Customer) -> None:
    hold(database, tenant, customer, HoldReason.CLOSED)
    run = bill(database, tenant)
    assert run.totals == RunTotals(customers=1, withheld=1)
    assert run.amounts == ()
    assert totals(database, tenant, customer) == []
    assert withheld(database, tenant, customer) == [{"period": "2026-11", "run_id": run.id, "reason": "The account is closed."}]


@pytest.mark.parametrize("reason", [HoldReason.OVERDUE, HoldReason.MANUAL])
def test_a_suspended_customer_is_billed_unless_the_policy_says_otherwise(
    database: Database, tenant: Tenant, customer: Customer, reason: HoldReason
) -> None:
    hold(database, tenant, customer, reason)
    assert bill(database, tenant).totals == RunTotals(customers=1, issued=1)
    bills_nobody_suspended(database, tenant)
    assert bill(database, tenant, Period(2026, 12)).totals == RunTotals(customers=1, withheld=1)
    assert totals(database, tenant, customer) == ["140.00"], "115.00 with tax for November, and 25.00 once"
    (entry,) = withheld(database, tenant, customer)
    assert entry["reason"] == f"The account is suspended ({reason}), and the policy bills nobody who is suspended."


def test_the_customers_own_policy_counts_before_the_businesss(database: Database, tenant: Tenant, customer: Customer) -> None:
    other = factories.make_customer(database, tenant)
    factories.make_charge(database, tenant, other)
    for one in (customer, other):
        hold(database, tenant, one, HoldReason.MANUAL)
    bills_nobody_suspended(database, tenant, customer)
    assert bill(database, tenant).totals == RunTotals(customers=2, issued=1, withheld=1)
    assert totals(database, tenant, other) == ["25.00"]


def test_who_owes_nothing_is_counted_as_that_and_not_as_withheld(database: Database, tenant: Tenant) -> None:
    hold(database, tenant, factories.make_customer(database, tenant), HoldReason.CLOSED)
    assert bill(database, tenant).totals == RunTotals(customers=1, nothing_due=1)


def test_a_dry_run_counts_who_would_not_be_billed_and_puts_nothing_on_record(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    hold(database, tenant, customer, HoldReason.CLOSED)
    assert bill(database, tenant, dry_run=True).totals == RunTotals(customers=1, withheld=1)
    assert withheld(database, tenant, customer) == []


def test_after_the_hold_is_lifted_the_suspended_month_stays_unbilled_and_what_is_charged_once_is_billed(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    bills_nobody_suspended(database, tenant)
    hold_id = hold(database, tenant, customer, HoldReason.MANUAL)
    bill(database, tenant)
    with database.tenant(tenant.id) as session:
        holds.lift(session, hold_id, NOW)
    assert bill(database, tenant, Period(2026, 12)).totals == RunTotals(customers=1, issued=1)
    assert totals(database, tenant, customer) == ["140.00"], "115.00 with tax for December alone, and 25.00 once"
