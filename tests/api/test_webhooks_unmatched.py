"""Money for no payment of ours is shown as the gateway has it: what an update claims alone is shown to nobody as money."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.unmatched import Unmatched, ask_whose
from domain.money import Money
from persistence import tenants, webhooks
from persistence.database import Database
from persistence.models import WebhookRow
from persistence.reviews import MoneyInQuestion
from tests import factories
from tests.api.lost_money import Lost, lost_at
from tests.api.serving import caller, running, settings
from tests.api.strangers import Letter
from tests.gateways.bench import Door, Fault
from tests.gateways.payfast_bench import PayfastBench
from tests.gateways.serving import Posted

GATEWAYS = ["paynow", "yoco", "payfast", "ozow"]
PROVES_NOTHING = ["paynow", "payfast", "ozow"]


@pytest.fixture
def lost(request: pytest.FixtureRequest, database: Database) -> Iterator[Lost]:
    with lost_at(database, getattr(request, "param", "ozow")) as lost:
        yield lost


@asynccontextmanager
async def app_beside(lost: Lost, database_url: str) -> AsyncIterator[FastAPI]:
    """The API, which finds the gateway where its simulator is; Temporal is down."""
    async with running(settings(database_url, **lost.settings)) as app:
        yield app


@pytest.fixture
async def door(lost: Lost, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with app_beside(lost, database_url) as app, caller(app) as client:
        yield client


async def deliver(door: httpx.AsyncClient, lost: Lost, update: Posted) -> None:
    """As the gateway does; what the API does after its answer is done when this returns."""
    headers = {name: value for name, value in update.headers.items() if name.lower() not in {"host", "content-length"}}
    assert (await Letter(lost.gateway, update.body, "", headers).post(door)).status_code == 200


def inbox(lost: Lost) -> list[WebhookRow]:
    with lost.database.system() as session:
        return list(session.scalars(select(WebhookRow).filter_by(tenant_id=lost.tenant.id, payment_id=None)))


@pytest.mark.parametrize("lost", GATEWAYS, indirect=True)
async def test_money_that_the_gateway_has_waits_for_a_person_with_its_amount(door: httpx.AsyncClient, lost: Lost) -> None:
    request, update = lost.paid()
    for _ in range(2):
        await deliver(door, lost, update)
    (question,) = lost.questions()
    assert (question.reason, question.payment_id, question.gateway) == ("UNMATCHED", None, lost.gateway)
    assert question.amount == request.amount
    assert question.gateway_reference is not None
    assert question.gateway_reference in question.explanation
    assert "unconfirmed" not in question.explanation


async def test_a_genuine_form_cut_into_other_fields_is_kept_and_bothers_nobody(door: httpx.AsyncClient, lost: Lost) -> None:
    """Ozow's hash joins values without marks, and the payer's browser carries the form: R12.50 paid, R712.50 claimed."""
    _, update = lost.paid(ending="7")
    fields = dict(parse_qsl(update.body.decode(), keep_blank_values=True))
    number, reference, amount = (fields[name] for name in ("TransactionId", "TransactionReference", "Amount"))
    digits = len(reference) - len(reference.rstrip("0123456789"))
    moved = digits or 0
    cut = number[-1] + reference[: len(reference) - moved]
    fields |= {
        "TransactionId": number[:-1],
        "TransactionReference": cut,
        "Amount": reference[len(reference) - moved :] + amount,
    }
    await deliver(door, lost, Posted(urlencode(fields).encode(), update.headers))
    (kept,) = inbox(lost)
    assert kept.verified, "its signature fits"
    assert lost.questions() == []


@pytest.mark.parametrize("lost", ["payfast"], indirect=True)
async def test_what_payfasts_server_does_not_confirm_bothers_nobody(door: httpx.AsyncClient, lost: Lost) -> None:
    assert isinstance(lost.bench, PayfastBench)
    await deliver(door, lost, lost.bench.forged(lost.bench.request()))
    assert [kept.verified for kept in inbox(lost)] == [True]
    assert lost.questions() == []


@pytest.mark.parametrize("lost", ["paynow"], indirect=True)
async def test_another_amount_than_the_gateway_has_is_no_money(door: httpx.AsyncClient, lost: Lost) -> None:
    lost.bench.arm(Door.UPDATE, Fault.OTHER_AMOUNT)
    _, update = lost.paid()
    await deliver(door, lost, update)
    assert len(inbox(lost)) == 1
    assert lost.questions() == []


@pytest.mark.parametrize("lost", PROVES_NOTHING, indirect=True)
async def test_while_the_gateway_gives_no_answer_a_person_is_asked_without_an_amount(
    door: httpx.AsyncClient, lost: Lost
) -> None:
    _, update = lost.paid()
    lost.bench.arm(Door.CONFIRM if lost.gateway == "payfast" else Door.TRACE, Fault.SERVER_ERROR)
    await deliver(door, lost, update)
    (question,) = lost.questions()
    assert question.amount is None
    assert "unconfirmed" in question.explanation


async def test_the_gateway_is_asked_after_its_update_was_answered(lost: Lost, database_url: str) -> None:
    _, update = lost.paid()
    asked_before_the_answer: list[bool] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": update.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            asked_before_the_answer.append(bool(lost.questions()))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/ozow",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "client": ("127.0.0.1", 1),
        "server": ("dunlin.test", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    async with app_beside(lost, database_url) as app:
        await app(scope, receive, send)
    assert asked_before_the_answer == [False]
    assert len(lost.questions()) == 1


async def test_an_update_that_found_its_payment_meanwhile_is_no_question_any_more(lost: Lost, database_url: str) -> None:
    """It came again while the gateway was being asked about it, and this time its payment was known."""
    request, update = lost.paid()
    payment = factories.start_payment(lost.database, lost.tenant, factories.issue_invoice(lost.database, lost.tenant))
    state = lost.bench.gateway.verify_update(lost.bench.account, update.inbound())
    with lost.database.system() as session:
        told: dict[str, Any] = {"gateway": "ozow", "event_key": request.reference, "body": update.body, "now": factories.NOW}
        stored = webhooks.store(session, **told, verified=True, tenant_id=lost.tenant.id, payment_id=None)
        assert stored
        webhooks.match(session, **told, tenant_id=lost.tenant.id, payment_id=payment.id)
        (signer,) = [
            one for one in tenants.accounts_of_gateway(session, factories.BOX, "ozow") if one.tenant_id == lost.tenant.id
        ]
    money = MoneyInQuestion("ozow", state.gateway_reference, Money(12_50, "ZAR"))
    unmatched = Unmatched(stored, signer, money, request.reference, request.reference, update.body, factories.NOW)
    async with app_beside(lost, database_url) as app:
        ask_whose(app.state.services, lost.bench.gateway, unmatched)
    assert lost.questions() == []
