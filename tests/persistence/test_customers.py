"""Customers as billing reads them: standing follows from holds and debts, and what was billed is not offered again."""

from datetime import timedelta

from domain.billing import Billable
from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.standing import BillingStatus, HoldReason
from persistence import customers, holds, issuing
from persistence.database import Database
from tests import factories
from tests.factories import NOW, PERIOD, usd
from tests.persistence.drafts import draft_of

DUE = 14


def status_on_day(database: Database, tenant: Tenant, customer: Customer, days_after_due: int) -> BillingStatus:
    today = NOW.date() + timedelta(days=DUE + days_after_due)
    with database.tenant(tenant.id) as session:
        return customers.standing(session, customer.id, today).billing_status


def make_debtor(database: Database, tenant: Tenant) -> tuple[Customer, Invoice]:
    customer = factories.make_customer(database, tenant)
    return customer, factories.issue_invoice(database, tenant, customer, due_in_days=DUE)


def test_a_customer_is_past_due_the_day_after_the_due_day_and_not_on_it(database: Database, tenant: Tenant) -> None:
    customer, _ = make_debtor(database, tenant)
    assert status_on_day(database, tenant, customer, 0) is BillingStatus.ACTIVE
    assert status_on_day(database, tenant, customer, 1) is BillingStatus.PAST_DUE


def test_a_paid_invoice_makes_nobody_late(database: Database, tenant: Tenant) -> None:
    customer, invoice = make_debtor(database, tenant)
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    assert status_on_day(database, tenant, customer, 30) is BillingStatus.ACTIVE


def test_a_partly_paid_invoice_is_still_late(database: Database, tenant: Tenant) -> None:
    customer, invoice = make_debtor(database, tenant)
    payment = factories.start_payment(database, tenant, invoice, amount=usd("24.99"))
    factories.settle_payment(database, tenant, payment)
    assert status_on_day(database, tenant, customer, 1) is BillingStatus.PAST_DUE


def test_a_hold_suspends_whatever_is_owed(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    with database.tenant(tenant.id) as session:
        holds.place(session, customer.id, HoldReason.MANUAL, NOW)
    assert status_on_day(database, tenant, customer, 0) is BillingStatus.SUSPENDED


def test_the_list_has_everybody_with_the_same_standing_as_one_by_one(database: Database, tenant: Tenant) -> None:
    debtor, _ = make_debtor(database, tenant)
    held = factories.make_customer(database, tenant)
    good = factories.make_customer(database, tenant)
    with database.tenant(tenant.id) as session:
        holds.place(session, held.id, HoldReason.OVERDUE, NOW)
    today = NOW.date() + timedelta(days=DUE + 1)
    with database.tenant(tenant.id) as session:
        first = customers.page(session, today, after=None, limit=2)
        rest = customers.page(session, today, after=first[-1].customer.id, limit=2)
        assert customers.count(session) == 3
    assert {item.customer: item.billing_status for item in (*first, *rest)} == {
        debtor: BillingStatus.PAST_DUE,
        held: BillingStatus.SUSPENDED,
        good: BillingStatus.ACTIVE,
    }


def billables(database: Database, tenant: Tenant, cursor: str = "", limit: int = 10) -> list[Billable]:
    with database.tenant(tenant.id) as session:
        return customers.billables_after(session, cursor, limit)


def test_a_batch_has_each_customer_with_all_that_could_be_charged(database: Database, tenant: Tenant) -> None:
    first, second = (factories.make_customer(database, tenant) for _ in range(2))
    plan = factories.make_plan(database, tenant, prorated=True, interval_months=3)
    subscription = factories.make_subscription(database, tenant, first, plan, quantity=4, ends_on=PERIOD.last_day)
    charge = factories.make_charge(database, tenant, first, tax_basis_points=1500)

    assert billables(database, tenant) == [
        Billable(first.id, first.email, (subscription,), (charge,)),
        Billable(second.id, second.email, (), ()),
    ]


def test_batches_follow_the_cursor_and_end(database: Database, tenant: Tenant) -> None:
    made = sorted(factories.make_customer(database, tenant).id for _ in range(3))
    first = billables(database, tenant, limit=2)
    rest = billables(database, tenant, cursor=first[-1].customer_id, limit=2)
    assert [item.customer_id for item in (*first, *rest)] == made
    assert billables(database, tenant, cursor=made[-1]) == []


def test_a_charge_that_was_billed_is_not_offered_again(database: Database, tenant: Tenant) -> None:
    customer, _ = make_debtor(database, tenant)
    later = factories.make_charge(database, tenant, customer, description="Support")
    assert billables(database, tenant) == [Billable(customer.id, customer.email, (), (later,))]


def test_subscriptions_that_were_billed_for_a_period_are_known(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    plan = factories.make_plan(database, tenant)
    subscription = factories.make_subscription(database, tenant, customer, plan)
    run = factories.make_run(database, tenant)
    (draft,) = draft_of(subscription)
    with database.tenant(tenant.id) as session:
        issuing.issue(session, draft, factories.issue_terms(tenant, run))
    with database.tenant(tenant.id) as session:
        assert customers.billed_subscriptions(session, [customer.id], PERIOD.first_day) == {subscription.id}
        assert customers.billed_subscriptions(session, [customer.id], PERIOD.last_day + timedelta(days=1)) == set()
