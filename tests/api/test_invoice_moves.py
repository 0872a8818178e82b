"""Staff moves on invoices through the API: each is made at once, audited, and answered with the invoice as it stands then."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from domain.calendar import local_day
from domain.payment import PaymentMethod
from persistence import audit, checks, customers, moves
from persistence.database import Database
from tests import factories
from tests.api.paying import Bill, bill
from tests.api.serving import is_problem, token_of
from tests.factories import usd
from tests.workflows.engine import wall_clock

REASON = "The customer rang about it."
WHY = {"reason": REASON}


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database, issued_at=wall_clock())


@pytest.fixture
def clerk(database: Database, open_bill: Bill) -> dict[str, str]:
    return token_of(database, open_bill.tenant)


def door(on: Bill, move: str = "") -> str:
    return f"/api/invoices/{on.invoice.id}/{move}".rstrip("/")


def in_days(on: Bill, days: int) -> str:
    """A local day, counted from today as the lifecycle's clock has it."""
    return str(local_day(wall_clock(), on.tenant.time_zone) + timedelta(days=days))


async def moved(client: httpx.AsyncClient, on: Bill, clerk: dict[str, str], move: str, **body: Any) -> dict[str, Any]:
    """The invoice as the move's answer shows it, which is as it is shown afterwards; the books are in order."""
    answer = await client.post(door(on, move), headers=clerk, json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    # Letters may be on their way meanwhile.
    assert {**(await client.get(door(on), headers=clerk)).json(), "messages": None} == {**shown, "messages": None}
    with on.database.tenant(on.tenant.id) as session:
        assert checks.run(session) == []
    return shown


def audited(on: Bill, action: str) -> tuple[str, dict[str, Any]]:
    with on.database.tenant(on.tenant.id) as session:
        found = audit.last_of(session, action, on.invoice.id)
    assert found is not None
    return found


def asked_for(on: Bill) -> list[tuple[str, str]]:
    with on.database.tenant(on.tenant.id) as session:
        return [(found.move.kind.value, found.status.value) for found in moves.of_invoice(session, on.invoice.id, limit=99)]


async def test_a_void_invoice_shows_its_credit_note_and_what_was_paid_is_credit(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    part = factories.start_payment(
        open_bill.database, open_bill.tenant, open_bill.invoice, amount=usd("10"), method=PaymentMethod.CASH
    )
    factories.settle_payment(open_bill.database, open_bill.tenant, part)
    shown = await moved(api, open_bill, clerk, "void", **WHY)
    assert (shown["state"], shown["amount_due"]["minor"]) == ("VOID", 0)
    note = shown["credit_note"]
    assert (note["number"], note["total"]["text"], note["credited"]["text"]) == ("CVT-CN-000001", "25.00", "10.00")
    assert (note["reason"], note["issued_by"]) == (REASON, "Rudo (billing)")
    assert (await api.get("/api/credit-notes", headers=clerk)).json()["items"] == [note]
    customer = (await api.get(f"/api/customers/{open_bill.invoice.customer_id}", headers=clerk)).json()
    assert [credit["text"] for credit in customer["credits"]] == ["10.00"]
    assert (await open_bill.status(api))["state"] == "VOID"


async def test_a_written_off_invoice_is_closed_and_the_audit_log_says_by_whom_and_why(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    shown = await moved(api, open_bill, clerk, "write-off", **WHY)
    assert (shown["state"], shown["amount_due"]["minor"], shown["credit_note"]) == ("WRITTEN_OFF", 0, None)
    who, details = audited(open_bill, "INVOICE_WRITTEN_OFF")
    assert (who, details["reason"], details["amount"]) == ("Rudo (billing)", REASON, "USD 25.00")


async def test_an_extended_invoice_is_due_later_with_a_ladder_of_its_own(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    due_on = in_days(open_bill, 40)
    shown = await moved(api, open_bill, clerk, "extend", due_on=due_on, **WHY)
    assert shown["due_on"] == due_on
    assert [step["action"] for step in shown["steps"]] == [
        "remind", "overdue_notice", "overdue_notice", "final_warning", "suspend"
    ]  # fmt: skip
    assert [step["planned_on"] for step in shown["steps"]][:2] == [in_days(open_bill, 37), due_on]
    who, details = audited(open_bill, "INVOICE_EXTENDED")
    assert (who, details["from"], details["to"]) == ("Rudo (billing)", str(open_bill.invoice.due_on), due_on)


async def test_a_promise_to_pay_pauses_chasing_until_its_day_and_can_be_taken_back(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    until = in_days(open_bill, 10)
    shown = await moved(api, open_bill, clerk, "pause", until=until, **WHY)
    assert (shown["paused_until"], shown["set_aside"]) == (until, f"paused until {until}")
    later = in_days(open_bill, 12)
    assert (await moved(api, open_bill, clerk, "pause", until=later, **WHY))["paused_until"] == later
    shown = await moved(api, open_bill, clerk, "resume")
    assert (shown["paused_until"], shown["set_aside"]) == (None, None)
    assert asked_for(open_bill) == [("PAUSE", "DONE"), ("PAUSE", "DONE"), ("RESUME", "DONE")]


async def test_a_dispute_sets_the_invoice_aside_until_it_is_resolved(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    shown = await moved(api, open_bill, clerk, "dispute", **WHY)
    assert shown["disputed_at"]
    assert shown["set_aside"] == "disputed"
    shown = await moved(api, open_bill, clerk, "resolve", reason="The delivery note is signed.")
    assert (shown["disputed_at"], shown["set_aside"]) == (None, None)


async def test_a_changed_policy_counts_for_an_open_invoice_when_staff_say_so(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    refused = is_problem(await api.post(door(open_bill, "reapply-policy"), headers=clerk, json={}), 409)
    assert "nothing to re-apply" in refused["detail"]
    policy = {"steps": [{"offset": "P40D", "action": "final_warning"}, {"offset": "P50D", "action": "suspend"}]}
    changed = await api.put("/api/dunning-policy", headers=clerk, json={"policy": policy})
    assert changed.status_code in {200, 201}, changed.text
    shown = await moved(api, open_bill, clerk, "reapply-policy")
    assert shown["policy_version"] == 2
    ahead = [(step["action"], step["planned_on"]) for step in shown["steps"] if step["decided_at"] is None]
    assert ahead == [
        ("final_warning", str(open_bill.invoice.due_on + timedelta(days=40))),
        ("suspend", str(open_bill.invoice.due_on + timedelta(days=50))),
    ]


async def test_credit_notes_are_listed_in_the_order_of_issue_and_by_customer(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    other = bill(database, tenant=open_bill.tenant, issued_at=wall_clock())
    for one in (open_bill, other):
        await moved(api, one, clerk, "void", **WHY)
    first = (await api.get("/api/credit-notes", headers=clerk, params={"limit": 1})).json()
    rest = (await api.get("/api/credit-notes", headers=clerk, params={"after": first["next"]})).json()
    assert [note["number"] for note in first["items"] + rest["items"]] == ["CVT-CN-000001", "CVT-CN-000002"]
    theirs = (await api.get("/api/credit-notes", headers=clerk, params={"customer_id": other.invoice.customer_id})).json()
    assert [note["invoice_id"] for note in theirs["items"]] == [other.invoice.id]


async def test_the_statement_shows_a_credit_note_and_a_write_off_by_their_numbers(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    with database.tenant(open_bill.tenant.id) as session:
        customer = customers.get(session, open_bill.invoice.customer_id)
    lost = bill(database, tenant=open_bill.tenant, customer=customer, amount=usd("7"), issued_at=wall_clock())
    await moved(api, open_bill, clerk, "void", **WHY)
    await moved(api, lost, clerk, "write-off", **WHY)
    today = date.fromisoformat(in_days(open_bill, 0))
    answer = await api.get(
        f"/api/customers/{customer.id}/statement", headers=clerk, params={"from": "2026-10-01", "to": str(today)}
    )
    lines = [(line["kind"], line["reference"], line["credit"]["text"]) for line in answer.json()["lines"]]
    assert lines[-2:] == [
        ("CREDIT_NOTE", "CVT-CN-000001", "25.00"),
        ("WRITE_OFF", lost.invoice.number, "7.00"),
    ]
    assert answer.json()["closing"]["minor"] == 0
