"""The page behind a payment link, as a browser gets it: what it tells, what it may run, and that names stay text."""

import re

import httpx
import pytest

from api.pay.rendering import text_on
from domain.payment import Outcome
from persistence import attempts
from persistence.database import Database
from tests import factories
from tests.api.paying import Bill, bill
from tests.api.serving import payment_token
from tests.factories import NOW, usd

HOSTILE = '<script>alert("1")</script> & Söhne \'">'


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database, amount=usd("1234.5"))


async def page(client: httpx.AsyncClient, on: Bill) -> str:
    answer = await client.get(on.link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def started(on: Bill, **told: str) -> str:
    """A payment that waits for its payer, who was told this."""
    payment = factories.start_payment(on.database, on.tenant, on.invoice)
    attempt = factories.make_attempt(on.database, on.tenant, payment)
    with on.database.tenant(on.tenant.id) as session:
        attempts.record_checkout(
            session,
            attempt.id,
            outcome=Outcome.PENDING,
            checkout=dict(told),
            poll_url=None,
            gateway_reference=None,
            gateway_status="Sent",
            raw="",
            now=NOW,
        )
    return payment.id


async def test_it_tells_what_is_owed_to_whom_and_how_to_pay(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    html = await page(lonely, open_bill)
    for told in ("Christus Veritas Technologies", "Acacia Traders", open_bill.invoice.number, "$1,234.50", "Installation"):
        assert told in html, told
    assert re.findall(r'value="(\w+)"', html) == [
        "PAYNOW_ECOCASH",
        "PAYNOW_ONEMONEY",
        "PAYNOW_INNBUCKS",
        "PAYNOW_VISA",
        "PAYNOW_MASTERCARD",
    ]
    assert f"mailto:{open_bill.tenant.contact_email}" in html


async def test_it_says_when_an_invoice_is_late_and_what_was_paid_of_it(lonely: httpx.AsyncClient, database: Database) -> None:
    """Fourteen days after an issue in 2020 are over by any clock."""
    tenant = factories.make_tenant(database)
    issued_at = NOW.replace(year=2020)
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"), issued_at=issued_at)
    part = factories.start_payment(database, tenant, invoice, amount=usd("15"))
    factories.settle_payment(database, tenant, part)
    html = (await lonely.get(f"/pay/{payment_token(database, tenant, invoice.id)}")).text
    assert "was due on November 15, 2020" in html
    assert "$15.00 of $40.00 is paid already" in html
    assert ">$25.00<" in html


async def test_a_paid_invoice_thanks_and_offers_nothing_to_press(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    factories.settle_payment(
        open_bill.database, open_bill.tenant, factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice)
    )
    html = await page(lonely, open_bill)
    assert "Nothing is left to pay. Thank you!" in html
    assert "<form" not in html


async def test_where_nothing_can_be_paid_online_it_says_whom_to_ask(lonely: httpx.AsyncClient, database: Database) -> None:
    html = await page(lonely, bill(database, takes="ZWG"))
    assert "Online payment is not available for this invoice" in html
    assert "<form" not in html


async def test_a_reload_while_the_phone_is_asked_tells_again_what_to_do(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    payment_id = started(open_bill, instructions="Enter your PIN.", authorization_code="932373757")
    html = await page(lonely, open_bill)
    assert f'data-waiting="{payment_id}"' in html
    assert "Your payment by EcoCash is being confirmed" in html
    assert "Enter your PIN." in html
    assert "932373757" in html
    assert re.search(r'<form id="form" novalidate hidden', html), "the form comes back when the payer asks for another way"


async def test_who_comes_back_from_the_cards_page_unpaid_finds_the_way_there_again(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    started(open_bill, redirect_url="https://www.paynow.co.zw/Payment/ConfirmPayment/1/?a=1&b=2")
    assert 'href="https://www.paynow.co.zw/Payment/ConfirmPayment/1/?a=1&amp;b=2"' in await page(lonely, open_bill)


async def test_names_are_text_whatever_they_hold(lonely: httpx.AsyncClient, database: Database) -> None:
    tenant = factories.make_tenant(database, name=HOSTILE, address_line=HOSTILE)
    html = await page(lonely, bill(database, tenant=tenant, customer=factories.make_customer(database, tenant, name=HOSTILE)))
    assert "alert(" in html
    assert "<script>" not in html
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/pay/static/pay.js" defer>']
    assert "'\">" not in html


async def test_nothing_from_elsewhere_runs_or_is_told_where_the_reader_came_from(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    for link in (open_bill.link, "/pay/unknown"):
        headers = (await lonely.get(link)).headers
        rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
        assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


async def test_the_tenants_colour_is_the_only_style_in_the_page_and_its_nonce_is_new_each_time(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    nonces = set()
    for _ in range(2):
        answer = await lonely.get(open_bill.link)
        (nonce,) = re.findall(r'<style nonce="([^"]+)">:root { --brand: #1e3a5f; --on-brand: #ffffff; }</style>', answer.text)
        assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
        assert "style=" not in answer.text
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ("colour", "text"),
    [("#1e3a5f", "#ffffff"), ("#9a3412", "#ffffff"), ("#ffd400", "#111827"), ("#ffffff", "#111827"), ("#000000", "#ffffff")],
)
def test_text_can_be_read_on_the_tenants_colour(colour: str, text: str) -> None:
    assert text_on(colour) == text


@pytest.mark.parametrize("token", ["unknown", "%00", "x" * 300])
async def test_a_link_that_opens_nothing_is_told_to_people_on_a_page(lonely: httpx.AsyncClient, token: str) -> None:
    answer = await lonely.get(f"/pay/{token}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "This payment link does not work" in answer.text


@pytest.mark.parametrize(("name", "kind"), [("pay.js", "text/javascript"), ("pay.css", "text/css")])
async def test_script_and_style_are_our_own_and_may_be_kept_a_while(lonely: httpx.AsyncClient, name: str, kind: str) -> None:
    answer = await lonely.get(f"/pay/static/{name}")
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "max-age=300"
    assert "http://" not in answer.text
    assert "https://" not in answer.text


async def test_only_who_gets_letters_is_promised_one(lonely: httpx.AsyncClient, database: Database) -> None:
    tenant = factories.make_tenant(database)
    for email, promised in [("accounts@acacia.example", "yes"), (None, "no")]:
        customer = factories.make_customer(database, tenant, email=email)
        assert f'data-letters="{promised}"' in await page(lonely, bill(database, tenant=tenant, customer=customer))
