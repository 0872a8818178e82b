"""Paying in rand by a link, end to end: Yoco, Ozow and PayFast's simulators, Temporal, the saga and the database are real."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape

import httpx
import pytest

from domain.customer import Tenant
from domain.invoice import Invoice
from domain.letters import Letter
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkType
from persistence import messages
from persistence.database import Database
from tests import factories
from tests.api import south_africa
from tests.api.paying import Handed, begun, hand_out
from tests.api.serving import caller, is_problem, payment_token, running, settings
from tests.api.south_africa import SouthAfrica
from tests.api.waiting import eventually
from tests.factories import zar
from tests.workflows.engine import Engine


@pytest.fixture(scope="module")
def cape(engine: Engine) -> Iterator[SouthAfrica]:
    """The gateways that take rand, at the desk of the engine's workers as well."""
    addresses = engine.services.desk.addresses
    assert isinstance(addresses, dict)
    before = dict(addresses)
    with south_africa.south_africa() as simulators:
        addresses.update(simulators.addresses)
        yield simulators
        addresses.clear()
        addresses.update(before)


@pytest.fixture(scope="module")
async def shop(engine: Engine, cape: SouthAfrica, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The API, which knows where PayFast is."""
    told = settings(database_url, temporal_address=engine.address, payfast_url=cape.urls["payfast"])
    async with running(told) as app, caller(app) as client:
        yield client


@pytest.fixture
def creche(database: Database) -> Tenant:
    return south_africa.make_tenant(database, "yoco", "payfast", "ozow")


@pytest.fixture
def invoice(database: Database, creche: Tenant) -> Invoice:
    return factories.issue_invoice(database, creche, amount=zar("850"))


@pytest.fixture
def own(database: Database, creche: Tenant, invoice: Invoice) -> Handed:
    return Handed(database, creche, payment_token(database, creche, invoice.id))


async def letter_is_sent(own: Handed, payment_id: str) -> None:
    """Until the payer of this payment has their confirmation."""

    async def look() -> bool:
        with own.database.tenant(own.tenant.id) as session:
            letters = messages.of_entity(session, "Payment", payment_id)
        return [(one.letter, one.status) for one in letters] == [(Letter.PAYMENT_CONFIRMATION, "SENT")]

    await eventually(look, f"the confirmation of {payment_id}")


# Two tabs (pains 1 and 3).


async def test_two_people_pay_one_link_by_two_gateways_one_pays_the_invoice_and_the_other_becomes_credit(
    shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed
) -> None:
    """Each gateway says that it waits for its payer, so neither stands in the other's way; no money is lost."""
    by_yoco = await own.opened(shop, None, method="YOCO")
    by_ozow = await own.opened(shop, None, method="OZOW")
    cape.decide("yoco", own.attempt(by_yoco).id, "completed")
    cape.decide("ozow", own.attempt(by_ozow).id, "Complete")
    await asyncio.gather(*(own.look(shop) for _ in range(4)))
    for payment_id in (by_yoco, by_ozow):
        await own.becomes(shop, payment_id, "SETTLED")
    settled = [own.payment(payment_id) for payment_id in (by_yoco, by_ozow)]
    assert {(payment.allocated.minor, payment.credited.minor) for payment in settled} == {(85000, 0), (0, 85000)}
    status = await own.status(shop)
    assert (status["state"], status["link_status"], status["amount"]["minor"]) == ("PAID", "PAID", 0)
    for payment_id in (by_yoco, by_ozow):
        await letter_is_sent(own, payment_id)


async def test_two_tabs_that_check_out_at_the_same_moment_start_one_payment_at_a_time(
    shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed
) -> None:
    """The one that comes second is told to wait: its rival's gateway has not answered yet."""
    answers = await asyncio.gather(own.check_out(shop, None, method="YOCO"), own.check_out(shop, None, method="OZOW"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    started = [answer.json()["payment_id"] for answer in answers if answer.status_code == 201]
    assert started
    assert {payment["id"] for payment in (await own.status(shop))["payments"]} == set(started)
    for answer in answers:
        if answer.status_code == 409:
            assert "still being confirmed" in is_problem(answer, 409)["detail"]


async def test_a_payment_that_came_in_unseen_is_found_before_another_way_is_opened(
    shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed
) -> None:
    earlier = await own.opened(shop, None, method="OZOW")
    cape.decide("ozow", own.attempt(earlier).id, "Complete")
    refused = await own.check_out(shop, None, method="YOCO")
    assert "there is nothing to pay" in is_problem(refused, 409)["detail"]
    assert own.payment(earlier).status is PaymentStatus.SETTLED


async def test_an_open_attempt_by_the_invoices_own_link_is_asked_about_before_the_balance_is_paid(
    shop: httpx.AsyncClient, cape: SouthAfrica, database: Database, own: Handed, invoice: Invoice
) -> None:
    """Both links ask for the same debt."""
    balance = hand_out(database, own.tenant, invoice.customer_id, LinkType.OUTSTANDING)
    earlier = await own.opened(shop, None, method="YOCO")
    cape.decide("yoco", own.attempt(earlier).id, "completed")
    refused = await balance.check_out(shop, None, method="OZOW")
    assert is_problem(refused, 409)["detail"] == "Nothing is owed just now: there is nothing to pay by this link."
    assert (await balance.status(shop))["payments"] == []


async def test_the_outstanding_balance_is_paid_at_once_and_closes_each_invoices_own_link(
    shop: httpx.AsyncClient, cape: SouthAfrica, database: Database, own: Handed, invoice: Invoice
) -> None:
    customer = factories.make_customer(database, own.tenant)
    bills = [factories.issue_invoice(database, own.tenant, customer, amount=zar(amount)) for amount in ("850", "150")]
    balance = hand_out(database, own.tenant, customer.id, LinkType.OUTSTANDING)
    payment_id = await balance.opened(shop, None, method="YOCO")
    assert balance.attempt(payment_id).amount == zar("1000")
    cape.decide("yoco", balance.attempt(payment_id).id, "completed")
    status = await balance.look(shop)
    assert (status["link_status"], status["amount"]["minor"]) == ("PAID", 0)
    for each in bills:
        token = payment_token(database, own.tenant, each.id)
        assert (await Handed(database, own.tenant, token).status(shop))["link_status"] == "PAID"


async def test_a_deposit_becomes_credit_though_an_invoice_is_open(
    shop: httpx.AsyncClient, cape: SouthAfrica, database: Database, own: Handed, invoice: Invoice
) -> None:
    deposit = hand_out(database, own.tenant, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"))
    payment_id = await deposit.opened(shop, None, method="OZOW")
    cape.decide("ozow", deposit.attempt(payment_id).id, "Complete")
    assert (await deposit.look(shop))["link_status"] == "PAID"
    settled = deposit.payment(payment_id)
    assert (settled.allocated, settled.credited) == (zar("0"), zar("500"))
    assert (await own.status(shop))["state"] == "OPEN"


# PayFast's form.


def handed_over(html: str) -> tuple[str, dict[str, str]]:
    """Where the page's form goes, and its fields."""
    (action,) = re.findall(r'<form id="handover"[^>]* method="post" action="([^"]+)"', html)
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html)
    return unescape(action), {name: unescape(value) for name, value in fields}


async def test_payfasts_form_is_handed_over_by_a_page_of_ours_and_pays(
    shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed
) -> None:
    told = (await own.check_out(shop, None, method="PAYFAST")).json()
    page = f"https://pay.dunlin.example{own.link}/handover/{told['payment_id']}"
    assert told["redirect_url"] == page
    assert set(told) == {"payment_id", "status", "redirect_url"} | {name for name, value in told.items() if value is None}
    answer = await shop.get(page.removeprefix("https://pay.dunlin.example"))
    assert answer.status_code == 200
    action, fields = handed_over(answer.text)
    assert action == f"{cape.urls['payfast']}/eng/process"
    arrived = cape.http.post(action, data=fields)
    assert arrived.is_redirect or arrived.is_success, arrived.text
    cape.decide("payfast", own.attempt(told["payment_id"]).id, "COMPLETE")
    await own.look(shop)
    await own.becomes(shop, told["payment_id"], "SETTLED")


async def test_the_page_that_hands_over_is_kept_by_nobody_and_posts_to_payfast_alone(
    shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed
) -> None:
    payment_id = await own.opened(shop, None, method="PAYFAST")
    answer = await shop.get(f"{own.link}/handover/{payment_id}")
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert rules["form-action"].split() == [cape.urls["payfast"], "https:"]
    assert rules["script-src"] == "'self'"
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/pay/static/handover.js" defer>']
    assert "Continue to PayFast</button>" in answer.text
    assert south_africa.CREDENTIALS["payfast"]["passphrase"] not in answer.text


async def test_a_reload_finds_the_way_to_payfast_again(shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed) -> None:
    payment_id = await own.opened(shop, None, method="PAYFAST")
    html = await own.page(shop, "?back=cancelled")
    assert f'href="https://pay.dunlin.example{own.link}/handover/{payment_id}"' in html


async def test_nothing_is_handed_over_once_the_payment_has_ended_or_the_link_is_closed_or_is_anothers(
    shop: httpx.AsyncClient, cape: SouthAfrica, database: Database, own: Handed, invoice: Invoice
) -> None:
    payment_id = await own.opened(shop, None, method="PAYFAST")
    other = hand_out(database, own.tenant, invoice.customer_id, LinkType.DEPOSIT, amount=zar("500"))
    elsewhere = await shop.get(f"{other.link}/handover/{payment_id}")
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, other.link)
    no_such = await shop.get(f"{own.link}/handover/pay_of_nobody")
    assert (no_such.status_code, no_such.headers["location"]) == (303, own.link)
    with database.tenant(own.tenant.id) as session:
        rival = factories.start_payment(database, own.tenant, invoice)
        factories.settle(session, rival.id)
    paid = await shop.get(f"{own.link}/handover/{payment_id}")
    assert own.payment(payment_id).status is PaymentStatus.PENDING
    assert (paid.status_code, paid.headers["location"]) == (303, own.link)


async def test_a_form_that_cannot_be_signed_is_told_on_a_page(shop: httpx.AsyncClient, cape: SouthAfrica, own: Handed) -> None:
    payment_id = begun(own, PaymentMethod.PAYFAST, form=[["no_field_of_payfasts", "1"]])
    answer = await shop.get(f"{own.link}/handover/{payment_id}")
    assert answer.status_code == 503
    assert "We cannot show this page just now" in answer.text
