"""Account credit: staff apply it to an invoice, never more than there is; and the policy that says what a surplus becomes."""

from typing import Any

import httpx
import pytest

from domain.invoice import Invoice
from domain.money import Money
from domain.payment import PaymentMethod
from persistence import audit, customers, tenants
from persistence.database import Database
from tests import factories
from tests.api.paying import Bill, bill
from tests.api.serving import is_problem, refused_field, token_of
from tests.api.test_recorded_payments import settled
from tests.factories import usd

POLICY = "/api/allocation-policy"


@pytest.fixture
def paid_bill(database: Database) -> Bill:
    """A customer who paid 35.00 for 25.00, and so has a credit of 10.00."""
    made = bill(database)
    payment = factories.start_payment(database, made.tenant, made.invoice, amount=usd("35"), method=PaymentMethod.CASH)
    factories.settle_payment(database, made.tenant, payment)
    return made


@pytest.fixture
def clerk(database: Database, paid_bill: Bill) -> dict[str, str]:
    return token_of(database, paid_bill.tenant)


def next_invoice(on: Bill, amount: Money | None = None) -> Invoice:
    with on.database.tenant(on.tenant.id) as session:
        customer = customers.get(session, on.invoice.customer_id)
    return factories.issue_invoice(on.database, on.tenant, customer, amount=amount or usd("25"))


def door(on: Bill) -> str:
    return f"/api/customers/{on.invoice.customer_id}/apply-credit"


def body(invoice: Invoice, **more: Any) -> dict[str, Any]:
    return {"invoice_id": invoice.id, **more}


async def test_credit_pays_as_much_as_there_is_and_the_customer_shows_what_is_left(
    api: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    customer = f"/api/customers/{paid_bill.invoice.customer_id}"
    assert (await api.get(customer, headers=clerk)).json()["credits"] == [{"minor": 1000, "currency": "USD", "text": "10.00"}]
    applied = await api.post(door(paid_bill), headers=clerk, json=body(next_invoice(paid_bill)))
    assert applied.status_code == 202
    payment = await settled(api, clerk, applied.json()["id"])
    assert (payment["method_name"], payment["allocated"]["minor"]) == ("Account Credit", 1000)
    shown = (await api.get(customer, headers=clerk)).json()
    assert [amount["minor"] for amount in (*shown["amounts_due"], *shown["credits"])] == [1500, 0]


async def test_it_pays_no_more_than_is_due(api: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str]) -> None:
    applied = await api.post(door(paid_bill), headers=clerk, json=body(next_invoice(paid_bill, usd("4"))))
    payment = await settled(api, clerk, applied.json()["id"])
    assert (payment["amount"]["minor"], payment["credited"]["minor"]) == (400, 0)


@pytest.mark.parametrize(
    ("amount", "due", "told"),
    [(1001, "25", "credit is USD 10.00"), (401, "4", "Only USD 4.00 is due")],
)
async def test_more_than_is_possible_is_refused_with_what_is(
    lonely: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str], amount: int, due: str, told: str
) -> None:
    asked = body(next_invoice(paid_bill, usd(due)), amount=amount)
    assert told in is_problem(await lonely.post(door(paid_bill), headers=clerk, json=asked), 409)["detail"]


