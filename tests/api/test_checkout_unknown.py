"""No second charge while the outcome of the first cannot be told (design, rule 5)."""

import asyncio

import httpx
import pytest

from domain.payment import Outcome
from domain.payment_link import LinkType
from persistence.database import Database
from tests import factories
from tests.api.paying import PATIENT, begun, bill, hand_out
from tests.api.serving import is_problem
from tests.workflows.engine import Engine


async def test_two_tabs_that_pay_at_the_same_moment_start_one_payment(
    api: httpx.AsyncClient, engine: Engine, database: Database
) -> None:
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

    assert is_problem(refused, 409)["detail"].endswith("please wait a few minutes before you pay again.")
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
        "A payment of USD 25.00 by EcoCash is still being confirmed: please wait a few minutes before you pay again."
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
