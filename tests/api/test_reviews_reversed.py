"""What a person decided of money, and a reversal takes back: the money is before people again, and is booked once at last."""

import httpx
import pytest
from sqlalchemy import text

from activities.gateway_word import Word, act
from domain.money import Money
from domain.payment import Outcome
from gateways.base import PaymentState
from persistence import attempts, reviews
from persistence.database import Database
from persistence.payments import Payment
from persistence.reviews import Review
from tests import factories
from tests.api.deciding import Question, ask, pending, told_reference
from tests.api.paying import Bill, bill
from tests.api.serving import is_problem, token_of
from tests.factories import NOW, usd

CLERK = "Rudo (billing)"
WRONG = {"reason": "It was another customer's money."}


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


@pytest.fixture
def clerk(database: Database, open_bill: Bill) -> dict[str, str]:
    return token_of(database, open_bill.tenant)


def review_of(question: Question) -> Review:
    with question.bill.database.tenant(question.bill.tenant.id) as session:
        return reviews.get(session, question.review.id)


def told(on: Bill, payment: Payment, outcome: Outcome, reference: str, amount: Money | None = None) -> None:
    """The gateway's word about a payment's attempt, acted upon."""
    attempt = on.attempt(payment.id)
    state = PaymentState(outcome, attempt.id, reference, outcome.value, amount or payment.amount)
    with on.database.tenant(on.tenant.id) as session:
        act(session, Word(attempt, state, NOW))


def sum_of(on: Bill, account: str) -> int:
    query = text("SELECT coalesce(sum(amount), 0) FROM ledger_postings WHERE account = :account")
    with on.database.tenant(on.tenant.id) as session:
        return int(session.scalar(query, {"account": account}) or 0)


async def reverse(client: httpx.AsyncClient, clerk: dict[str, str], payment_id: str) -> httpx.Response:
    return await client.post(f"/api/payments/{payment_id}/reverse", headers=clerk, json=WRONG)


