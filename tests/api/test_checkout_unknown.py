"""No second charge while the outcome of the first cannot be told (design, rule 5)."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.pay.checkout import CLEARS_UP_WITHIN
from domain.payment import Outcome, PaymentStatus
from domain.payment_link import LinkType
from persistence.database import Database
from tests import factories
from tests.api.paying import PATIENT, PAYS, Bill, begun, bill, decide, hand_out
from tests.api.serving import caller, is_problem, token_of
from tests.api.waiting import eventually
from tests.workflows.engine import Engine, wall_clock


@pytest.fixture
def silent_paynow(engine: Engine) -> Iterator[None]:
    """Paynow takes payments, and answers 500 whenever it is asked how one stands."""
    engine.paynow.post("/faults", json={"operation": "poll", "kind": "http_500", "times": 1000}).raise_for_status()
    yield
    engine.paynow.delete("/faults").raise_for_status()


@pytest.fixture
async def later(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the API a quarter of an hour from now."""
    services = app.state.services
    app.state.services = dataclasses.replace(services, clock=lambda: wall_clock() + CLEARS_UP_WITHIN)
    async with caller(app) as client:
        yield client
    app.state.services = services


async def questions(client: httpx.AsyncClient, on: Bill) -> list[dict[str, Any]]:
    """What staff are asked to look up."""
    found: list[dict[str, Any]] = (await client.get("/api/reviews", headers=token_of(on.database, on.tenant))).json()["items"]
    return found


async def test_two_tabs_that_pay_at_the_same_moment_start_one_payment(
    api: httpx.AsyncClient, engine: Engine, database: Database, silent_paynow: None
) -> None:
    """Paynow is silent, so that no tab is too late: it cannot hear that the payment of another waits for its payer."""
    open_bill = bill(database)
    answers = await asyncio.gather(*(open_bill.check_out(api, PATIENT) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len((await open_bill.status(api))["payments"]) == 1


async def test_while_the_outcome_of_an_attempt_is_unknown_no_second_one_is_made(
    api: httpx.AsyncClient, engine: Engine, database: Database
) -> None:
    open_bill = bill(database)
    payment = factories.start_payment(database, open_bill.tenant, open_bill.invoice)
    factories.make_attempt(database, open_bill.tenant, payment)

    refused = await open_bill.check_out(api, PATIENT)

    assert is_problem(refused, 409)["detail"].endswith("before you pay again. Nothing is charged twice.")
    assert len((await open_bill.status(api))["payments"]) == 1


@pytest.mark.parametrize("link_type", [LinkType.OUTSTANDING, LinkType.CUSTOM])
async def test_an_unknown_attempt_by_one_link_stops_every_other_that_asks_for_the_same_debt(
    api: httpx.AsyncClient, engine: Engine, database: Database, link_type: LinkType
) -> None:
    open_bill = bill(database)
    amount = factories.usd("10") if link_type is LinkType.CUSTOM else None
    balance = hand_out(database, open_bill.tenant, open_bill.invoice.customer_id, link_type, amount=amount)
    payment = factories.start_payment(database, open_bill.tenant, open_bill.invoice)
    factories.make_attempt(database, open_bill.tenant, payment)

    refused = await balance.check_out(api, PATIENT)

    assert is_problem(refused, 409)["detail"] == (
        "A payment of USD 25.00 by EcoCash is still being confirmed: please wait a few minutes before you pay again. "
        "Nothing is charged twice."
    )
    assert (await balance.status(api))["payments"] == []


async def test_an_unknown_attempt_by_a_balance_stops_the_invoice_that_it_may_pay(
    api: httpx.AsyncClient, engine: Engine, database: Database
) -> None:
    open_bill = bill(database)
    balance = hand_out(database, open_bill.tenant, open_bill.invoice.customer_id, LinkType.OUTSTANDING)
    begun(balance, outcome=Outcome.UNKNOWN)
    assert "still being confirmed" in is_problem(await open_bill.check_out(api, PATIENT), 409)["detail"]


async def test_an_unknown_deposit_stops_no_invoice(api: httpx.AsyncClient, engine: Engine, database: Database) -> None:
    """It is kept as credit whatever becomes of it: nothing would be paid twice."""
    open_bill = bill(database)
    customer_id = open_bill.invoice.customer_id
    deposit = hand_out(database, open_bill.tenant, customer_id, LinkType.DEPOSIT, amount=factories.usd("100"))
    begun(deposit, outcome=Outcome.UNKNOWN)
    assert (await open_bill.check_out(api, PATIENT)).status_code == 201
    assert "still being confirmed" in is_problem(await deposit.check_out(api, PATIENT), 409)["detail"]


# What the gateway said earlier does not count: the payer may have paid since.


async def test_while_the_gateway_cannot_be_asked_about_an_attempt_no_second_one_is_made(
    api: httpx.AsyncClient, engine: Engine, database: Database, silent_paynow: None
) -> None:
    """The payer has paid, and Paynow cannot tell."""
    open_bill = bill(database)
    first = await open_bill.opened(api, PATIENT)
    decide(engine, open_bill.attempt(first).id, "Paid")
    refused = await open_bill.check_out(api, PAYS)
    assert "still being confirmed" in is_problem(refused, 409)["detail"]
    assert [payment["id"] for payment in (await open_bill.status(api))["payments"]] == [first]
    assert await questions(api, open_bill) == [], "it may clear up by itself in a moment"


async def test_an_attempt_that_nobody_watches_over_any_more_is_not_taken_to_be_waiting(
    api: httpx.AsyncClient, engine: Engine, database: Database
) -> None:
    open_bill = bill(database)
    left = begun(open_bill, outcome=Outcome.PENDING)
    assert "still being confirmed" in is_problem(await open_bill.check_out(api, PATIENT), 409)["detail"]
    assert [payment["id"] for payment in (await open_bill.status(api))["payments"]] == [left]


async def test_an_attempt_that_stays_unknown_for_long_is_put_before_staff_once_and_dismissed_lets_the_payer_pay(
    later: httpx.AsyncClient, engine: Engine, database: Database
) -> None:
    """A payer must not be locked out of all ways to pay for as long as one gateway is silent."""
    open_bill = bill(database)
    left = begun(open_bill, outcome=Outcome.PENDING)
    for _ in range(2):
        is_problem(await open_bill.check_out(later, PATIENT), 409)
    (question,) = await questions(later, open_bill)
    assert (question["reason"], question["payment_id"]) == ("OUTCOME_UNKNOWN", left)
    assert question["explanation"].startswith("The payer wants to pay again")

    body = {"reason": "Paynow's page shows no such payment."}
    door, headers = f"/api/reviews/{question['id']}/dismiss", token_of(database, open_bill.tenant)
    assert (await later.post(door, headers=headers, json=body)).status_code == 200

    async def has_failed() -> bool:
        return open_bill.payment(left).status is PaymentStatus.FAILED

    await eventually(has_failed, f"payment {left} failed")
    assert (await open_bill.check_out(later, PATIENT)).status_code == 201
