"""A request that is sent again with its key goes on with what the first one made, whatever became of its answer."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from domain.payment import PaymentMethod, PaymentStatus
from persistence import customers, payments
from persistence.database import Database
from persistence.idempotency import ABANDONED_AFTER
from tests import factories
from tests.api.paying import PATIENT, Bill, begun, bill, decide, deliver, update
from tests.api.serving import is_problem, token_of
from tests.api.test_recorded_payments import settled
from tests.factories import usd
from tests.workflows.engine import Engine
from workflows import names

KEY = "sent again"


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


@pytest.fixture
def rich_bill(database: Database) -> Bill:
    """An open invoice over 25.00 of a customer who has a credit of 10.00."""
    paid = bill(database)
    over = factories.start_payment(database, paid.tenant, paid.invoice, amount=usd("35"), method=PaymentMethod.CASH)
    factories.settle_payment(database, paid.tenant, over)
    with database.tenant(paid.tenant.id) as session:
        customer = customers.get(session, paid.invoice.customer_id)
    return bill(database, tenant=paid.tenant, customer=customer)


def keyed(database: Database, on: Bill, key: str = KEY) -> dict[str, str]:
    return {**token_of(database, on.tenant), "Idempotency-Key": key}


def died_before_it_answered(database: Database, thing_id: str) -> None:
    """Make it so that the process died after it made this thing, and before it stored the answer; a while ago."""
    with database.system() as system:
        died = text(
            "UPDATE idempotency_keys SET status = NULL, body = jsonb_build_object('thing_id', CAST(:id AS text)),"
            " created_at = created_at - :while - interval '1 second'"
            " WHERE :id IN (body ->> 'id', body ->> 'payment_id') RETURNING key"
        )
        system.execute(died, {"id": thing_id, "while": ABANDONED_AFTER}).one()


async def apply(client: httpx.AsyncClient, on: Bill, headers: dict[str, str], amount: int = 300) -> httpx.Response:
    door = f"/api/customers/{on.invoice.customer_id}/apply-credit"
    return await client.post(door, headers=headers, json={"invoice_id": on.invoice.id, "amount": amount})


async def record(client: httpx.AsyncClient, on: Bill, headers: dict[str, str]) -> httpx.Response:
    money = {"invoice_id": on.invoice.id, "method": "CASH", "amount": 900, "currency": "USD", "reference": "receipt 7"}
    return await client.post("/api/payments", headers=headers, json=money)


async def begun_on(client: httpx.AsyncClient, on: Bill, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The payments of the bill's invoice, as staff see them."""
    found = (await client.get("/api/payments", headers=headers)).json()["items"]
    return [payment for payment in found if payment["invoice_id"] == on.invoice.id]


async def settle(engine: Engine, on: Bill, payment: dict[str, Any]) -> None:
    """As the sweeper does with what was left."""
    await engine.workflows.settle_recorded(on.tenant.id, payment["id"], invoice_id=on.invoice.id, currency="USD")


# What staff record and apply.


async def test_credit_that_was_applied_is_not_applied_again_by_the_same_key(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, database: Database, rich_bill: Bill
) -> None:
    """Its caller heard nothing but an error; meanwhile the sweeper has settled it."""
    headers = keyed(database, rich_bill)
    is_problem(await apply(lonely, rich_bill, headers), 503)
    (stored,) = await begun_on(api, rich_bill, headers)
    await settle(engine, rich_bill, stored)
    await settled(api, headers, stored["id"])

    again = await apply(api, rich_bill, headers)

    assert (again.status_code, again.json()["id"], again.json()["status"]) == (202, stored["id"], "SETTLED")
    assert len(await begun_on(api, rich_bill, headers)) == 1
    customer = (await api.get(f"/api/customers/{rich_bill.invoice.customer_id}", headers=headers)).json()
    assert [credit["minor"] for credit in customer["credits"]] == [700]
    replayed = await apply(api, rich_bill, headers)
    assert (replayed.headers["idempotent-replayed"], replayed.json()) == ("true", again.json())


async def test_a_key_keeps_the_equal_payment_that_its_request_found_waiting(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, database: Database, rich_bill: Bill
) -> None:
    one, other = keyed(database, rich_bill, "one"), keyed(database, rich_bill, "other")
    for headers in (one, other):
        is_problem(await apply(lonely, rich_bill, headers), 503)
    (stored,) = await begun_on(api, rich_bill, one)
    await settle(engine, rich_bill, stored)
    await settled(api, one, stored["id"])
    assert (await apply(api, rich_bill, other)).json()["id"] == stored["id"]
    assert len(await begun_on(api, rich_bill, one)) == 1


async def test_what_a_process_stored_before_it_died_is_gone_on_with(
    api: httpx.AsyncClient, database: Database, rich_bill: Bill
) -> None:
    headers = keyed(database, rich_bill)
    first = await apply(api, rich_bill, headers)
    await settled(api, headers, first.json()["id"])
    died_before_it_answered(database, first.json()["id"])
    assert (await apply(api, rich_bill, headers)).json()["id"] == first.json()["id"]
    assert len(await begun_on(api, rich_bill, headers)) == 1


