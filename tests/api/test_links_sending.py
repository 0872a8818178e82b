"""A payment link by mail: one letter a day, another one where that failed, and none for a link that takes no money."""

from typing import Any

import httpx
import pytest

from domain.customer import Customer, Tenant
from domain.payment_link import LinkType, PaymentLink
from persistence import messages
from persistence.database import Database
from tests import factories
from tests.api.serving import PAGE, is_problem
from tests.api.waiting import eventually
from tests.factories import NOW, usd
from tests.linking import audited, make_link, own_link, pay_by
from tests.workflows.engine import Engine, wall_clock

LINKS = "/api/payment-links"


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    return factories.make_customer(database, tenant, email=f"accounts@{tenant.slug}.acacia.example")


@pytest.fixture
def link(database: Database, tenant: Tenant, customer: Customer) -> PaymentLink:
    """A link that lives as the requests do: by the machine's clock."""
    return make_link(database, tenant, customer=customer, description="Registration fee 2027", now=wall_clock())


async def send(client: httpx.AsyncClient, staff: dict[str, str], link: PaymentLink) -> dict[str, Any]:
    answer = await client.post(f"{LINKS}/{link.id}/send", headers=staff)
    assert answer.status_code == 202, answer.text
    message: dict[str, Any] = answer.json()
    return message


async def letters(client: httpx.AsyncClient, staff: dict[str, str], link: PaymentLink) -> list[tuple[str, str]]:
    """(id, status) of the letters that a link was sent in."""
    shown = (await client.get(f"{LINKS}/{link.id}", headers=staff)).json()
    return [(message["id"], message["status"]) for message in shown["messages"]]


async def test_a_link_reaches_its_customer_by_mail(
    api: httpx.AsyncClient, engine: Engine, staff: dict[str, str], customer: Customer, link: PaymentLink
) -> None:
    message = await send(api, staff, link)
    assert (message["letter"], message["to"], message["entity_id"]) == ("payment_link", customer.email, link.id)

    async def sent() -> bool:
        return await letters(api, staff, link) == [(message["id"], "SENT")]

    await eventually(sent, "the letter sent")
    (mail,) = [mail for mail in engine.letters.seen if str(customer.email) in str(mail["To"])]
    assert mail["Subject"] == "Payment Request - Christus Veritas Technologies"
    body = mail.get_body(("plain",))
    assert body is not None
    for said in ("For: Registration fee 2027", "Amount: $25.00", PAGE + link.code):
        assert said in body.get_content()


async def test_a_link_that_is_sent_twice_in_a_day_is_mailed_once(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], link: PaymentLink
) -> None:
    first, second = [await send(lonely, staff, link) for _ in range(2)]
    assert first == second
    with database.tenant(tenant.id) as session:
        messages.mark_sent(session, first["id"], "Payment Request", NOW)
    assert (await send(lonely, staff, link))["status"] == "SENT"
    assert await letters(lonely, staff, link) == [(first["id"], "SENT")]


async def test_on_another_day_a_link_may_be_mailed_again(
    once_upon_a_time: httpx.AsyncClient, lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    own = own_link(database, tenant, factories.issue_invoice(database, tenant))
    assert (await send(once_upon_a_time, staff, own))["id"] != (await send(lonely, staff, own))["id"]


async def test_after_a_letter_that_could_not_be_sent_another_one_is_tried(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], link: PaymentLink
) -> None:
    first = await send(lonely, staff, link)
    with database.tenant(tenant.id) as session:
        messages.mark_failed(session, first["id"], "550 No such user", NOW)
    second = await send(lonely, staff, link)
    assert await letters(lonely, staff, link) == [(first["id"], "FAILED"), (second["id"], "QUEUED")]


async def test_while_temporal_is_down_the_letter_is_kept_for_the_sweeper(
    lonely: httpx.AsyncClient, staff: dict[str, str], link: PaymentLink
) -> None:
    message = await send(lonely, staff, link)
    assert (message["status"], message["tries"]) == ("QUEUED", 0)


async def test_a_customer_without_an_address_is_not_mailed(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    link = make_link(database, tenant, customer=factories.make_customer(database, tenant, email=None), now=wall_clock())
    refused = is_problem(await lonely.post(f"{LINKS}/{link.id}/send", headers=staff), 409)
    assert "has no e-mail address" in refused["detail"]


async def test_a_link_that_takes_no_money_is_not_mailed(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], link: PaymentLink
) -> None:
    paid = make_link(database, tenant, amount=usd("25"), now=wall_clock())
    factories.settle_payment(database, tenant, pay_by(database, tenant, paid, usd("25")))
    expired = make_link(database, tenant, now=factories.NOW.replace(year=2016))
    await lonely.post(f"{LINKS}/{link.id}/cancel", headers=staff)
    for closed, why in ((paid, "is PAID"), (expired, "is EXPIRED"), (link, "is CANCELLED")):
        refused = is_problem(await lonely.post(f"{LINKS}/{closed.id}/send", headers=staff), 409)
        assert why in refused["detail"]


async def test_a_balance_that_is_paid_meanwhile_is_not_asked_for_by_mail(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    invoice = factories.issue_invoice(database, tenant, customer)
    balance = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer, now=wall_clock())
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    refused = is_problem(await lonely.post(f"{LINKS}/{balance.id}/send", headers=staff), 409)
    assert "asks for nothing now" in refused["detail"]


async def test_sending_is_audited_once(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], link: PaymentLink
) -> None:
    for _ in range(2):
        await send(lonely, staff, link)
    assert audited(database, tenant, link) == [("PAYMENT_LINK_CREATED", "Rudo"), ("PAYMENT_LINK_SENT", "Rudo (billing)")]
