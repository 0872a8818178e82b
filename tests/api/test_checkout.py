"""Paying by a link, end to end: Temporal, the saga, Paynow's simulator and the database are real."""

import asyncio

import httpx
import pytest

from domain.payment import PaymentStatus
from persistence import attempts, payments
from persistence.database import Database
from sweeper import ORPHANED_AFTER, sweep_orphans
from tests import factories
from tests.api.paying import HAS_NOTHING, PATIENT, PAYS, REFUSES, Bill, bill, decide, deliver, update
from tests.api.serving import YEARS_AGO, is_problem
from tests.factories import usd
from tests.workflows.engine import Engine


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


async def test_ecocash_is_confirmed_on_the_phone_and_the_page_follows_it_to_paid(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    before = await open_bill.status(api)
    assert (before["state"], before["amount_due"]["text"], before["payments"]) == ("OPEN", "25.00", [])
    answer = await open_bill.check_out(api, PATIENT)
    assert answer.status_code == 201
    told = answer.json()
    assert told["status"] == "PENDING"
    assert "EcoCash PIN" in told["instructions"]
    assert told["redirect_url"] is told["decline_reason"] is None
    (waiting,) = (await open_bill.status(api))["payments"]
    assert (waiting["id"], waiting["status"], waiting["method_name"]) == (told["payment_id"], "PENDING", "EcoCash")
    reference = open_bill.attempt(told["payment_id"]).id
    decide(engine, reference, "Paid")
    assert (await deliver(api, (await update(engine, reference, "Paid")).body)).status_code == 200
    await open_bill.becomes(api, told["payment_id"], "SETTLED")
    after = await open_bill.status(api)
    assert (after["state"], after["amount_due"]["minor"], after["total"]["minor"]) == ("PAID", 0, 2500)


async def test_the_documented_number_that_pays_after_a_while_pays(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api, PAYS)
    paid = await update(engine, open_bill.attempt(payment_id).id, "Paid")
    await deliver(api, paid.body)
    await open_bill.becomes(api, payment_id, "SETTLED")


async def test_a_card_is_paid_on_the_gateways_own_page(api: httpx.AsyncClient, engine: Engine, open_bill: Bill) -> None:
    answer = await open_bill.check_out(api, None, method="PAYNOW_VISA")
    assert answer.status_code == 201
    assert answer.json()["redirect_url"].startswith(f"{engine.paynow_url}/Payment/ConfirmPayment/")
    transaction = engine.paynow.get(f"/transactions/{open_bill.attempt(answer.json()['payment_id']).id}").json()
    assert transaction["returnurl"] == f"https://pay.dunlin.example{open_bill.link}"


async def test_innbucks_tells_the_code_and_the_link_that_opens_the_app(api: httpx.AsyncClient, open_bill: Bill) -> None:
    told = (await open_bill.check_out(api, PATIENT, method="PAYNOW_INNBUCKS")).json()
    assert told["authorization_code"].isdigit()
    assert told["authorization_code"] in told["deep_link"]
    assert told["authorization_expires"]


async def test_an_empty_account_is_told_as_such_and_the_payer_may_try_again(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    answer = await open_bill.check_out(api, HAS_NOTHING)
    assert answer.status_code == 201
    assert answer.json()["decline_reason"] == "Insufficient balance"
    refused = await open_bill.becomes(api, answer.json()["payment_id"], "FAILED")
    assert refused["failure_reason"] == "Insufficient balance"
    assert (await open_bill.status(api))["state"] == "OPEN"
    again = await open_bill.opened(api, PAYS)
    await deliver(api, (await update(engine, open_bill.attempt(again).id, "Paid")).body)
    await open_bill.becomes(api, again, "SETTLED")


async def test_a_payer_who_declines_on_the_phone_finds_the_invoice_open(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api, REFUSES)
    await deliver(api, (await update(engine, open_bill.attempt(payment_id).id, "Failed")).body)
    failed = await open_bill.becomes(api, payment_id, "FAILED")
    assert "before any money moved" in failed["failure_reason"]
    assert (await open_bill.status(api))["amount_due"]["minor"] == 2500


async def test_the_same_key_twice_is_one_payment(api: httpx.AsyncClient, engine: Engine, open_bill: Bill) -> None:
    first, second = [await open_bill.check_out(api, PATIENT, key="pressed twice") for _ in range(2)]
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()
    assert len((await open_bill.status(api))["payments"]) == 1
    assert _asked_for(engine, open_bill) == 1


async def test_the_same_key_at_once_is_one_payment(api: httpx.AsyncClient, engine: Engine, open_bill: Bill) -> None:
    answers = await asyncio.gather(*(open_bill.check_out(api, PATIENT, key="pressed hard") for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["payment_id"] for answer in answers if answer.status_code == 201}) == 1
    assert len((await open_bill.status(api))["payments"]) == 1
    assert _asked_for(engine, open_bill) == 1


async def test_a_key_with_another_phone_is_refused(api: httpx.AsyncClient, open_bill: Bill) -> None:
    await open_bill.check_out(api, PATIENT, key="one")
    refused = await open_bill.check_out(api, PAYS, key="one")
    assert is_problem(refused, 422)["type"] == "urn:dunlin:problem:idempotency-key-reused"
    assert len((await open_bill.status(api))["payments"]) == 1


async def test_while_an_attempt_is_open_its_gateway_is_asked_first_and_money_that_came_is_found(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    """The update never came: without asking, the payer would pay a second time."""
    earlier = await open_bill.opened(api)
    decide(engine, open_bill.attempt(earlier).id, "Paid")
    refused = await open_bill.check_out(api, PAYS)
    assert "there is nothing to pay" in is_problem(refused, 409)["detail"]
    status = await open_bill.status(api)
    assert status["state"] == "PAID"
    assert [payment["id"] for payment in status["payments"]] == [earlier]


async def test_an_earlier_attempt_that_nobody_paid_does_not_stand_in_the_way(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    """Should both be paid in the end, what is over is the customer's credit."""
    first = await open_bill.opened(api)
    second = await open_bill.opened(api)
    for payment_id in (second, first):
        reference = open_bill.attempt(payment_id).id
        decide(engine, reference, "Paid")
        await deliver(api, (await update(engine, reference, "Paid")).body)
        await open_bill.becomes(api, payment_id, "SETTLED")
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        settled = [payments.get(session, payment_id) for payment_id in (second, first)]
    assert [(payment.allocated, payment.credited) for payment in settled] == [
        (usd("25"), usd("0")),
        (usd("0"), usd("25")),
    ]


async def test_while_temporal_is_down_nobody_is_charged_and_the_same_request_then_pays(
    once_upon_a_time: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    refused = await open_bill.check_out(once_upon_a_time, PAYS, key="patience")
    assert is_problem(refused, 503)["type"] == "urn:dunlin:problem:try-again-soon"
    assert int(refused.headers["retry-after"]) > 0
    assert _asked_for(engine, open_bill) == 0
    (left,) = (await open_bill.status(api))["payments"]
    answer = await open_bill.check_out(api, PAYS, key="patience")
    assert (answer.status_code, answer.json()["payment_id"]) == (201, left["id"])
    await deliver(api, (await update(engine, open_bill.attempt(left["id"]).id, "Paid")).body)
    await open_bill.becomes(api, left["id"], "SETTLED")
    assert _asked_for(engine, open_bill) == 1


async def test_a_payment_that_never_began_stands_in_nobodys_way_and_is_ended_by_the_sweeper(
    once_upon_a_time: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    is_problem(await open_bill.check_out(once_upon_a_time, PAYS, key="given up"), 503)
    (never_begun,) = (await open_bill.status(api))["payments"]
    paying = await open_bill.opened(api, PAYS)
    assert paying != never_begun["id"]
    await deliver(api, (await update(engine, open_bill.attempt(paying).id, "Paid")).body)
    await open_bill.becomes(api, paying, "SETTLED")
    assert _asked_for(engine, open_bill) == 1
    # At least this one: tests that ran before may have left others as old in the database that all share.
    assert await sweep_orphans(open_bill.database, engine.workflows, YEARS_AGO + 2 * ORPHANED_AFTER) >= 1
    ended = await open_bill.becomes(api, never_begun["id"], "FAILED")
    assert ended["failure_reason"] == "The payment could not be started."


async def test_the_amount_asked_for_is_what_is_due_and_not_the_total(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    part = factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice, amount=usd("10"))
    factories.settle_payment(open_bill.database, open_bill.tenant, part)
    payment_id = await open_bill.opened(api)
    attempt = open_bill.attempt(payment_id)
    assert attempt.amount == usd("15")
    assert engine.paynow.get(f"/transactions/{attempt.id}").json()["amount"] == "15.00"
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        assert payments.get(session, payment_id).status is PaymentStatus.PENDING


def _asked_for(engine: Engine, open_bill: Bill) -> int:
    """How many payments Paynow knows for this invoice."""
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        ours = {
            attempt.id
            for payment in payments.page(session, after=None, limit=50, invoice_id=open_bill.invoice.id)
            for attempt in attempts.of_payment(session, payment.id)
        }
    known = engine.paynow.get("/transactions").json()["transactions"]
    return len([transaction for transaction in known if transaction["reference"] in ours])
