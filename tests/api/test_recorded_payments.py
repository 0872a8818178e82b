"""Bank transfers and cash that staff record: once a reference, settled by the same rules as what comes from a gateway."""

from typing import Any

import httpx
import pytest

from domain.calendar import local_day
from persistence import customers, invoices
from persistence.database import Database
from tests import factories
from tests.api.paying import Bill, bill
from tests.api.serving import is_problem, refused_field, token_of
from tests.api.waiting import eventually
from tests.workflows.engine import wall_clock

PAYMENTS = "/api/payments"


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


@pytest.fixture
def clerk(database: Database, open_bill: Bill) -> dict[str, str]:
    return token_of(database, open_bill.tenant)


def cash(on: Bill, **changes: Any) -> dict[str, Any]:
    return {
        "invoice_id": on.invoice.id,
        "method": "CASH",
        "amount": 2500,
        "currency": "USD",
        "reference": "receipt 17",
        **changes,
    }


async def settled(client: httpx.AsyncClient, clerk: dict[str, str], payment_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = (await client.get(f"{PAYMENTS}/{payment_id}", headers=clerk)).json()
        return shown if shown["status"] == "SETTLED" else None

    return await eventually(look, f"payment {payment_id} settled")


async def test_cash_pays_the_invoice(api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]) -> None:
    recorded = await api.post(PAYMENTS, headers=clerk, json=cash(open_bill))
    assert recorded.status_code == 202
    payment = await settled(api, clerk, recorded.json()["id"])
    assert (payment["method_name"], payment["allocated"]["minor"], payment["credited"]["minor"]) == ("Cash", 2500, 0)
    assert (await open_bill.status(api))["state"] == "PAID"


async def test_what_is_over_becomes_credit(api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]) -> None:
    recorded = await api.post(PAYMENTS, headers=clerk, json=cash(open_bill, amount=3000, method="BANK_TRANSFER"))
    payment = await settled(api, clerk, recorded.json()["id"])
    assert (payment["allocated"]["minor"], payment["credited"]["minor"]) == (2500, 500)


async def test_the_same_reference_is_taken_once(api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]) -> None:
    first, second = [(await api.post(PAYMENTS, headers=clerk, json=cash(open_bill))).json()["id"] for _ in range(2)]
    assert first == second
    assert len((await api.get(PAYMENTS, headers=clerk)).json()["items"]) == 1


async def test_the_same_reference_over_another_amount_is_a_conflict(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    first = (await api.post(PAYMENTS, headers=clerk, json=cash(open_bill))).json()["id"]
    refused = is_problem(await api.post(PAYMENTS, headers=clerk, json=cash(open_bill, amount=2400)), 409)
    assert first in refused["detail"]


async def test_while_temporal_is_down_it_is_recorded_and_asking_again_settles_it(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill)), 503)
    (kept,) = (await api.get(PAYMENTS, headers=clerk)).json()["items"]
    assert kept["status"] == "PENDING"
    again = (await api.post(PAYMENTS, headers=clerk, json=cash(open_bill))).json()
    assert again["id"] == kept["id"]
    await settled(api, clerk, kept["id"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 25.5}, "amount"),
        ({"amount": 10**16}, "amount"),
        ({"currency": "ZAR"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "US"}, "currency"),
        ({"reference": ""}, "reference"),
        ({"reference": "r" * 101}, "reference"),
        ({"settled_at": "2026-11-21"}, "settled_at"),
        ({"received_on": "2999-01-01"}, "received_on"),
        ({"received_on": "yesterday"}, "received_on"),
        ({"note": ""}, "note"),
        ({"note": "\n"}, "note"),
        ({"received_on": 0}, "received_on"),
        ({"note": "n" * 501}, "note"),
        ({"invoice_id": None}, "invoice_id"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], change: dict[str, Any], field: str
) -> None:
    assert refused_field(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill, **change))) == field
    assert (await lonely.get(PAYMENTS, headers=clerk)).json()["items"] == []


@pytest.mark.parametrize("method", ["CREDIT", "PAYNOW_ECOCASH", "CHEQUE"])
async def test_only_transfers_and_cash_are_recorded_by_hand(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], method: str
) -> None:
    assert refused_field(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill, method=method))) == "method"


async def test_a_reference_with_a_nul_is_refused_and_not_an_error_of_ours(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill, reference="receipt\x00")), 422)


async def test_the_day_and_a_note_are_kept_and_the_day_is_today_unless_told(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    told = {"received_on": "2026-01-31", "note": "Paid at the till by Nyaradzo's brother"}
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill, **told)), 503)
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=cash(open_bill, reference="receipt 18")), 503)
    later, earlier = (await lonely.get(PAYMENTS, headers=clerk)).json()["items"]
    assert {name: earlier[name] for name in told} == told
    assert (later["received_on"], later["note"]) == (str(local_day(wall_clock(), open_bill.tenant.time_zone)), None)


async def test_money_for_no_invoice_pays_the_oldest_debt_first(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    with database.tenant(open_bill.tenant.id) as session:
        customer = customers.get(session, open_bill.invoice.customer_id)
    older = factories.issue_invoice(database, open_bill.tenant, customer, amount=factories.usd("10"), due_in_days=1)
    body = cash(open_bill, invoice_id=None, customer_id=customer.id, amount=1500)
    recorded = await api.post(PAYMENTS, headers=clerk, json=body)
    payment = await settled(api, clerk, recorded.json()["id"])
    assert (payment["invoice_id"], payment["allocated"]["minor"]) == (None, 1500)
    with database.tenant(open_bill.tenant.id) as session:
        due = [invoices.get(session, one.id).invoice.amount_due for one in (older, open_bill.invoice)]
    assert due == [factories.usd("0"), factories.usd("20")]


async def test_an_invoice_and_its_customer_may_both_be_named_but_not_another_customer(
    lonely: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    other = factories.make_customer(database, open_bill.tenant)
    own = cash(open_bill, customer_id=open_bill.invoice.customer_id)
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=own), 503)
    strange = cash(open_bill, customer_id=other.id, reference="receipt 18")
    assert refused_field(await lonely.post(PAYMENTS, headers=clerk, json=strange)) == "invoice_id"
    nobody = cash(open_bill, invoice_id=None, customer_id="cus_of_nobody", reference="receipt 19")
    is_problem(await lonely.post(PAYMENTS, headers=clerk, json=nobody), 404)
