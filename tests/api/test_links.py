"""Payment links for staff: made for what can be paid, shown with what they ask for now, and closed for good (P5, P6, P14)."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.payment_link import LinkType
from persistence.database import Database
from tests import factories
from tests.api.serving import PAGE, is_problem, refused_field, token_of
from tests.factories import NOW, usd, zar
from tests.linking import make_link, own_link, pay_by

LINKS = "/api/payment-links"


@pytest.fixture(autouse=True)
def takes_dollars(database: Database, tenant: Tenant) -> None:
    factories.make_account(database, tenant)


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    return factories.make_customer(database, tenant, name="Moyo Traders", phone="0771234567")


@pytest.fixture
def invoice(database: Database, tenant: Tenant, customer: Customer) -> Invoice:
    return factories.issue_invoice(database, tenant, customer, amount=usd("40"))


async def make(client: httpx.AsyncClient, staff: dict[str, str], *, key: str | None = None, **body: Any) -> httpx.Response:
    return await client.post(LINKS, headers=staff | ({"Idempotency-Key": key} if key else {}), json=body)


async def made(client: httpx.AsyncClient, staff: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = await make(client, staff, **body)
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


async def shown(client: httpx.AsyncClient, staff: dict[str, str], link_id: str) -> dict[str, Any]:
    answer = await client.get(f"{LINKS}/{link_id}", headers=staff)
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    return link


async def ids(client: httpx.AsyncClient, staff: dict[str, str], **query: str) -> list[str]:
    answer = await client.get(LINKS, headers=staff, params=query)
    assert answer.status_code == 200, answer.text
    return [link["id"] for link in answer.json()["items"]]


async def test_a_link_for_an_invoice_asks_for_what_is_due_on_it_now(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], invoice: Invoice
) -> None:
    link = await made(lonely, staff, type="INVOICE", invoice_id=invoice.id)
    assert link["amount"] == {"minor": 4000, "currency": "USD", "text": "40.00"}
    assert (link["customer_id"], link["invoice_number"], link["is_own"]) == (invoice.customer_id, invoice.number, False)
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice, amount=usd("15")))
    assert (await shown(lonely, staff, link["id"]))["amount"]["minor"] == 2500


async def test_a_link_for_an_outstanding_balance_asks_for_all_that_is_owed_now(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer, invoice: Invoice
) -> None:
    link = await made(lonely, staff, type="OUTSTANDING", customer_id=customer.id)
    assert (link["amount"]["minor"], link["purpose"], link["invoice_id"]) == (4000, "Outstanding balance", None)
    factories.issue_invoice(database, tenant, customer, amount=usd("10"))
    assert (await shown(lonely, staff, link["id"]))["amount"]["minor"] == 5000


@pytest.mark.parametrize("kind", ["CUSTOM", "REGISTRATION", "DEPOSIT"])
async def test_a_link_over_an_amount_is_for_whom_and_what_staff_say(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer, kind: str
) -> None:
    link = await made(
        lonely, staff, type=kind, customer_id=customer.id, amount=12345, description="  Grade 1,\n2027 ", expires_in_days=30
    )
    assert (link["type"], link["status"], link["amount"]["minor"]) == (kind, "ACTIVE", 12345)
    assert link["purpose"] == "Grade 1, 2027"
    assert link["url"] == PAGE + link["code"]
    assert link["created_by"] == "Rudo (billing)"
    life = datetime.fromisoformat(link["expires_at"]) - datetime.fromisoformat(link["created_at"])
    assert life == timedelta(days=30)


async def test_a_link_for_an_instalment_is_for_its_invoice(
    lonely: httpx.AsyncClient, staff: dict[str, str], invoice: Invoice
) -> None:
    link = await made(lonely, staff, type="CUSTOM", invoice_id=invoice.id, amount=1500)
    assert (link["invoice_id"], link["customer_id"], link["amount"]["minor"]) == (invoice.id, invoice.customer_id, 1500)


async def test_the_whatsapp_address_greets_the_customer_with_amount_and_link(
    lonely: httpx.AsyncClient, staff: dict[str, str], invoice: Invoice
) -> None:
    link = await made(lonely, staff, type="INVOICE", invoice_id=invoice.id)
    address = urlsplit(link["whatsapp_url"])
    assert (address.netloc, address.path) == ("wa.me", "/263771234567")
    (message,) = parse_qs(address.query)["text"]
    for said in ("Moyo Traders", "Christus Veritas Technologies", f"Invoice {invoice.number}", "$40.00", link["url"]):
        assert said in message


async def test_the_same_request_with_the_same_key_makes_one_link(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    body = {"type": "DEPOSIT", "customer_id": customer.id, "amount": 100}
    first, second = [await make(lonely, staff, key="deposit 1", **body) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(await ids(lonely, staff)) == 1
    is_problem(await make(lonely, staff, key="deposit 1", **{**body, "amount": 200}), 422)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "GIFT"}, "type"),
        ({}, "type"),
        ({"type": "INVOICE"}, "invoice_id"),
        ({"type": "OUTSTANDING"}, "customer_id"),
        ({"type": "DEPOSIT", "amount": 100}, "customer_id"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours"}, "amount"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 0}, "amount"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": -5}, "amount"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 10**16}, "amount"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "currency": "XXX"}, "currency"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "currency": "ZAR"}, "currency"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "expires_in_days": 0}, "expires_in_days"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "expires_in_days": 367}, "expires_in_days"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "description": "d" * 201}, "description"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "status": "PAID"}, "status"),
        ({"type": "DEPOSIT", "customer_id": "cus_ours", "amount": 100, "invoice_id": "inv_ours"}, "invoice_id"),
        ({"type": "OUTSTANDING", "customer_id": "cus_ours", "amount": 100}, "amount"),
        ({"type": "INVOICE", "invoice_id": "inv_ours", "currency": "ZAR"}, "currency"),
        ({"type": "INVOICE", "invoice_id": "inv_ours", "amount": 4000}, "amount"),
        ({"type": "CUSTOM", "invoice_id": "inv_ours", "amount": 4001}, "amount"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    lonely: httpx.AsyncClient,
    staff: dict[str, str],
    customer: Customer,
    invoice: Invoice,
    body: dict[str, Any],
    field: str,
) -> None:
    things = {"cus_ours": customer.id, "inv_ours": invoice.id}
    body = {name: things.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    assert refused_field(await make(lonely, staff, **body)) == field
    assert len(await ids(lonely, staff)) == 1, "the invoice's own"


async def test_no_link_is_made_for_what_nobody_owes(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer, invoice: Invoice
) -> None:
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    assert refused_field(await make(lonely, staff, type="INVOICE", invoice_id=invoice.id)) == "invoice_id"
    assert refused_field(await make(lonely, staff, type="CUSTOM", invoice_id=invoice.id, amount=1)) == "invoice_id"
    assert refused_field(await make(lonely, staff, type="OUTSTANDING", customer_id=customer.id)) == "customer_id"


async def test_an_invoice_of_another_customer_is_refused_by_name(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], invoice: Invoice
) -> None:
    other = factories.make_customer(database, tenant)
    refused = await make(lonely, staff, type="INVOICE", invoice_id=invoice.id, customer_id=other.id)
    assert refused_field(refused) == "customer_id"


async def test_an_invoice_in_a_currency_that_no_gateway_takes_gets_no_link(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    in_rand = factories.issue_invoice(database, tenant, amount=zar("40"))
    assert refused_field(await make(lonely, staff, type="INVOICE", invoice_id=in_rand.id)) == "currency"


async def test_what_belongs_to_another_business_is_not_there(
    lonely: httpx.AsyncClient, database: Database, staff: dict[str, str]
) -> None:
    stranger = factories.make_tenant(database)
    theirs = factories.issue_invoice(database, stranger)
    link = make_link(database, stranger)
    is_problem(await make(lonely, staff, type="INVOICE", invoice_id=theirs.id), 404)
    is_problem(await make(lonely, staff, type="DEPOSIT", customer_id=theirs.customer_id, amount=100), 404)
    for door in ("cancel", "send"):
        is_problem(await lonely.post(f"{LINKS}/{link.id}/{door}", headers=staff), 404)


async def test_links_are_listed_with_the_invoices_own_and_filtered(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer, invoice: Invoice
) -> None:
    own = own_link(database, tenant, invoice)
    deposit = await made(lonely, staff, type="DEPOSIT", customer_id=customer.id, amount=100)
    other = await made(lonely, staff, type="DEPOSIT", customer_id=factories.make_customer(database, tenant).id, amount=100)
    assert await ids(lonely, staff) == [other["id"], deposit["id"], own.id]
    assert await ids(lonely, staff, customer_id=customer.id) == [deposit["id"], own.id]
    assert await ids(lonely, staff, invoice_id=invoice.id) == [own.id]
    assert await ids(lonely, staff, status="PAID") == []
    assert refused_field(await lonely.get(LINKS, headers=staff, params={"status": "OPEN"})) == "status"


async def test_a_link_whose_time_is_over_is_shown_and_listed_as_expired(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    touched, listed = (make_link(database, tenant, now=NOW - timedelta(days=3650)) for _ in range(2))
    seen = await shown(lonely, staff, touched.id)
    assert (seen["status"], seen["whatsapp_url"]) == ("EXPIRED", None)
    assert await ids(lonely, staff, status="EXPIRED") == [listed.id, touched.id]


async def test_a_link_shows_the_payments_that_were_begun_by_it(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    link = make_link(database, tenant, LinkType.DEPOSIT, amount=usd("40"))
    payment = pay_by(database, tenant, link, usd("40"))
    pay_by(database, tenant, make_link(database, tenant), usd("25"))
    factories.settle_payment(database, tenant, payment)
    seen = await shown(lonely, staff, link.id)
    assert [(found["id"], found["status"]) for found in seen["payments"]] == [(payment.id, "SETTLED")]
    assert (seen["status"], seen["amount"]["minor"], seen["whatsapp_url"]) == ("PAID", 4000, None)


async def test_a_cancelled_link_takes_no_money_and_may_be_cancelled_again(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    link = await made(lonely, staff, type="DEPOSIT", customer_id=customer.id, amount=100)
    for _ in range(2):
        cancelled = await lonely.post(f"{LINKS}/{link['id']}/cancel", headers=staff)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    assert cancelled.json()["whatsapp_url"] is None


async def test_an_invoices_own_link_and_a_paid_one_cannot_be_cancelled(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], invoice: Invoice
) -> None:
    own = own_link(database, tenant, invoice)
    refused = is_problem(await lonely.post(f"{LINKS}/{own.id}/cancel", headers=staff), 409)
    assert "every letter about the invoice carries" in refused["detail"]
    paid = make_link(database, tenant, LinkType.DEPOSIT)
    factories.settle_payment(database, tenant, pay_by(database, tenant, paid, usd("25")))
    assert "is PAID" in is_problem(await lonely.post(f"{LINKS}/{paid.id}/cancel", headers=staff), 409)["detail"]


async def test_a_viewer_sees_links_and_makes_none(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, customer: Customer
) -> None:
    viewer = token_of(database, tenant, "viewer")
    is_problem(await make(lonely, viewer, type="DEPOSIT", customer_id=customer.id, amount=100), 403)
    assert await ids(lonely, viewer) == []
