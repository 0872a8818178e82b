"""Credit pays the next invoice as soon as it is issued, where the policy says so (pains 12)."""

from typing import Any

import pytest
from sqlalchemy import event
from temporalio.testing import ActivityEnvironment

from activities.invoicing import BatchRequest, Invoicing, RunRequest
from activities.lifecycles import LifecycleStart
from domain.allocation import AllocationPolicy
from domain.calendar import Period
from domain.customer import Customer, Tenant
from domain.invoice import InvoiceState
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus
from persistence import audit, checks, invoices, ledger, link_details, messages, payments, tenants
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd

NEXT_MONTH = Period(2027, 3)


class Door:
    """Stands for Temporal's door: notes what was started."""

    def __init__(self) -> None:
        self.started: list[LifecycleStart] = []

    async def start_lifecycle(self, start: LifecycleStart) -> None:
        self.started.append(start)


def subscribed(database: Database, tenant: Tenant, *, credit: str | None = None) -> Customer:
    """One who is billed 115.00 a month, with a credit."""
    customer = factories.make_customer(database, tenant)
    factories.make_subscription(database, tenant, customer, factories.make_plan(database, tenant))
    if credit:
        paid = factories.issue_invoice(database, tenant, customer, amount=usd("25"))
        payment = factories.start_payment(
            database, tenant, paid, amount=usd("25") + usd(credit), method=PaymentMethod.BANK_TRANSFER
        )
        factories.settle_payment(database, tenant, payment)
    return customer


def bill(database: Database, tenant: Tenant, *, dry_run: bool = False) -> None:
    run = factories.make_run(database, tenant, NEXT_MONTH, dry_run=dry_run)
    Invoicing(database, Door()).issue_batch(BatchRequest(tenant.id, run.id, 25, NOW))


def newest(database: Database, tenant: Tenant, customer: Customer) -> InvoiceDetail:
    with database.tenant(tenant.id) as session:
        return invoices.page(session, after=None, limit=100, customer_id=customer.id)[-1]


def uses(database: Database, tenant: Tenant, customer: Customer) -> list[Payment]:
    with database.tenant(tenant.id) as session:
        return payments.uses_of_credit(session, customer.id, "USD", PaymentStatus.SETTLED)


def sound(database: Database, tenant: Tenant) -> bool:
    with database.tenant(tenant.id) as session:
        return checks.run(session) == []


def test_credit_pays_a_part_of_the_invoice_and_nobody_is_written_to_but_by_the_invoice(
    database: Database, tenant: Tenant
) -> None:
    customer = subscribed(database, tenant, credit="15")
    bill(database, tenant)
    issued = newest(database, tenant, customer)
    assert (issued.invoice.total, issued.invoice.amount_due) == (usd("115"), usd("100"))
    (used,) = uses(database, tenant, customer)
    assert (used.amount, used.invoice_id, used.credited) == (usd("15"), issued.invoice.id, usd("0"))
    with database.tenant(tenant.id) as session:
        letters = [message.letter.value for message in messages.of_invoice(session, issued.invoice.id)]
        assert letters == ["invoice_issued"]
        assert audit.last_of(session, "CREDIT_APPLIED", used.id) is not None
        assert ledger.credit_of(session, customer.id, "USD") == usd("0")
    assert sound(database, tenant)


def test_credit_that_is_enough_pays_the_invoice_at_once_and_the_rest_stays(database: Database, tenant: Tenant) -> None:
    customer = subscribed(database, tenant, credit="120")
    bill(database, tenant)
    issued = newest(database, tenant, customer)
    assert (issued.invoice.state, issued.invoice.amount_due) == (InvoiceState.PAID, usd("0"))
    with database.tenant(tenant.id) as session:
        (own,) = link_details.page(session, after=None, limit=2, invoice_id=issued.invoice.id)
        assert own.link.status is LinkStatus.PAID
        assert ledger.credit_of(session, customer.id, "USD") == usd("5")
    assert sound(database, tenant)


async def test_the_lifecycle_is_told_what_is_left(database: Database, tenant: Tenant) -> None:
    part, whole = subscribed(database, tenant, credit="15"), subscribed(database, tenant, credit="120")
    bill(database, tenant)
    door = Door()
    await ActivityEnvironment().run(Invoicing(database, door).start_lifecycles, RunRequest(tenant.id, "run", NOW))
    told = {start.invoice_id: (start.state, start.amount_due) for start in door.started}
    assert told[newest(database, tenant, part).invoice.id] == (InvoiceState.OPEN, usd("100"))
    assert told[newest(database, tenant, whole).invoice.id] == (InvoiceState.PAID, usd("0"))


def test_a_tenant_who_keeps_credit_for_staff_to_apply_has_it_kept(database: Database, tenant: Tenant) -> None:
    with database.tenant(tenant.id) as session:
        tenants.put_allocation_policy(session, AllocationPolicy(applies_credit=False))
    customer = subscribed(database, tenant, credit="15")
    bill(database, tenant)
    assert newest(database, tenant, customer).invoice.amount_due == usd("115")
    assert uses(database, tenant, customer) == []


def test_a_dry_run_uses_no_credit(database: Database, tenant: Tenant) -> None:
    customer = subscribed(database, tenant, credit="15")
    bill(database, tenant, dry_run=True)
    assert uses(database, tenant, customer) == []


def test_credit_in_another_currency_is_left_alone(database: Database, tenant: Tenant) -> None:
    customer = subscribed(database, tenant)
    in_rand = factories.issue_invoice(database, tenant, customer, amount=factories.zar("25"))
    payment = factories.start_payment(database, tenant, in_rand, amount=factories.zar("40"), method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, payment)
    bill(database, tenant)
    assert newest(database, tenant, customer).invoice.amount_due == usd("115")


@pytest.mark.parametrize("customers", [2, 12])
def test_the_credit_of_a_whole_batch_is_asked_for_once(database: Database, tenant: Tenant, customers: int) -> None:
    """Thousands of customers without credit cost no query each."""
    for _ in range(customers):
        subscribed(database, tenant)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "sum(ledger_postings.amount)" in statement:
            asked.append(str(parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        bill(database, tenant)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert len(asked) == 1
