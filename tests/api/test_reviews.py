"""Needs review: a person says what money was for, once, and the money is booked like any other."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from activities.gateway_word import Word, act
from domain.payment import Outcome
from gateways.base import PaymentState
from persistence.database import Database
from sweeper import sweep_decided
from tests import factories
from tests.api.deciding import REVIEWS, ask, pending, told_reference
from tests.api.paying import Bill, bill
from tests.api.serving import YEARS_AGO, is_problem, refused_field, token_of
from tests.factories import usd
from tests.workflows.engine import Engine

CLERK = "Rudo (billing)"


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


@pytest.fixture
def clerk(database: Database, open_bill: Bill) -> dict[str, str]:
    return token_of(database, open_bill.tenant)


async def test_a_payment_that_a_person_found_paid_at_the_gateway_is_settled_itself(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "OUTCOME_UNKNOWN")
    found = {"payment_id": question.payment.id, "amount": 2500, "gateway_reference": "15650999"}
    answer = await question.decide(api, clerk, "match", **found)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["resolution"], answer.json()["resolved_payment_id"]) == ("MATCHED", question.payment.id)
    await question.becomes(question.payment.id, "SETTLED")
    assert (await open_bill.status(api))["state"] == "PAID"
    assert len(question.payments()) == 1
    assert question.audited() == [("REVIEW_MATCHED", CLERK)]
    assert question.now_of(question.payment.id).manual_reference == "15650999"
    assert question.books_are_in_order()


async def test_a_mistyped_reference_does_not_make_the_gateways_later_word_a_second_payment(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "OUTCOME_UNKNOWN")
    found = {"payment_id": question.payment.id, "amount": 2500, "gateway_reference": "15650099"}
    assert (await question.decide(api, clerk, "match", **found)).status_code == 202
    await question.becomes(question.payment.id, "SETTLED")
    attempt = open_bill.attempt(question.payment.id)
    later = PaymentState(Outcome.PAID, reference=attempt.id, gateway_reference="15650999", amount=usd("25"))
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        act(session, Word(attempt, later, factories.NOW))
    assert len(question.payments()) == 1
    assert question.books_are_in_order()


async def test_money_of_its_own_that_comes_besides_what_was_matched_to_a_payment_is_not_lost(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15651011")
    assert (await question.decide(api, clerk, "match", payment_id=question.payment.id)).status_code == 202
    await question.becomes(question.payment.id, "SETTLED")
    attempt = open_bill.attempt(question.payment.id)
    later = PaymentState(Outcome.PAID, reference=attempt.id, gateway_reference="15651012", amount=usd("25"))
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        act(session, Word(attempt, later, factories.NOW))
    assert [payment.credited for payment in question.payments()] == [usd("0"), usd("25")]
    assert question.books_are_in_order()


async def test_another_tenant_decides_nothing_of_ours(
    lonely: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651010")
    stranger = token_of(database, factories.make_tenant(database))
    is_problem(await question.decide(lonely, stranger, "match", payment_id=question.payment.id), 404)
    is_problem(await question.decide(lonely, stranger, "credit"), 404)
    is_problem(await question.decide(lonely, stranger, "dismiss", reason="Ours now."), 404)
    others = factories.make_customer(database, factories.make_tenant(database))
    is_problem(await question.decide(lonely, clerk, "credit", customer_id=others.id), 404)


async def test_another_sum_than_was_asked_for_is_booked_as_it_came_and_the_payment_ends_without_a_letter(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = pending(open_bill)
    told_reference(open_bill, payment, "15651000")
    question = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651000", payment=payment)
    answer = await question.decide(api, clerk, "match", payment_id=payment.id, note="She paid 20 of 25.")
    assert answer.status_code == 202, answer.text
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert (booked.amount, booked.invoice_id, booked.method) == (usd("20"), open_bill.invoice.id, payment.method)
    assert (await open_bill.status(api))["amount_due"]["minor"] == 500
    ended = question.now_of(payment.id)
    assert (ended.status, ended.failure_reason) == ("FAILED", f"What came in for it was booked as payment {booked.id}.")
    assert question.letters() == ["payment_confirmation"]
    assert question.books_are_in_order()


async def test_money_for_a_payment_that_is_settled_already_becomes_a_payment_of_its_own(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    settled = pending(open_bill)
    factories.settle_payment(open_bill.database, open_bill.tenant, settled)
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15651001", payment=settled)
    answer = await question.decide(api, clerk, "match", payment_id=settled.id)
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert booked.id != settled.id
    assert booked.credited == usd("25"), "nothing is owed any more"
    assert question.books_are_in_order()


async def test_money_can_be_recorded_as_the_customers_credit(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("30"), reference="15651002")
    answer = await question.decide(api, clerk, "credit", note="Keep it for December.")
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert (booked.credited, booked.invoice_id) == (usd("30"), None)
    assert (await open_bill.status(api))["amount_due"]["minor"] == 2500, "the invoice is untouched"
    assert question.audited() == [("REVIEW_CREDITED", CLERK)]
    assert question.books_are_in_order()


async def test_another_customer_can_be_given_the_credit(api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]) -> None:
    other = factories.make_customer(open_bill.database, open_bill.tenant)
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15651003")
    answer = await question.decide(api, clerk, "credit", customer_id=other.id)
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert booked.customer_id == other.id


async def test_a_payment_of_which_no_money_came_fails_and_its_payer_is_told_why(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "OUTCOME_UNKNOWN")
    answer = await question.decide(api, clerk, "dismiss", reason="Paynow never received this payment.")
    assert (answer.status_code, answer.json()["resolution"]) == (200, "DISMISSED")
    failed = await question.becomes(question.payment.id, "FAILED")
    assert failed.failure_reason == "Paynow never received this payment."
    assert question.letters() == ["payment_failed"]
    assert question.audited() == [("REVIEW_DISMISSED", CLERK)]


@pytest.mark.parametrize("reason", ["OTHER_MODE", "CONTRADICTION", "REFUNDED", "DISPUTED"])
@pytest.mark.parametrize("move", ["match", "credit"])
async def test_what_names_no_money_can_only_be_dismissed_or_the_payment_reversed(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], reason: str, move: str
) -> None:
    question = ask(open_bill, reason)
    body = {"payment_id": question.payment.id} if move == "match" else {}
    refused = is_problem(await question.decide(lonely, clerk, move, **body), 409)
    assert f"POST /api/payments/{question.payment.id}/reverse" in refused["detail"]
    assert (await question.decide(lonely, clerk, "dismiss", reason="Seen.")).status_code == 200


async def test_two_people_who_decide_at_once_book_it_once_and_the_second_learns_what_the_first_did(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651004")
    answers = await asyncio.gather(
        question.decide(api, clerk, "match", payment_id=question.payment.id), question.decide(api, clerk, "credit")
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    refused = is_problem(next(answer for answer in answers if answer.status_code == 409), 409)
    assert CLERK in refused["detail"]
    assert len(question.payments()) == 2
    await question.becomes(question.payments()[-1].id, "SETTLED")


async def test_a_decision_is_not_taken_back(lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]) -> None:
    question = ask(open_bill, "DISPUTED")
    await question.decide(lonely, clerk, "dismiss", reason="The bank took our side.")
    refused = is_problem(await question.decide(lonely, clerk, "dismiss", reason="Again."), 409)
    assert "dismissed it with the reason 'The bank took our side.'." in refused["detail"]


async def test_the_same_request_sent_again_gets_the_same_answer(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651005")
    keyed = {**clerk, "Idempotency-Key": "decide"}
    first, second = [await question.decide(api, keyed, "match", payment_id=question.payment.id) for _ in range(2)]
    assert (second.status_code, second.json()) == (202, first.json())
    await question.becomes(first.json()["resolved_payment_id"], "SETTLED")


async def test_one_payment_at_the_gateway_is_booked_once(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    first = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651006")
    booked = (await first.decide(api, clerk, "match", payment_id=first.payment.id)).json()["resolved_payment_id"]
    second = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651006")
    refused = is_problem(await second.decide(api, clerk, "credit"), 409)
    assert booked in refused["detail"]
    await first.becomes(booked, "SETTLED")


async def test_what_the_gateway_told_is_completed_and_not_overruled(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    told = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651007")
    name = {"payment_id": told.payment.id}
    assert refused_field(await told.decide(lonely, clerk, "match", **name, amount=2500)) == "amount"
    assert refused_field(await told.decide(lonely, clerk, "match", **name, gateway_reference="1")) == "gateway_reference"
    assert refused_field(await told.decide(lonely, clerk, "match", **name, method="YOCO")) == "method"
    untold = ask(open_bill, "OUTCOME_UNKNOWN")
    name = {"payment_id": untold.payment.id}
    assert refused_field(await untold.decide(lonely, clerk, "match", **name)) == "amount"
    assert refused_field(await untold.decide(lonely, clerk, "match", **name, amount=2500)) == "gateway_reference"
    assert refused_field(await untold.decide(lonely, clerk, "match", payment_id=told.payment.id)) == "payment_id"
    assert "match it to that payment" in is_problem(await untold.decide(lonely, clerk, "credit"), 409)["detail"]


async def test_a_sum_that_the_gateway_does_not_tell_is_matched_to_the_payment_that_asked_for_it(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    """Tomorrow the gateway may tell the sum, and the payment settles by itself: credit besides would be twice."""
    question = ask(open_bill, "MISMATCH", reference="15651008")
    assert refused_field(await question.decide(lonely, clerk, "credit", amount=2500)) == "currency"
    refused = await question.decide(lonely, clerk, "credit", amount=2500, currency="USD")
    assert question.payment.id in is_problem(refused, 409)["detail"]


async def test_while_temporal_is_down_the_decision_stands_and_the_sweeper_carries_it_out(
    once_upon_a_time: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, open_bill: Bill, clerk: dict[str, str]
) -> None:
    paid, unpaid = ask(open_bill, "MISMATCH", amount=usd("20"), reference="15651009"), ask(open_bill, "OUTCOME_UNKNOWN")
    answer = await paid.decide(once_upon_a_time, clerk, "match", payment_id=paid.payment.id)
    assert answer.status_code == 202
    assert (await unpaid.decide(once_upon_a_time, clerk, "dismiss", reason="No money came.")).status_code == 200
    booked = answer.json()["resolved_payment_id"]
    assert paid.now_of(booked).status == "PENDING"
    assert await sweep_decided(open_bill.database, engine.workflows, YEARS_AGO + timedelta(minutes=2)) == 2
    await paid.becomes(booked, "SETTLED")
    await unpaid.becomes(unpaid.payment.id, "FAILED")
    assert await sweep_decided(open_bill.database, engine.workflows, YEARS_AGO + timedelta(hours=1)) == 0


async def test_what_was_decided_is_listed_with_who_decided_it(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    decided, open_one = ask(open_bill, "DISPUTED"), ask(open_bill, "DISPUTED")
    await decided.decide(lonely, clerk, "dismiss", reason="The bank took our side.")
    (shown,) = (await lonely.get(REVIEWS, headers=clerk, params={"resolved": "true"})).json()["items"]
    assert (shown["id"], shown["resolved_by"], shown["resolution_note"]) == (
        decided.review.id,
        CLERK,
        "The bank took our side.",
    )
    (left,) = (await lonely.get(REVIEWS, headers=clerk)).json()["items"]
    assert (left["id"], left["resolved_at"]) == (open_one.review.id, None)
    assert (await lonely.get(open_one.path, headers=clerk)).json() == left


async def test_staff_have_todays_payments_looked_at_again(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill, clerk: dict[str, str]
) -> None:
    """What it came to stands in the audit log; `tests/workflows/test_reconciliation.py` walks through one."""
    started = await api.post("/api/reconciliations", headers=clerk)
    assert started.status_code == 202
    workflow_id = started.json()["workflow_id"]
    assert workflow_id == f"reconciliation/{open_bill.tenant.id}/{started.json()['day']}"
    await engine.client.get_workflow_handle(workflow_id).result()
    log = (await api.get("/api/audit", headers=clerk, params={"action": "RECONCILED"})).json()["items"]
    assert [(entry["resource_id"], entry["details"]["asked"]) for entry in log] == [(started.json()["day"], 0)]