async def test_what_is_promised_to_one_invoice_is_not_promised_to_another(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    """Temporal is down, so nothing is settled yet: all the same 8.00 and 3.00 are more than 10.00."""
    first, second = next_invoice(paid_bill), next_invoice(paid_bill)
    is_problem(await lonely.post(door(paid_bill), headers=clerk, json=body(first, amount=800)), 503)
    refused = is_problem(await lonely.post(door(paid_bill), headers=clerk, json=body(second, amount=300)), 409)
    assert "credit is USD 2.00" in refused["detail"]
    again = await api.post(door(paid_bill), headers=clerk, json=body(first, amount=800))
    await settled(api, clerk, again.json()["id"])
    assert len((await api.get("/api/payments", headers=clerk)).json()["items"]) == 2, "asking again settles the first"


async def test_a_customer_without_credit_and_an_invoice_that_is_paid_are_refused(
    lonely: httpx.AsyncClient, paid_bill: Bill, database: Database, clerk: dict[str, str]
) -> None:
    nothing_due = await lonely.post(door(paid_bill), headers=clerk, json=body(paid_bill.invoice))
    assert "Nothing is due" in is_problem(nothing_due, 409)["detail"]
    poor = factories.issue_invoice(database, paid_bill.tenant)
    answer = await lonely.post(f"/api/customers/{poor.customer_id}/apply-credit", headers=clerk, json=body(poor))
    assert "no credit in USD" in is_problem(answer, 409)["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"amount": 0}, "amount"), ({"amount": 2.5}, "amount"), ({"currency": "ZAR"}, "currency"), ({"method": "CASH"}, "method")],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    lonely: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str], change: dict[str, Any], field: str
) -> None:
    asked = body(next_invoice(paid_bill), **change)
    assert refused_field(await lonely.post(door(paid_bill), headers=clerk, json=asked)) == field


async def test_credit_is_not_used_for_anothers_invoice(
    lonely: httpx.AsyncClient, database: Database, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    anothers = factories.issue_invoice(database, paid_bill.tenant)
    answer = await lonely.post(door(paid_bill), headers=clerk, json=body(anothers))
    assert refused_field(answer) == "invoice_id"


async def test_the_policy_is_shown_changed_and_audited(
    lonely: httpx.AsyncClient, database: Database, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    assert (await lonely.get(POLICY, headers=clerk)).json() == {"surplus": "CREDIT", "applies_credit": True}
    chosen = {"surplus": "OLDEST_DUE", "applies_credit": False}
    assert (await lonely.put(POLICY, headers=clerk, json=chosen)).json() == chosen
    assert (await lonely.get(POLICY, headers=clerk)).json() == chosen
    with database.tenant(paid_bill.tenant.id) as session:
        assert tenants.allocation_policy(session).to_data() == chosen
        who, details = audit.last_of(session, "ALLOCATION_POLICY_CHANGED", paid_bill.tenant.id) or ("", {})
    assert (who, details["after"]) == ("Rudo (billing)", chosen)


async def test_one_business_changes_its_own_policy_only(
    lonely: httpx.AsyncClient, database: Database, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    other = factories.make_tenant(database)
    await lonely.put(POLICY, headers=clerk, json={"surplus": "OLDEST_DUE", "applies_credit": False})
    theirs = await lonely.get(POLICY, headers=token_of(database, other))
    assert theirs.json() == {"surplus": "CREDIT", "applies_credit": True}


@pytest.mark.parametrize(
    ("change", "field"), [({"surplus": "REFUND"}, "surplus"), ({"applies_credit": "maybe"}, "applies_credit"), ({"x": 1}, "x")]
)
async def test_what_is_no_choice_is_refused_by_name(
    lonely: httpx.AsyncClient, clerk: dict[str, str], change: dict[str, Any], field: str
) -> None:
    chosen = {"surplus": "CREDIT", "applies_credit": True, **change}
    assert refused_field(await lonely.put(POLICY, headers=clerk, json=chosen)) == field


async def test_a_surplus_pays_the_oldest_debt_where_the_policy_says_so(
    api: httpx.AsyncClient, paid_bill: Bill, clerk: dict[str, str]
) -> None:
    await api.put(POLICY, headers=clerk, json={"surplus": "OLDEST_DUE", "applies_credit": True})
    first, _ = next_invoice(paid_bill), next_invoice(paid_bill, usd("40"))
    money = {"invoice_id": first.id, "method": "CASH", "amount": 3000, "currency": "USD", "reference": "receipt 20"}
    payment = await settled(api, clerk, (await api.post("/api/payments", headers=clerk, json=money)).json()["id"])
    assert (payment["allocated"]["minor"], payment["credited"]["minor"]) == (3000, 0)
