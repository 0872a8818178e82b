"""Staff moves on invoices that are refused, sent again, or find no lifecycle: nothing is made twice, and nothing is lost."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from domain.payment import PaymentMethod
from persistence import moves
from persistence.database import Database
from persistence.idempotency import ABANDONED_AFTER
from tests import factories
from tests.api.paying import Bill
from tests.api.serving import is_problem, refused_field, token_of
from tests.api.test_invoice_moves import REASON, WHY, asked_for, audited, clerk, door, in_days, moved, open_bill
from tests.workflows.engine import Engine
from workflows import names

__all__ = ["clerk", "open_bill"]


def died_before_it_answered(database: Database, move_id: str, key: str) -> None:
    """Make it so that the process died after it stored this move, and before it stored the answer; a while ago."""
    with database.system() as system:
        died = text(
            "UPDATE idempotency_keys SET status = NULL, body = jsonb_build_object('thing_id', CAST(:id AS text)),"
            " created_at = created_at - :while - interval '1 second' WHERE key = :key RETURNING key"
        )
        system.execute(died, {"id": move_id, "key": key, "while": ABANDONED_AFTER}).one()


@pytest.mark.parametrize(
    ("move", "body", "field"),
    [
        ("extend", {"due_on": "2026-11-01"}, "due_on"),
        ("extend", {"due_on": "2999-01-01"}, "due_on"),
        ("extend", {"due_on": "9999-12-31"}, "due_on"),
        ("pause", {"until": "2026-11-01"}, "until"),
        ("pause", {"until": "2999-01-01"}, "until"),
    ],
)
async def test_a_day_that_cannot_be_meant_is_refused_by_name_and_for_ever(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], move: str, body: dict[str, str], field: str
) -> None:
    keyed = {**clerk, "Idempotency-Key": "sent again"}
    first, again = [await api.post(door(open_bill, move), headers=keyed, json={**WHY, **body}) for _ in range(2)]
    assert refused_field(first) == field
    assert again.json() == first.json()
    assert asked_for(open_bill) == [(move.upper(), "REFUSED")]


@pytest.mark.parametrize("move", ["resume", "resolve"])
async def test_what_was_not_set_aside_cannot_be_taken_up_again(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], move: str
) -> None:
    refused = is_problem(await api.post(door(open_bill, move), headers=clerk, json=WHY), 409)
    assert open_bill.invoice.number in refused["detail"]
    assert asked_for(open_bill) == [(move.upper(), "REFUSED")]


@pytest.mark.parametrize("move", ["void", "write-off", "extend", "pause", "resume", "dispute", "resolve", "reapply-policy"])
async def test_nothing_moves_on_a_paid_invoice_and_the_refusal_says_what_to_do_first(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], move: str
) -> None:
    paid = factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice, method=PaymentMethod.CASH)
    factories.settle_payment(open_bill.database, open_bill.tenant, paid)
    days = {"extend": {"due_on": in_days(open_bill, 30)}, "pause": {"until": in_days(open_bill, 3)}}
    refused = is_problem(await lonely.post(door(open_bill, move), headers=clerk, json={**WHY, **days.get(move, {})}), 409)
    assert f"Invoice {open_bill.invoice.number} is PAID" in refused["detail"]
    assert ("reverse its payment first" in refused["detail"]) is (move in {"void", "write-off"})
    assert asked_for(open_bill) == []


@pytest.mark.parametrize("move", ["void", "write-off", "extend", "pause", "dispute", "resolve"])
@pytest.mark.parametrize("reason", ["", "ok", "r" * 501, None, "     ", "\n\n\n\n", "\u202e" * 9, " o \u200b\u200b k "])
async def test_a_move_that_must_say_why_is_refused_without_a_reason(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], move: str, reason: str | None
) -> None:
    days = {"extend": {"due_on": in_days(open_bill, 30)}, "pause": {"until": in_days(open_bill, 3)}}
    body = {"reason": reason, **days.get(move, {})}
    assert refused_field(await lonely.post(door(open_bill, move), headers=clerk, json=body)) == "reason"
    assert asked_for(open_bill) == []


async def test_the_same_key_moves_once_and_gets_the_first_answer(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    keyed = {**clerk, "Idempotency-Key": "void-1"}
    first = await api.post(door(open_bill, "void"), headers=keyed, json=WHY)
    again = await api.post(door(open_bill, "void"), headers=keyed, json=WHY)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    is_problem(await api.post(door(open_bill, "void"), headers=keyed, json={"reason": "Another one."}), 422)
    assert asked_for(open_bill) == [("VOID", "DONE")]


async def test_while_temporal_is_down_a_move_is_kept_and_asking_again_makes_that_one(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    later = await lonely.post(door(open_bill, "dispute"), headers=clerk, json=WHY)
    assert "is stored, and will be made by itself within a minute or two" in is_problem(later, 503)["detail"]
    assert later.headers["retry-after"]
    assert asked_for(open_bill) == [("DISPUTE", "REQUESTED")]
    assert (await moved(api, open_bill, clerk, "dispute", **WHY))["disputed_at"]
    assert asked_for(open_bill) == [("DISPUTE", "DONE")]
    assert audited(open_bill, "INVOICE_DISPUTED")[1]["reason"] == REASON


@pytest.mark.parametrize("move", ["void", "write-off"])
async def test_of_many_who_close_an_invoice_at_once_one_is_heard_and_the_others_are_told_by_whom(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], move: str
) -> None:
    reasons = ["It was issued twice.", "The wrong customer.", "The wrong month."]
    answers = await asyncio.gather(*(api.post(door(open_bill, move), headers=clerk, json={"reason": said}) for said in reasons))
    (heard,) = [reason for reason, answer in zip(reasons, answers, strict=True) if answer.status_code == 200]
    for answer in answers:
        if answer.status_code != 200:
            assert "already by Rudo (billing): this request changed nothing" in is_problem(answer, 409)["detail"]
    (made,) = asked_for(open_bill)
    assert made == (move.upper().replace("-", "_"), "DONE")
    past_event = {"void": "INVOICE_VOIDED", "write-off": "INVOICE_WRITTEN_OFF"}[move]
    assert audited(open_bill, past_event)[1]["reason"] == heard


async def test_a_double_click_is_harmless_also_when_the_first_click_has_closed_the_invoice(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    clicks = await asyncio.gather(*(api.post(door(open_bill, "void"), headers=clerk, json=WHY) for _ in range(2)))
    clicks.append(await api.post(door(open_bill, "void"), headers=clerk, json={"reason": f" {REASON}\n"}))
    assert [click.status_code for click in clicks] == [200, 200, 200]
    assert asked_for(open_bill) == [("VOID", "DONE")]
    is_problem(await api.post(door(open_bill, "write-off"), headers=clerk, json=WHY), 409)


async def test_a_move_of_a_colleague_is_not_taken_for_ones_own(
    api: httpx.AsyncClient, lonely: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    colleague = token_of(database, open_bill.tenant, "admin")
    is_problem(await lonely.post(door(open_bill, "dispute"), headers=clerk, json=WHY), 503)
    keyed = {**colleague, "Idempotency-Key": "second"}
    for _ in range(2):
        told = is_problem(await api.post(door(open_bill, "dispute"), headers=keyed, json=WHY), 409)
        assert f"Invoice {open_bill.invoice.number} was marked as disputed already by Rudo (billing)" in told["detail"]
    assert asked_for(open_bill) == [("DISPUTE", "DONE")]


async def test_an_invoice_whose_lifecycle_was_ended_by_hand_is_moved_all_the_same(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill, clerk: dict[str, str]
) -> None:
    await moved(api, open_bill, clerk, "dispute", **WHY)
    lifecycle = engine.client.get_workflow_handle(names.invoice_lifecycle_id(open_bill.invoice.id))
    await lifecycle.terminate("by a hand")
    assert (await moved(api, open_bill, clerk, "resolve", **WHY))["disputed_at"] is None
    assert asked_for(open_bill) == [("DISPUTE", "DONE"), ("RESOLVE", "DONE")]


async def test_a_move_that_was_made_although_its_answer_was_lost_is_answered_with_the_invoice(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    keyed = {**clerk, "Idempotency-Key": "void-2"}
    first = await api.post(door(open_bill, "void"), headers=keyed, json=WHY)
    assert first.status_code == 200
    with database.tenant(open_bill.tenant.id) as session:
        (made,) = moves.of_invoice(session, open_bill.invoice.id, limit=9)
    died_before_it_answered(database, made.id, "void-2")
    again = await api.post(door(open_bill, "void"), headers=keyed, json=WHY)
    assert (again.status_code, {**again.json(), "messages": None}) == (200, {**first.json(), "messages": None})
    assert "Idempotent-Replayed" not in again.headers
    assert asked_for(open_bill) == [("VOID", "DONE")]