async def test_a_refused_request_leaves_its_key_free_for_one_that_is_possible(
    api: httpx.AsyncClient, database: Database, rich_bill: Bill
) -> None:
    headers = keyed(database, rich_bill)
    assert "credit is USD 10.00" in is_problem(await apply(api, rich_bill, headers, amount=1100), 409)["detail"]
    assert (await apply(api, rich_bill, headers, amount=1000)).status_code == 202


async def test_money_that_was_recorded_and_reversed_is_not_recorded_again_by_the_same_key(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, database: Database, open_bill: Bill
) -> None:
    """Its reference is free again, for a new request with a key of its own."""
    headers = keyed(database, open_bill)
    is_problem(await record(lonely, open_bill, headers), 503)
    (stored,) = await begun_on(api, open_bill, headers)
    await settle(engine, open_bill, stored)
    await settled(api, headers, stored["id"])
    wrong = {"reason": "Typed twice."}
    reversal = await api.post(f"/api/payments/{stored['id']}/reverse", headers=token_of(database, open_bill.tenant), json=wrong)
    assert reversal.status_code == 200
    again = await record(api, open_bill, headers)
    assert (again.json()["id"], again.json()["status"]) == (stored["id"], "REVERSED")
    assert (await record(api, open_bill, keyed(database, open_bill, "new"))).json()["id"] != stored["id"]


async def test_a_link_whose_answer_was_lost_is_shown_and_no_second_one_is_made(
    api: httpx.AsyncClient, database: Database, open_bill: Bill
) -> None:
    headers, asked = keyed(database, open_bill), {"type": "INVOICE", "invoice_id": open_bill.invoice.id}
    first = (await api.post("/api/payment-links", headers=headers, json=asked)).json()
    died_before_it_answered(database, first["id"])
    again = await api.post("/api/payment-links", headers=headers, json=asked)
    assert (again.status_code, again.json()) == (201, first)


# The payer's checkout.


async def left_by(lonely: httpx.AsyncClient, on: Bill) -> str:
    """The payment of a payer who pressed "pay" while Temporal was away."""
    before = {payment["id"] for payment in (await on.status(lonely))["payments"]}
    is_problem(await on.check_out(lonely, PATIENT, key=KEY), 503)
    (left,) = [payment["id"] for payment in (await on.status(lonely))["payments"] if payment["id"] not in before]
    return str(left)


async def test_a_checkout_that_reached_its_gateway_is_shown_again_and_not_opened_again(
    api: httpx.AsyncClient, engine: Engine, database: Database, open_bill: Bill
) -> None:
    first = await open_bill.check_out(api, PATIENT, key=KEY)
    died_before_it_answered(database, first.json()["payment_id"])
    again = await open_bill.check_out(api, PATIENT, key=KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len((await open_bill.status(api))["payments"]) == 1


async def test_a_checkout_that_was_paid_meanwhile_is_shown_as_paid(
    api: httpx.AsyncClient, engine: Engine, database: Database, open_bill: Bill
) -> None:
    payment_id = (await open_bill.check_out(api, PATIENT, key=KEY)).json()["payment_id"]
    died_before_it_answered(database, payment_id)
    reference = open_bill.attempt(payment_id).id
    decide(engine, reference, "Paid")
    await deliver(api, (await update(engine, reference, "Paid")).body)
    await open_bill.becomes(api, payment_id, "SETTLED")
    again = (await open_bill.check_out(api, PATIENT, key=KEY)).json()
    assert (again["payment_id"], again["status"]) == (payment_id, "SETTLED")


async def test_a_checkout_whose_saga_has_ended_undecided_is_shown_as_it_stands(
    api: httpx.AsyncClient, engine: Engine, database: Database, open_bill: Bill
) -> None:
    payment_id = (await open_bill.check_out(api, PATIENT, key=KEY)).json()["payment_id"]
    died_before_it_answered(database, payment_id)
    await engine.client.get_workflow_handle(names.payment_workflow_id(payment_id)).terminate("lost")
    again = await open_bill.check_out(api, PATIENT, key=KEY)
    assert (again.status_code, again.json()["payment_id"], again.json()["status"]) == (201, payment_id, "PENDING")


async def test_a_checkout_that_never_began_is_not_begun_after_the_invoice_was_paid(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    await left_by(lonely, open_bill)
    cash = factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice, method=PaymentMethod.CASH)
    factories.settle_payment(open_bill.database, open_bill.tenant, cash)
    assert "nothing to pay" in is_problem(await open_bill.check_out(api, PATIENT, key=KEY), 409)["detail"]


async def test_a_checkout_that_never_began_is_not_begun_over_an_amount_that_is_not_due_any_more(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    left = await left_by(lonely, open_bill)
    part = factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice, amount=usd("10"))
    factories.settle_payment(open_bill.database, open_bill.tenant, part)
    refused = is_problem(await open_bill.check_out(api, PATIENT, key=KEY), 409)["detail"]
    assert refused.startswith("This payment was begun over USD 25.00, and USD 15.00 is asked for now")
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        assert payments.get(session, left).status is PaymentStatus.PENDING


async def test_a_checkout_that_never_began_waits_for_the_outcome_of_another(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    """Another way was begun since, and its gateway does not tell."""
    await left_by(lonely, open_bill)
    begun(open_bill)
    assert "still being confirmed" in is_problem(await open_bill.check_out(api, PATIENT, key=KEY), 409)["detail"]
