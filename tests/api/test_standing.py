"""A customer's standing at the API: why it is so, holds by staff, closing, and blocking all chasing."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.standing import HoldReason
from persistence import customer_moves, holds, invoices, messages
from persistence.database import Database
from persistence.moves import MoveStatus
from sweeper import sweep_customer_moves
from tests import factories
from tests.api.serving import YEARS_AGO, is_problem, refused_field
from tests.factories import NOW
from tests.workflows.engine import Engine

MANUAL = {"reason": "MANUAL", "note": "The licence was not renewed."}
CAME_IN = {"reason": "The licence came in."}
TALKS = {"reason": "Talks about instalments."}


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    return factories.make_customer(database, tenant)


def door(customer: Customer, what: str) -> str:
    return f"/api/customers/{customer.id}/{what}"


async def standing(api: httpx.AsyncClient, staff: dict[str, str], customer: Customer) -> dict[str, object]:
    answer = await api.get(door(customer, "standing"), headers=staff)
    assert answer.status_code == 200
    shown: dict[str, object] = answer.json()
    return shown


def old_invoice(database: Database, tenant: Tenant, customer: Customer, *, suspends: bool = False) -> Invoice:
    """One that was due long before today, whatever day it is."""
    invoice = factories.issue_invoice(database, tenant, customer, issued_at=datetime(2020, 1, 1, 8, tzinfo=UTC))
    if suspends:
        with database.tenant(tenant.id) as session:
            invoices.mark_suspending(session, invoice.id, NOW)
            holds.place(session, customer.id, HoldReason.OVERDUE, NOW)
    return invoice


def letters(database: Database, tenant: Tenant, customer: Customer) -> list[str]:
    with database.tenant(tenant.id) as session:
        return [message.letter.value for message in messages.of_entity(session, "Customer", customer.id)]


async def test_a_customer_with_nothing_late_and_no_hold_is_active(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    assert await standing(lonely, staff, customer) == {
        "customer_id": customer.id,
        "billing_status": "ACTIVE",
        "why": "Nothing is past its due day, and nothing holds the customer.",
        "holds": [],
        "block": None,
        "suspending": [],
    }


async def test_a_late_customer_is_told_by_which_invoices(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    for _ in range(7):
        old_invoice(database, tenant, customer)
    shown = await standing(lonely, staff, customer)
    assert shown["billing_status"] == "PAST_DUE"
    numbers = ", ".join(f"CVT-{number:06}" for number in range(1, 6))
    assert shown["why"] == f"Invoices {numbers} and 2 more are past their due days."


async def test_a_suspended_customer_is_shown_with_the_hold_and_the_invoice_behind_it(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    invoice = old_invoice(database, tenant, customer, suspends=True)
    shown = await standing(lonely, staff, customer)
    why = "Suspended since November 1, 2026 for unpaid invoices (CVT-000001)."
    assert (shown["billing_status"], shown["why"]) == ("SUSPENDED", why)
    assert shown["suspending"] == [
        {
            "invoice_id": invoice.id,
            "number": "CVT-000001",
            "amount_due": {"minor": 2500, "currency": "USD", "text": "25.00"},
            "due_on": "2020-01-15",
            "since": "2026-11-01T08:00:00Z",
            "set_aside": None,
        }
    ]


async def test_a_hold_is_placed_listed_and_lifted_and_each_is_told_once(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    placed = await api.post(door(customer, "holds"), headers=staff, json=MANUAL)
    assert placed.status_code == 200
    assert placed.json()["billing_status"] == "SUSPENDED"
    (hold,) = placed.json()["holds"]
    assert (hold["reason"], hold["note"], hold["by"], hold["lifted_at"]) == (
        "MANUAL",
        MANUAL["note"],
        "Rudo (billing)",
        None,
    )
    assert (await api.get(f"/api/customers/{customer.id}", headers=staff)).json()["held_for"] == ["MANUAL"]

    lifted = await api.post(door(customer, f"holds/{hold['id']}/lift"), headers=staff, json=CAME_IN)
    assert (lifted.json()["billing_status"], lifted.json()["holds"]) == ("ACTIVE", [])
    listed = (await api.get(door(customer, "holds"), headers=staff)).json()
    assert [(item["id"], item["lifted_by"]) for item in listed["items"]] == [(hold["id"], "Rudo (billing)")]
    assert letters(database, tenant, customer) == ["suspension_notice", "reactivation_confirmation"]


async def test_the_same_key_places_one_hold_and_gets_the_first_answer(
    api: httpx.AsyncClient, staff: dict[str, str], customer: Customer
) -> None:
    keyed = {**staff, "Idempotency-Key": "hold-1"}
    first = await api.post(door(customer, "holds"), headers=keyed, json=MANUAL)
    again = await api.post(door(customer, "holds"), headers=keyed, json=MANUAL)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    is_problem(await api.post(door(customer, "holds"), headers=keyed, json={"reason": "BREACH"}), 422)
    refused = is_problem(await api.post(door(customer, "holds"), headers=staff, json=MANUAL), 409)
    assert "is held for MANUAL already" in refused["detail"]


async def test_a_closed_account_is_closed_without_a_letter(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    closed = await api.post(door(customer, "holds"), headers=staff, json={"reason": "CLOSED"})
    assert closed.json()["billing_status"] == "CLOSED"
    assert letters(database, tenant, customer) == []


async def test_a_blocked_customer_is_let_back_and_suspended_again_when_resumed(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    old_invoice(database, tenant, customer, suspends=True)
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()  # noqa: TID251 - the API's own clock
    blocked = (await api.post(door(customer, "chasing/block"), headers=staff, json={**TALKS, "until": until})).json()
    assert blocked["billing_status"] == "PAST_DUE"
    assert (blocked["block"]["until"], blocked["block"]["reason"]) == (until, TALKS["reason"])
    assert blocked["why"].startswith("Invoice CVT-000001 is past its due day. All chasing is blocked until ")
    assert blocked["why"].endswith(f": {TALKS['reason']}")
    assert [item["set_aside"] for item in blocked["suspending"]] == [f"chasing of the customer is blocked until {until}"]
    again = is_problem(await api.post(door(customer, "chasing/block"), headers=staff, json=TALKS), 409)
    assert f"blocked already, until {until}" in again["detail"]

    resumed = (await api.post(door(customer, "chasing/resume"), headers=staff, json={})).json()
    assert (resumed["billing_status"], resumed["block"]) == ("SUSPENDED", None)
    assert (
        "nothing to resume"
        in is_problem(await api.post(door(customer, "chasing/resume"), headers=staff, json={}), 409)["detail"]
    )


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("holds", {"reason": "OVERDUE"}, "reason"),
        ("holds", {"reason": "SPITE"}, "reason"),
        ("holds", {"reason": "manual"}, "reason"),
        ("holds", {"reason": "MANUAL", "note": "a\x00b"}, "note"),
        ("holds", {"reason": "MANUAL", "note": "n" * 501}, "note"),
        ("holds", {"reason": "MANUAL", "until": "2026-12-01"}, "until"),
        ("holds/hld_1/lift", {"reason": ""}, "reason"),
        ("chasing/block", {"reason": "ok"}, "reason"),
        ("holds/hld_1/lift", {"reason": "\u202e\u202e\u202e"}, "reason"),
        ("chasing/block", {"reason": "A promise.", "until": "2020-01-01"}, "until"),
        ("chasing/block", {"reason": "A promise.", "until": "9999-12-31"}, "until"),
        ("chasing/block", {"reason": "A promise.", "until": 0}, "until"),
        ("chasing/resume", {"reason": "r" * 501}, "reason"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_field_without_asking_temporal(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer, what: str, body: dict[str, object], field: str
) -> None:
    assert refused_field(await lonely.post(door(customer, what), headers=staff, json=body)) == field


@pytest.mark.parametrize("reason", ["manual", "OVERDUE"])
async def test_staff_are_not_offered_the_hold_that_is_the_systems_own(
    lonely: httpx.AsyncClient, staff: dict[str, str], customer: Customer, reason: str
) -> None:
    refused = await lonely.post(door(customer, "holds"), headers=staff, json={"reason": reason})
    assert (
        "reason: choose MANUAL, BREACH, CHARGEBACK, ON_REQUEST, CLOSED; a hold for OVERDUE follows"
        in is_problem(refused, 422)["detail"]
    )


async def test_a_hold_of_another_customer_looks_as_if_it_were_not_there(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], customer: Customer
) -> None:
    other = factories.make_customer(database, tenant)
    with database.tenant(tenant.id) as session:
        hold_id = holds.place(session, other.id, HoldReason.MANUAL, NOW)
    for held in (hold_id, "hld_of_nobody"):
        is_problem(await lonely.post(door(customer, f"holds/{held}/lift"), headers=staff, json=CAME_IN), 404)


async def test_what_was_asked_for_while_temporal_was_down_is_done_by_the_sweeper_or_by_asking_again(
    once_upon_a_time: httpx.AsyncClient,
    api: httpx.AsyncClient,
    engine: Engine,
    database: Database,
    tenant: Tenant,
    staff: dict[str, str],
    customer: Customer,
) -> None:
    keyed = {**staff, "Idempotency-Key": "hold-2"}
    later = await once_upon_a_time.post(door(customer, "holds"), headers=keyed, json=MANUAL)
    assert "is stored, and will be made by itself within a minute or two" in is_problem(later, 503)["detail"]
    with database.system() as system:
        ((tenant_id, asked),) = customer_moves.forgotten(system, YEARS_AGO + timedelta(hours=1), 9)
    assert (tenant_id, asked.customer_id, asked.reason) == (tenant.id, customer.id, MANUAL["note"])
    assert await sweep_customer_moves(database, engine.workflows, YEARS_AGO + timedelta(seconds=30)) == 0
    assert await sweep_customer_moves(database, engine.workflows, YEARS_AGO + timedelta(minutes=2)) == 1
    with database.tenant(tenant.id) as session:
        assert customer_moves.get(session, asked.id).status is MoveStatus.DONE
    assert await sweep_customer_moves(database, engine.workflows, YEARS_AGO + timedelta(minutes=2)) == 0
    told = await api.post(door(customer, "holds"), headers=keyed, json=MANUAL)
    assert [hold["reason"] for hold in told.json()["holds"]] == ["MANUAL"]
    assert letters(database, tenant, customer) == ["suspension_notice"]
