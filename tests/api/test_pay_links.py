"""What the page and the status of each sort of link tell, from a link that can be paid to one that cannot any more."""

import re
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text

from api.pay.page_words import Head, Seen, Standing, head, way_out
from domain.customer import Tenant
from domain.invoice import Invoice, InvoiceState
from domain.money import Money
from domain.payment import PaymentMethod
from domain.payment_link import LIVES_FOR, LinkStatus, LinkType, PaymentLink
from persistence import links
from persistence.database import Database
from tests import factories
from tests.api import south_africa
from tests.api.paying import Handed, begun, bill, hand_out
from tests.factories import NOW, zar
from tests.workflows.engine import wall_clock

LONG_AGO = NOW.replace(year=2020)


@pytest.fixture
def creche(database: Database) -> Tenant:
    return south_africa.make_tenant(database, "yoco", "payfast", "ozow")


def fees(database: Database, creche: Tenant, *amounts: str) -> list[Invoice]:
    """Invoices of one customer, the first one years overdue."""
    customer = factories.make_customer(database, creche, name="Thandi Nkosi")
    first, *others = amounts
    late = factories.issue_invoice(database, creche, customer, amount=zar(first), issued_at=LONG_AGO)
    return [
        late,
        *(factories.issue_invoice(database, creche, customer, amount=zar(each), issued_at=wall_clock()) for each in others),
    ]


def pay(database: Database, creche: Tenant, invoice: Invoice, amount: Money | None = None) -> None:
    factories.settle_payment(database, creche, factories.start_payment(database, creche, invoice, amount=amount))


def opened_by(database: Database, handed: Handed) -> PaymentLink:
    """The link as it stands in the database."""
    with database.tenant(handed.tenant.id) as session:
        found = links.tenant_of_code(session, handed.token)
        assert found is not None
        return links.get(session, found[1])


def close(on: Handed, status: str) -> None:
    with on.database.tenant(on.tenant.id) as session:
        session.execute(
            text("UPDATE payment_links SET status = :status, closed_at = :now WHERE code = :code"),
            {"status": status, "now": wall_clock(), "code": on.token},
        )


# What can be paid.


