"""What a statement is drawn up from is the ledger itself, an entry at a time, and nothing of another customer."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from activities import closing
from domain.allocation import Target
from domain.customer import Customer, Tenant
from domain.ledger import Account
from domain.money import Money
from domain.payment import PaymentMethod
from domain.statement import LineKind, Statement, draw_up
from persistence import invoices, ledger, statements
from persistence.database import Database
from persistence.models import GatewayTransactionRow, PaymentRow
from tests import factories
from tests.factories import NOW, usd
from tests.reversals import reverse_payment

ALWAYS = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))
DAY = timedelta(days=1)


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    """One who was billed 40.00 twice, paid 60.00 for the first, had the surplus applied to the second, and took it all back."""
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer, amount=usd("40")) for _ in range(2))
    overpaid = factories.start_payment(database, tenant, first, amount=usd("60"), method=PaymentMethod.BANK_TRANSFER)
    with database.tenant(tenant.id) as session:
        row = session.get_one(PaymentRow, overpaid.id)
        row.manual_reference, row.received_on = "FT-1", date(2026, 10, 30)
    factories.settle_payment(database, tenant, overpaid, NOW + DAY)
    used = factories.start_payment(database, tenant, second, amount=usd("20"), method=PaymentMethod.CREDIT)
    factories.settle_payment(database, tenant, used, NOW + 2 * DAY)
    reverse_payment(database, tenant, used, NOW + 3 * DAY)
    reverse_payment(database, tenant, overpaid, NOW + 4 * DAY)
    return customer


def statement(
    database: Database, tenant: Tenant, customer: Customer, since: datetime = ALWAYS[0], until: datetime = ALWAYS[1]
) -> Statement:
    with database.tenant(tenant.id) as session:
        opening = statements.owed_before(session, customer.id, "USD", since)
        found = statements.movements(session, customer.id, "USD", since, until)
    return draw_up(since.date(), until.date(), tenant.time_zone, opening, found)


def test_every_entry_is_a_line_that_says_what_happened(database: Database, tenant: Tenant, customer: Customer) -> None:
    lines = statement(database, tenant, customer).lines
    assert [(line.kind.value, line.debit.minor, line.credit.minor, line.balance.minor) for line in lines] == [
        ("INVOICE", 4000, 0, 4000),
        ("INVOICE", 4000, 0, 8000),
        ("PAYMENT", 0, 6000, 2000),
        ("CREDIT_APPLIED", 0, 0, 2000),
        ("CREDIT_RETURNED", 0, 0, 2000),
        ("PAYMENT_REVERSED", 6000, 0, 8000),
    ]
    first, second = lines[0].reference, lines[1].reference
    assert lines[2].reference == lines[5].reference == "FT-1"
    assert lines[2].description == (
        f"Bank Transfer, received on 2026-10-30: paid {first} (USD 40.00), USD 20.00 kept as credit"
    )
    assert lines[3].description == f"USD 20.00 of credit used: paid {second} (USD 20.00)"


def test_it_equals_the_ledger_at_every_moment(database: Database, tenant: Tenant, customer: Customer) -> None:
    with database.tenant(tenant.id) as session:
        held = ledger.balances(session, customer.id)
    for days in range(6):
        cut = NOW + days * DAY
        before, after = statement(database, tenant, customer, until=cut), statement(database, tenant, customer, since=cut)
        assert before.closing == after.opening
        assert after.closing == held[Account.ACCOUNTS_RECEIVABLE, "USD"] + held[Account.CUSTOMER_CREDIT, "USD"]


def test_an_entry_on_the_first_moment_is_within_and_on_the_last_is_not(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    lines = statement(database, tenant, customer, NOW + DAY, NOW + 2 * DAY).lines
    assert [line.kind for line in lines] == [LineKind.PAYMENT]


def test_another_customer_and_another_currency_have_statements_of_their_own(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    other = factories.make_customer(database, tenant)
    factories.issue_invoice(database, tenant, other, amount=Money(100, "ZAR"))
    assert statement(database, tenant, other).lines == ()
    with database.tenant(tenant.id) as session:
        assert statements.owed_before(session, other.id, "ZAR", ALWAYS[1]) == Money(100, "ZAR")


def test_credit_notes_and_write_offs_are_lines_under_their_own_numbers(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    void, lost = (factories.issue_invoice(database, tenant, customer, amount=usd("40")) for _ in range(2))
    part = factories.start_payment(database, tenant, void, amount=usd("15"), method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, part)
    with database.tenant(tenant.id) as session:
        closing.void(session, invoices.get(session, void.id), "Rudo", NOW + DAY, reason="It was issued twice.")
        closing.write_off(session, invoices.get(session, lost.id), "Rudo", NOW + 2 * DAY, reason="The shop is gone.")
    drawn = statement(database, tenant, customer)
    assert [(line.kind.value, line.reference, line.credit.minor) for line in drawn.lines[3:]] == [
        ("CREDIT_NOTE", "CVT-CN-000001", 4000),
        ("WRITE_OFF", lost.number, 4000),
    ]
    assert drawn.closing == usd("-15"), "what had been paid is the customer's credit"


def test_an_invoice_line_tells_its_due_day_and_a_gateways_payment_its_reference(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    payment = factories.start_payment(database, tenant, invoice, target=Target.CREDIT)
    attempt = factories.make_attempt(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        session.execute(
            update(GatewayTransactionRow).where(GatewayTransactionRow.id == attempt.id).values(gateway_reference="19372")
        )
    factories.settle_payment(database, tenant, payment)
    customer = Customer(invoice.customer_id, "", "", None, None)
    issued, paid = statement(database, tenant, customer).lines
    assert issued.description == f"Invoice, due on {invoice.due_on}"
    assert (paid.reference, paid.description) == ("19372", f"EcoCash: paid {invoice.number} (USD 25.00)")
