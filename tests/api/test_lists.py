"""Lists: pages that join without a gap, limits that are refused with the field named, and filters."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from domain.customer import Tenant
from domain.letters import Letter
from persistence import messages, reviews
from persistence.database import Database
from persistence.messages import Claim
from tests import factories
from tests.api.serving import is_problem, refused_field, token_of
from tests.factories import usd
from tests.persistence.furnished import Furnished

LISTS = ["billing-runs", "invoices", "customers", "payments", "messages", "reviews"]
OLDEST_FIRST = {"invoices", "customers", "reviews"}


@pytest.fixture(scope="module")
def five(database: Database) -> dict[str, str]:
    """The headers of a business with five of each thing that is listed."""
    tenant = factories.make_tenant(database)
    for _ in range(5):
        invoice = factories.issue_invoice(database, tenant)
        payment = factories.start_payment(database, tenant, invoice)
        with database.tenant(tenant.id) as session:
            letter = Claim(Letter.PAYMENT_FAILED, "Payment", payment.id, "failed", payment.customer_id, payment_id=payment.id)
            messages.claim(session, letter, factories.NOW)
            reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up at the gateway.", factories.NOW)
    return token_of(database, tenant, "viewer")


async def fetch(client: httpx.AsyncClient, what: str, headers: Mapping[str, str], **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/api/{what}", headers=dict(headers), params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


@pytest.mark.parametrize("what", LISTS)
async def test_pages_join_without_a_gap_and_the_last_one_says_so(
    lonely: httpx.AsyncClient, five: dict[str, str], what: str
) -> None:
    whole = await fetch(lonely, what, five)
    assert whole["next"] is None
    ids = [item["id"] for item in whole["items"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=what not in OLDEST_FIRST)
    walked: list[str] = []
    page = await fetch(lonely, what, five, limit=2)
    while page["next"]:
        assert len(page["items"]) == 2
        assert page["next"] == page["items"][-1]["id"]
        walked += [item["id"] for item in page["items"]]
        page = await fetch(lonely, what, five, limit=2, after=page["next"])
    assert walked + [item["id"] for item in page["items"]] == ids


@pytest.mark.parametrize("what", LISTS)
async def test_a_page_that_ends_with_the_list_has_no_next(lonely: httpx.AsyncClient, five: dict[str, str], what: str) -> None:
    page = await fetch(lonely, what, five, limit=5)
    assert (len(page["items"]), page["next"]) == (5, None)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "2.5", ""])
@pytest.mark.parametrize("what", LISTS)
async def test_a_limit_out_of_range_is_refused_by_name(
    lonely: httpx.AsyncClient, five: dict[str, str], what: str, limit: str
) -> None:
    assert refused_field(await lonely.get(f"/api/{what}", headers=five, params={"limit": limit})) == "limit"


async def test_the_largest_page_is_200(lonely: httpx.AsyncClient, five: dict[str, str]) -> None:
    assert len((await fetch(lonely, "invoices", five, limit=200))["items"]) == 5


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("invoices", {"state": "LATE"}),
        ("payments", {"status": "settled"}),
        ("messages", {"status": "LOST"}),
        ("invoices", {"customer_id": "c" * 61}),
        ("payments", {"after": "p" * 61}),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(
    lonely: httpx.AsyncClient, five: dict[str, str], what: str, query: dict[str, str]
) -> None:
    assert refused_field(await lonely.get(f"/api/{what}", headers=five, params=query)) == next(iter(query))


@pytest.mark.parametrize(
    ("what", "query"),
    [("invoices", {"after": "inv_\x00"}), ("invoices", {"customer_id": "\x00"}), ("payments", {"after": "\x00"})],
)
async def test_text_that_no_database_can_hold_is_refused_and_not_an_error_of_ours(
    lonely: httpx.AsyncClient, five: dict[str, str], what: str, query: dict[str, str]
) -> None:
    is_problem(await lonely.get(f"/api/{what}", headers=five, params=query), 422)


async def test_invoices_are_filtered_by_state_customer_and_run(
    lonely: httpx.AsyncClient, ours: Furnished, our_token: dict[str, str]
) -> None:
    async def ids(**query: str) -> set[str]:
        return {item["id"] for item in (await fetch(lonely, "invoices", our_token, **query))["items"]}

    everything = await ids()
    assert {ours.paid.id, ours.unpaid.id} < everything
    assert await ids(state="PAID") == {ours.paid.id}
    assert await ids(state="OPEN") == everything - {ours.paid.id, ours.void.id, ours.lost.id}
    assert await ids(state="VOID") == {ours.void.id}
    assert await ids(state="WRITTEN_OFF") == {ours.lost.id}
    assert await ids(customer_id=ours.customer.id) == {ours.paid.id, ours.unpaid.id}
    runs = [run["id"] for run in (await fetch(lonely, "billing-runs", our_token))["items"]]
    by_run = [await ids(run_id=run) for run in runs]
    assert sorted(invoice for found in by_run for invoice in found) == sorted(everything)


async def test_payments_and_letters_are_filtered_by_status(
    lonely: httpx.AsyncClient, ours: Furnished, our_token: dict[str, str]
) -> None:
    settled = await fetch(lonely, "payments", our_token, status="SETTLED")
    assert [item["id"] for item in settled["items"]] == [ours.payment.id]
    assert {item["status"] for item in (await fetch(lonely, "payments", our_token, status="PENDING"))["items"]} == {"PENDING"}
    queued = (await fetch(lonely, "messages", our_token, status="QUEUED"))["items"]
    assert sorted(item["letter"] for item in queued) == ["overdue_notice", "payment_failed"]
    assert (await fetch(lonely, "messages", our_token, status="SENT"))["items"] == []


async def test_an_invoice_tells_its_lines_ladder_letters_and_payments(
    lonely: httpx.AsyncClient, ours: Furnished, our_token: dict[str, str]
) -> None:
    shown = (await lonely.get(f"/api/invoices/{ours.unpaid.id}", headers=our_token)).json()
    assert shown["number"] == ours.unpaid.number
    assert shown["total"] == {"minor": 5000, "currency": "USD", "text": "50.00"}
    assert sum(line["gross"]["minor"] for line in shown["lines"]) == 5000
    assert shown["net"]["minor"] + shown["tax"]["minor"] == 5000
    assert [payment["id"] for payment in shown["payments"]] == [ours.pending.id]
    assert [letter["letter"] for letter in shown["messages"]] == ["payment_failed", "overdue_notice"]
    taken = [step for step in shown["steps"] if step["outcome"]]
    assert [step["step"] for step in taken] == ["0-remind"]
    assert shown["workflow_url"].endswith(f"/workflows/invoice%2F{ours.unpaid.id}")
    assert shown["payment_page"].startswith("https://pay.dunlin.example/pay/")


async def test_a_run_tells_whom_it_parked_and_why(
    lonely: httpx.AsyncClient, ours: Furnished, our_token: dict[str, str]
) -> None:
    newest = (await fetch(lonely, "billing-runs", our_token, limit=1))["items"][0]
    shown = (await lonely.get(f"/api/billing-runs/{newest['id']}", headers=our_token)).json()
    assert shown["parked_customers"] == [{"customer_id": ours.customer.id, "reason": "The customer has no e-mail address."}]


async def test_a_customer_tells_what_is_due_and_what_is_credit(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    customer = factories.make_customer(database, tenant)
    invoice = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice, amount=usd("15")))
    shown = (await lonely.get(f"/api/customers/{customer.id}", headers=staff)).json()
    assert shown["amounts_due"] == [{"minor": 2500, "currency": "USD", "text": "25.00"}]
    overpaid = factories.start_payment(database, tenant, invoice, amount=usd("30"))
    factories.settle_payment(database, tenant, overpaid)
    shown = (await lonely.get(f"/api/customers/{customer.id}", headers=staff)).json()
    assert shown["credits"] == [{"minor": 500, "currency": "USD", "text": "5.00"}]
    assert [due["minor"] for due in shown["amounts_due"] if due["minor"]] == []
    assert shown["billing_status"] == "ACTIVE"


async def test_a_hold_by_staff_shows_as_suspended(
    lonely: httpx.AsyncClient, ours: Furnished, our_token: dict[str, str]
) -> None:
    assert (await lonely.get(f"/api/customers/{ours.customer.id}", headers=our_token)).json()["billing_status"] == "SUSPENDED"
