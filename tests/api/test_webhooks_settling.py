"""From Paynow's update to the settled invoice: once however often it comes, late or out of order, with Temporal up or down."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select, text

from activities.settling import ConfirmRequest, Settling
from domain.payment import Outcome
from persistence.database import Database
from persistence.models import AllocationRow, AuditRow, MessageRow, WebhookRow
from sweeper import sweep_inbox
from tests.api.paying import REFUSES, Bill, bill, decide, deliver, signed, update
from tests.api.serving import YEARS_AGO, caller, running, settings
from tests.api.waiting import eventually
from tests.workflows.engine import Engine, wall_clock
from workflows.names import late_payment_id
from workflows.payment import GIVE_UP_AFTER


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


def settlements(on: Bill, payment_id: str) -> dict[str, int]:
    """How often a payment left its mark in each place that counts."""
    allocation = select(func.count()).select_from(AllocationRow).where(AllocationRow.payment_id == payment_id)
    audit = select(func.count()).select_from(AuditRow).where(AuditRow.resource_id == payment_id)
    letters = select(func.count()).select_from(MessageRow).where(MessageRow.payment_id == payment_id)
    entries = text("SELECT count(*) FROM ledger_entries WHERE cause_id = :payment")
    with on.database.tenant(on.tenant.id) as session:
        return {
            "allocations": session.scalar(allocation) or 0,
            "audit entries": session.scalar(audit.where(AuditRow.action == "ONLINE_PAYMENT_RECEIVED")) or 0,
            "confirmations": session.scalar(letters.where(MessageRow.letter == "payment_confirmation")) or 0,
            "ledger entries": session.scalar(entries, {"payment": payment_id}) or 0,
        }


ONCE = {"allocations": 1, "audit entries": 1, "confirmations": 1, "ledger entries": 1}


async def test_five_at_once_and_one_more_afterwards_settle_once(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api)
    reference = open_bill.attempt(payment_id).id
    decide(engine, reference, "Paid")
    body = (await update(engine, reference, "Paid")).body
    answers = await asyncio.gather(*(deliver(api, body) for _ in range(5)))
    await open_bill.becomes(api, payment_id, "SETTLED")
    answers.append(await deliver(api, body))
    assert {answer.status_code for answer in answers} == {200}
    await _ended(engine, payment_id)
    assert settlements(open_bill, payment_id) == ONCE
    assert (await open_bill.status(api))["amount_due"]["minor"] == 0
    with open_bill.database.system() as session:
        count = session.scalar(select(func.count()).select_from(WebhookRow).where(WebhookRow.payment_id == payment_id))
    assert count == 1


async def test_an_update_that_comes_after_its_successor_takes_nothing_back(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    """What is settled follows from what Paynow says now, not from the order in which its updates came."""
    payment_id = await open_bill.opened(api)
    reference = open_bill.attempt(payment_id).id
    decide(engine, reference, "Sent")
    decide(engine, reference, "Paid")
    await deliver(api, (await update(engine, reference, "Paid")).body)
    await open_bill.becomes(api, payment_id, "SETTLED")
    assert (await deliver(api, (await update(engine, reference, "Sent")).body)).status_code == 200
    await _ended(engine, payment_id)
    assert settlements(open_bill, payment_id) == ONCE
    assert (await open_bill.status(api))["state"] == "PAID"


async def test_an_update_that_says_paid_while_paynow_does_not_settles_nothing(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    """The update only makes us ask: whoever got hold of the key still cannot move money."""
    payment_id = await open_bill.opened(api)
    assert (await deliver(api, signed(open_bill.attempt(payment_id).id))).status_code == 200
    await engine.workflows.ask_gateway_now(payment_id, f"{payment_id}/after the update")
    status = await open_bill.status(api)
    assert (status["state"], status["payments"][0]["status"]) == ("OPEN", "PENDING")


async def test_an_update_that_came_while_temporal_was_down_is_swept_and_settled(
    once_upon_a_time: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api)
    reference = open_bill.attempt(payment_id).id
    decide(engine, reference, "Paid")
    assert (await deliver(once_upon_a_time, (await update(engine, reference, "Paid")).body)).status_code == 200
    assert (await open_bill.status(api))["payments"][0]["status"] == "PENDING"
    assert await sweep_inbox(open_bill.database, engine.workflows, YEARS_AGO + timedelta(minutes=1)) == 1
    await open_bill.becomes(api, payment_id, "SETTLED")
    assert await sweep_inbox(open_bill.database, engine.workflows, YEARS_AGO + timedelta(hours=1)) == 0


async def test_money_that_comes_after_a_refusal_is_settled(api: httpx.AsyncClient, engine: Engine, open_bill: Bill) -> None:
    payment_id = await open_bill.opened(api, REFUSES)
    reference = open_bill.attempt(payment_id).id
    await deliver(api, (await update(engine, reference, "Failed")).body)
    await open_bill.becomes(api, payment_id, "FAILED")
    await _ended(engine, payment_id)
    decide(engine, reference, "Paid")
    assert (await deliver(api, (await update(engine, reference, "Paid")).body)).status_code == 200
    await open_bill.becomes(api, payment_id, "SETTLED")
    assert (await open_bill.status(api))["state"] == "PAID"


async def test_money_that_comes_after_a_day_is_settled_though_the_payment_had_expired(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api)
    await _expire(engine, open_bill, payment_id)
    expired = await open_bill.becomes(api, payment_id, "FAILED")
    assert expired["failure_reason"] == "Payment expired after 24 hours"
    reference = open_bill.attempt(payment_id).id
    decide(engine, reference, "Paid")
    body = (await update(engine, reference, "Paid")).body
    assert [(await deliver(api, body)).status_code for _ in range(2)] == [200, 200]
    await open_bill.becomes(api, payment_id, "SETTLED")
    assert (await open_bill.status(api))["state"] == "PAID"
    assert settlements(open_bill, payment_id) == ONCE


async def _standing(on: Bill, payment_id: str, outcome: Outcome) -> None:
    async def look() -> bool:
        return on.attempt(payment_id).outcome is outcome

    await eventually(look, f"payment {payment_id} {outcome} at the gateway")


async def _disputed(api: httpx.AsyncClient, engine: Engine, on: Bill) -> tuple[str, str, bytes]:
    """A settled payment that is disputed now: its id, its reference, and the update by which it was paid."""
    payment_id = await on.opened(api)
    reference = on.attempt(payment_id).id
    decide(engine, reference, "Paid")
    paid = (await update(engine, reference, "Paid")).body
    await deliver(api, paid)
    await on.becomes(api, payment_id, "SETTLED")
    await _ended(engine, payment_id)
    decide(engine, reference, "Disputed")
    await deliver(api, (await update(engine, reference, "Disputed")).body)
    await _standing(on, payment_id, Outcome.DISPUTED)
    return payment_id, reference, paid


async def test_paid_after_a_dispute_is_heard_though_its_update_is_the_same_as_before(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id, reference, paid = await _disputed(api, engine, open_bill)
    decide(engine, reference, "Paid")
    assert (await deliver(api, paid)).status_code == 200
    await _standing(open_bill, payment_id, Outcome.PAID)


async def test_an_update_that_is_repeated_against_the_gateways_own_word_is_looked_into_once_an_hour(
    api: httpx.AsyncClient, engine: Engine, database_url: str, open_bill: Bill
) -> None:
    payment_id, _, paid = await _disputed(api, engine, open_bill)
    looks = []
    async with running(settings(database_url, temporal_address=engine.address)) as app, caller(app) as door:
        for hour in range(2):
            at = datetime(2026, 11, 1, 8 + hour, 59, tzinfo=UTC)
            app.state.services = dataclasses.replace(app.state.services, clock=lambda at=at: at)
            look = engine.client.get_workflow_handle(late_payment_id(payment_id, f"repeated-{at:%Y-%m-%dT%H}"))
            for _ in range(3):
                assert (await deliver(door, paid)).status_code == 200
                looks.append((await look.describe()).run_id)
            await look.result()
    assert [looks.count(run_id) for run_id in dict.fromkeys(looks)] == [3, 3]
    assert open_bill.attempt(payment_id).outcome is Outcome.DISPUTED, "it is the gateway's own word that counts"


async def _expire(engine: Engine, on: Bill, payment_id: str) -> None:
    """What the saga does after a day; the day itself is walked in the workflow's own tests."""
    await engine.client.get_workflow_handle(f"payment/{payment_id}").terminate("a day has passed")
    last = ConfirmRequest(on.tenant.id, payment_id, wall_clock() + GIVE_UP_AFTER, is_last=True)
    await asyncio.to_thread(Settling(engine.services.database, engine.services.desk).confirm, last)


async def _ended(engine: Engine, payment_id: str) -> None:
    await engine.client.get_workflow_handle(f"payment/{payment_id}").result()