async def test_credit_that_was_given_to_the_wrong_customer_is_taken_back_and_given_to_the_right_one(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    wrong, right = (factories.make_customer(open_bill.database, open_bill.tenant) for _ in range(2))
    question = ask(open_bill, "MISMATCH", amount=usd("30"), reference="15652001")
    booked = (await question.decide(api, clerk, "credit", customer_id=wrong.id)).json()["resolved_payment_id"]
    await question.becomes(booked, "SETTLED")

    reversed_ = await reverse(api, clerk, booked)

    assert reversed_.status_code == 200, reversed_.text
    again = review_of(question)
    assert (again.resolved_at, again.resolution, again.resolved_payment_id) == (None, None, None)
    answer = await question.decide(api, clerk, "credit", customer_id=right.id)
    assert answer.status_code == 202, answer.text
    rebooked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert (rebooked.customer_id, rebooked.credited) == (right.id, usd("30"))
    assert question.audited() == [("REVIEW_CREDITED", CLERK), ("REVIEW_REOPENED", CLERK), ("REVIEW_CREDITED", CLERK)]
    assert sum_of(open_bill, "gateway_clearing") == 3000, "the money is there once"
    assert question.books_are_in_order()


async def test_a_payment_that_was_settled_by_mistake_lets_go_of_the_reference(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    """Matched to one of two payments that wait for the same amount at the same gateway: it was the other's."""
    wrong, right = pending(open_bill), pending(open_bill)
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15652002", payment=wrong)
    assert (await question.decide(api, clerk, "match", payment_id=wrong.id)).status_code == 202
    await question.becomes(wrong.id, "SETTLED")
    assert (await reverse(api, clerk, wrong.id)).status_code == 200
    answer = await question.decide(api, clerk, "match", payment_id=right.id)
    assert answer.json()["resolved_payment_id"] == right.id
    await question.becomes(right.id, "SETTLED")
    assert open_bill.attempt(right.id).gateway_reference == "15652002"
    assert question.books_are_in_order()


async def test_money_of_its_own_that_comes_for_it_after_that_is_a_question(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15652003")
    payment = question.payment
    await question.decide(api, clerk, "match", payment_id=payment.id)
    await question.becomes(payment.id, "SETTLED")
    await reverse(api, clerk, payment.id)
    told(open_bill, payment, Outcome.PAID, "15652004")
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        asked = {(review.reason, review.gateway_reference) for review in reviews.unresolved(session, after=None, limit=9)}
    assert asked == {("MISMATCH", "15652003"), ("PAID_AGAIN", "15652004")}


async def test_what_the_gateway_gave_back_is_no_question_again(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15652005")
    await question.decide(api, clerk, "match", payment_id=question.payment.id)
    await question.becomes(question.payment.id, "SETTLED")
    told(open_bill, question.payment, Outcome.REFUNDED, "15652005")
    assert (await reverse(api, clerk, question.payment.id)).status_code == 200
    assert review_of(question).resolution == "MATCHED"


async def test_of_a_payment_of_which_a_part_was_given_back_the_whole_is_not_reversed(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = pending(open_bill)
    told(open_bill, payment, Outcome.PAID, "15652006")
    told(open_bill, payment, Outcome.REFUNDED, "15652006", usd("10"))
    refused = is_problem(await reverse(api, clerk, payment.id), 409)
    assert "gave back USD 10.00" in refused["detail"]
    assert "refund the rest there too" in refused["detail"]
    told(open_bill, payment, Outcome.REFUNDED, "15652006", usd("25"))
    assert (await reverse(api, clerk, payment.id)).status_code == 200, "the rest was refunded"


def paid_again(on: Bill) -> Question:
    """A payment that was reversed over a dispute which the business then won."""
    payment = pending(on)
    told_reference(on, payment, "15652007")
    factories.settle_payment(on.database, on.tenant, payment)
    told(on, payment, Outcome.DISPUTED, "15652007")
    with on.database.tenant(on.tenant.id) as session:
        attempt = attempts.last(session, payment.id)
        assert attempt is not None
        assert attempt.outcome is Outcome.DISPUTED
    return Question(on, payment, ask(on, "DISPUTED", payment=payment).review)


async def test_money_that_the_gateway_has_again_after_a_reversal_is_booked_anew_and_once(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = paid_again(open_bill).payment
    assert (await reverse(api, clerk, payment.id)).status_code == 200
    told(open_bill, payment, Outcome.PAID, "15652007")
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        (review,) = [one for one in reviews.unresolved(session, after=None, limit=9) if one.reason == "PAID_AGAIN"]
    question = Question(open_bill, payment, review)
    answer = await question.decide(api, clerk, "match", payment_id=payment.id)
    assert answer.status_code == 202, answer.text
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert (booked.amount, booked.invoice_id, booked.manual_reference) == (usd("25"), open_bill.invoice.id, "15652007")
    assert (await open_bill.status(api))["state"] == "PAID"
    twin = ask(open_bill, "MISMATCH", amount=usd("25"), reference="15652007")
    assert booked.id in is_problem(await twin.decide(api, clerk, "credit"), 409)["detail"]
    assert question.books_are_in_order()


async def test_a_reference_that_a_reversed_payment_bears_is_not_given_to_another(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment, waiting = paid_again(open_bill).payment, pending(open_bill)
    await reverse(api, clerk, payment.id)
    question = ask(open_bill, "PAID_AGAIN", amount=usd("25"), reference="15652007", payment=payment)
    answer = await question.decide(api, clerk, "match", payment_id=waiting.id)
    assert answer.status_code == 202, answer.text
    booked = await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    assert booked.id != waiting.id, "whose own money may come yet"
    assert question.books_are_in_order()


async def test_money_that_is_booked_anew_is_no_second_question_when_the_gateway_tells_of_it_at_last(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    question = ask(open_bill, "OUTCOME_UNKNOWN")
    payment = question.payment
    found = {"payment_id": payment.id, "amount": 2500, "gateway_reference": "15652008"}
    await question.decide(api, clerk, "match", **found)
    await question.becomes(payment.id, "SETTLED")
    assert (await reverse(api, clerk, payment.id)).status_code == 200
    answer = await question.decide(api, clerk, "match", **found)
    await question.becomes(answer.json()["resolved_payment_id"], "SETTLED")
    told(open_bill, payment, Outcome.PAID, "15652008")
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        assert reviews.unresolved(session, after=None, limit=9) == []
    assert question.books_are_in_order()
