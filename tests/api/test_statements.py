"""A customer's statement of account, for people and for spreadsheets, in the days of the business."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.customer import Customer, Tenant
from domain.payment import PaymentMethod
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field
from tests.factories import usd
from tests.reversals import reverse_payment

# 23:30 on the last day of October in Harare, and half an hour into November.
OCTOBER, NOVEMBER = datetime(2026, 10, 31, 21, 30, tzinfo=UTC), datetime(2026, 10, 31, 22, 30, tzinfo=UTC)


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    """One who was billed 40.00 in October, and in November paid 50.00, which the bank took back."""
    customer = factories.make_customer(database, tenant, name="=Acacia")
    invoice = factories.issue_invoice(database, tenant, customer, amount=usd("40"), issued_at=OCTOBER)
    payment = factories.start_payment(database, tenant, invoice, amount=usd("50"), method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, payment, NOVEMBER)
    reverse_payment(database, tenant, payment, datetime(2026, 11, 20, tzinfo=UTC))
    return customer


async def ask(
    client: httpx.AsyncClient, staff: dict[str, str], customer: Customer, accept: str = "*/*", **params: str
) -> httpx.Response:
    return await client.get(f"/api/customers/{customer.id}/statement", headers={**staff, "Accept": accept}, params=params)


def summary(statement: dict[str, Any]) -> tuple[int, list[tuple[str, str, int, int]], int]:
    lines = [(line["date"], line["kind"], line["debit"]["minor"], line["credit"]["minor"]) for line in statement["lines"]]
    return statement["opening"]["minor"], lines, statement["closing"]["minor"]


async def test_a_month_opens_with_what_was_owed_and_closes_with_what_is(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    november = (await ask(lonely, staff, customer, **{"from": "2026-11-01", "to": "2026-11-30"})).json()
    assert summary(november) == (
        4000,
        [("2026-11-01", "PAYMENT", 0, 5000), ("2026-11-20", "PAYMENT_REVERSED", 5000, 0)],
        4000,
    )
    assert (november["customer_id"], november["currency"]) == (customer.id, "USD")


async def test_the_days_are_those_of_the_business(lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer) -> None:
    october = (await ask(lonely, staff, customer, **{"from": "2026-10-01", "to": "2026-10-31"})).json()
    assert summary(october) == (0, [("2026-10-31", "INVOICE", 4000, 0)], 4000)


async def test_the_statement_says_what_the_customers_account_says(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    whole = (await ask(lonely, staff, customer, **{"from": "2026-01-01", "to": "2027-12-31"})).json()
    shown = (await lonely.get(f"/api/customers/{customer.id}", headers=staff)).json()
    assert whole["closing"] == shown["amounts_due"][0]


async def test_left_out_it_is_this_month_until_today_in_the_currency_of_the_business(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    this_month = (await ask(lonely, staff, customer)).json()
    assert this_month["first_day"] == this_month["last_day"][:8] + "01"
    assert this_month["currency"] == "USD"
    rand = (await ask(lonely, staff, customer, currency="ZAR")).json()
    assert (rand["lines"], rand["closing"]["minor"]) == ([], 0)


@pytest.mark.parametrize(("accept", "params"), [("text/csv", {}), ("*/*", {"format": "csv"})])
async def test_a_spreadsheet_gets_a_file(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer, accept: str, params: dict[str, str]
) -> None:
    answer = await ask(lonely, staff, customer, accept, **{"from": "2026-11-01", "to": "2026-11-30"}, **params)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="statement-{customer.id}-2026-11-01-2026-11-30.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [(row["date"], row["kind"], row["debit"], row["credit"], row["balance"]) for row in rows] == [
        ("2026-11-01", "OPENING", "", "", "40.00"),
        ("2026-11-01", "PAYMENT", "0.00", "50.00", "-10.00"),
        ("2026-11-20", "PAYMENT_REVERSED", "50.00", "0.00", "40.00"),
        ("2026-11-30", "CLOSING", "", "", "40.00"),
    ]


async def test_json_is_given_where_it_is_asked_for_whatever_the_browser_accepts(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    answer = await ask(lonely, staff, customer, "text/csv", format="json")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        ({"from": "soon"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": "US"}, "currency"),
        ({"format": "pdf"}, "format"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer, params: dict[str, str], field: str
) -> None:
    assert refused_field(await ask(lonely, staff, customer, **params)) == field


async def test_a_customer_who_is_not_there_has_no_statement(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    is_problem(await lonely.get("/api/customers/cus_of_nobody/statement", headers=staff), 404)
