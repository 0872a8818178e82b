"""No second charge while the outcome of the first cannot be told (design, rule 5)."""

import asyncio

import httpx

from persistence.database import Database
from tests import factories
from tests.api.paying import PATIENT, bill
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