async def test_an_outstanding_link_lists_the_open_invoices_and_asks_for_their_sum(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    late, second, third, settled = fees(database, creche, "850", "850.50", "120", "99")
    pay(database, creche, settled)
    pay(database, creche, second, zar("50.50"))
    html = await hand_out(database, creche, late.customer_id, LinkType.OUTSTANDING).page(lonely)
    assert ">R1,770.00<" in html
    assert "on 3 open invoices" in html
    assert "1 of them overdue" in html
    for invoice, amount in ((late, "R850.00"), (second, "R800.00"), (third, "R120.00")):
        assert re.search(rf"Invoice {invoice.number}<br>.*?>{re.escape(amount)}<", html), invoice
    assert settled.number not in html
    assert 'class="late">was due on November 15, 2020<' in html


async def test_debts_in_another_currency_are_not_added_up(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    customer = factories.make_customer(database, creche)
    in_rand = factories.issue_invoice(database, creche, customer, amount=zar("850"))
    in_dollars = factories.issue_invoice(database, creche, customer, amount=factories.usd("70"))
    handed = hand_out(database, creche, customer.id, LinkType.OUTSTANDING)
    assert in_dollars.number not in await handed.page(lonely)
    assert (await handed.status(lonely))["amount"] == {"minor": 85000, "currency": "ZAR", "text": in_rand.total.decimal()}


async def test_a_custom_link_for_an_invoice_never_asks_for_more_than_is_due_on_it(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(
        database, creche, invoice.customer_id, LinkType.CUSTOM, invoice=invoice, amount=zar("300"), description="First part"
    )
    html = await handed.page(lonely)
    assert ">R300.00<" in html
    assert "First part" in html
    assert f"Invoice {invoice.number}" in html
    assert "still open, was due on November 15, 2020" in html
    pay(database, creche, invoice, zar("700"))
    assert ">R150.00<" in await handed.page(lonely)
    assert (await handed.status(lonely))["amount"]["minor"] == 15000


async def test_a_deposit_asks_for_its_amount_whatever_is_owed(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"), description="A place in 2027")
    html = await handed.page(lonely)
    assert ">R500.00<" in html
    assert "A place in 2027" in html
    assert "Thandi Nkosi" in html
    assert invoice.number not in html
    assert "This link works until" in html


async def test_each_way_to_pay_that_the_business_has_is_offered_with_what_it_is(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    html = await hand_out(database, creche, invoice.customer_id, LinkType.OUTSTANDING).page(lonely)
    assert re.findall(r'value="(\w+)"', html) == ["YOCO", "PAYFAST", "OZOW"]
    for told in ("Card (Yoco)", "PayFast", "Instant EFT (Ozow)", "card or EFT", "from your bank account"):
        assert told in html, told


async def test_the_status_of_a_link_for_no_invoice_has_no_invoice(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    status = await hand_out(database, creche, invoice.customer_id, LinkType.OUTSTANDING).status(lonely)
    assert (status["link_status"], status["link_type"]) == ("ACTIVE", "OUTSTANDING")
    assert status["amount"] == status["amount_due"]
    assert [status[name] for name in ("invoice_number", "state", "due_on", "total")] == [None] * 4


async def test_whoever_has_a_link_sees_the_payments_made_by_it_and_no_others(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.OUTSTANDING)
    by_another_link = factories.start_payment(database, creche, invoice)
    payment_id = begun(handed, PaymentMethod.YOCO, redirect_url="https://c.yoco.example/1")
    assert [payment["id"] for payment in (await handed.status(lonely))["payments"]] == [payment_id]
    assert by_another_link.id not in await handed.page(lonely)


# What cannot be paid any more.


async def test_an_expired_link_says_so_on_410_and_whom_to_write_to_and_is_marked(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.OUTSTANDING, made_at=LONG_AGO)
    html = await handed.page(lonely, status=410)
    assert "This payment link expired on November 8, 2020." in html
    assert f"mailto:{creche.contact_email}" in html
    assert "<form" not in html
    assert invoice.number not in html
    assert "850" not in html
    expired = opened_by(database, handed)
    assert expired.status is LinkStatus.EXPIRED
    assert expired.expires_at == LONG_AGO + LIVES_FOR


async def test_a_cancelled_link_says_so_on_410(lonely: httpx.AsyncClient, database: Database, creche: Tenant) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"))
    close(handed, "CANCELLED")
    html = await handed.page(lonely, status=410)
    assert "Little Acorns Crèche cancelled this payment link." in html
    assert "<form" not in html
    assert (await handed.status(lonely))["link_status"] == "CANCELLED"


async def test_a_paid_link_thanks(lonely: httpx.AsyncClient, database: Database, creche: Tenant) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"))
    close(handed, "PAID")
    html = await handed.page(lonely)
    assert ">Paid<" in html
    assert ">R500.00<" in html
    assert "<form" not in html


async def test_a_balance_that_is_settled_asks_for_nothing(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.OUTSTANDING)
    pay(database, creche, invoice)
    html = await handed.page(lonely)
    assert "Nothing is owed just now." in html
    assert "<form" not in html
    assert (await handed.status(lonely))["amount"]["minor"] == 0


async def test_a_payment_begun_in_time_is_followed_after_the_link_has_expired(
    lonely: httpx.AsyncClient, database: Database, creche: Tenant
) -> None:
    (invoice,) = fees(database, creche, "850")
    handed = hand_out(database, creche, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"))
    payment_id = begun(handed, PaymentMethod.YOCO)
    close(handed, "EXPIRED")
    html = await handed.page(lonely, "?back=paid")
    assert f'data-waiting="{payment_id}"' in html
    assert "is being confirmed" in html
    assert "<form" not in html
    with database.tenant(creche.id) as session:
        factories.settle(session, payment_id)
    assert ">Paid<" in await handed.page(lonely)


@pytest.mark.parametrize("state", [InvoiceState.VOID, InvoiceState.WRITTEN_OFF])
def test_nothing_is_asked_for_on_an_invoice_that_was_closed(state: InvoiceState, database: Database, creche: Tenant) -> None:
    (invoice,) = fees(database, creche, "850")
    own = opened_by(database, bill(database, tenant=creche, takes="ZAR"))
    closed = replace(invoice, state=state, amount_due=zar("0"))
    seen = Seen(own, zar("0"), closed, (), (), "Little Acorns", "en_ZA", creche.time_zone, invoice.due_on)
    assert seen.standing is Standing.CLOSED
    assert head(seen) == Head("Closed", "R850.00", (("There is nothing to pay on this invoice.", ""),))
    assert way_out(seen, has_methods=True) is None
