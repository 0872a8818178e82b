"""What a gateway's word does to a payment, its books and the review queue; said twice, it does the same once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.invoice import InvoiceState
from domain.ledger import Account
from domain.money import Money
from domain.payment import Outcome, PaymentStatus
from gateways.base import PaymentState
from persistence.database import Database
from tests import factories
from tests.activities.till import HUNDRED, Till
from tests.factories import zar


@pytest.fixture
def till(database: Database) -> Till:
    return Till(database)


def test_money_is_settled_once_however_often_the_gateway_says_so(till: Till) -> None:
    first, second = till.says(till.paid()), till.says(till.paid())
    assert first == second
    assert first.status is PaymentStatus.SETTLED
    assert till.invoice_state() is InvoiceState.PAID
    assert [payment.status for payment in till.payments()] == [PaymentStatus.SETTLED]
    till.books_hold()


def test_a_fee_that_the_gateway_tells_is_posted_and_leaves_the_net(till: Till) -> None:
    till.says(till.paid(fee=zar("3.75")))
    assert (till.stored().fee, till.stored().fee_is_estimate) == (zar("3.75"), False)
    assert till.balance(Account.GATEWAY_FEES) == zar("3.75")
    assert till.balance(Account.GATEWAY_CLEARING) == zar("96.25")
    till.books_hold()


def test_a_fee_that_it_does_not_tell_is_estimated_until_it_does_and_then_corrected_once(till: Till) -> None:
    till.says(till.paid())
    assert (till.stored().fee, till.stored().fee_is_estimate) == (zar("3.75"), True), "2.95 % of R100 and 80 cents"
    for _ in range(2):
        till.says(till.paid(fee=zar("3.00")))
    assert (till.stored().fee, till.stored().fee_is_estimate) == (zar("3.00"), False)
    assert till.balance(Account.GATEWAY_FEES) == zar("3.00")
    assert till.balance(Account.GATEWAY_CLEARING) == zar("97.00")
    till.books_hold()


def test_an_international_brand_is_estimated_at_the_international_rate(till: Till) -> None:
    till.says(replace(till.paid(), card_brand="Amex", card_last_four="0005"))
    assert till.stored().fee == zar("4.30"), "3.5 % of R100 and 80 cents"
    assert (till.stored().card_brand, till.stored().card_last_four) == ("Amex", "0005")


@pytest.mark.parametrize("fee", [zar("-1"), zar("100.01"), factories.usd("1")])
def test_a_fee_that_cannot_be_does_not_stop_the_money(till: Till, fee: Money) -> None:
    assert till.says(till.paid(fee=fee)).status is PaymentStatus.SETTLED
    assert till.stored().fee_is_estimate
    till.books_hold()


def test_a_second_payment_under_the_same_reference_becomes_credit_and_is_confirmed(till: Till) -> None:
    twice = replace(till.paid(), others=(till.paid(reference="p_2"),))
    first = till.says(twice)
    assert till.says(twice) == first, "said again, the same letters and nothing more"
    assert len(first.letters) == 2
    assert till.balance(Account.CUSTOMER_CREDIT) == -HUNDRED
    assert [payment.credited for payment in till.payments()] == [HUNDRED, zar("0")]
    till.books_hold()


def test_a_second_payment_that_is_told_alone_after_the_first_was_settled_is_credit_too(till: Till) -> None:
    till.says(till.paid(reference="p_1"))
    told = till.says(till.paid(reference="p_2"))
    assert len(told.more_message_ids) == 1
    assert till.balance(Account.CUSTOMER_CREDIT) == -HUNDRED
    till.says(till.paid(reference="p_2"))
    assert len(till.payments()) == 2
    till.books_hold()


def test_a_wrong_amount_settles_nothing_and_keeps_what_came_for_a_person(till: Till) -> None:
    assert till.says(till.paid(zar("90.00"))).status is PaymentStatus.PENDING
    assert till.questions() == [("MISMATCH", zar("90.00"))]
    assert till.invoice_state() is InvoiceState.OPEN


def test_another_currency_settles_nothing(till: Till) -> None:
    assert till.says(till.paid(factories.usd("100.00"))).status is PaymentStatus.PENDING
    assert till.questions() == [("MISMATCH", factories.usd("100.00"))]


def test_play_money_settles_nothing_and_is_no_money_to_decide_about(till: Till) -> None:
    assert till.says(replace(till.paid(), is_other_mode=True)).status is PaymentStatus.PENDING
    assert till.questions() == [("OTHER_MODE", None)]


def test_an_attempt_that_nobody_heard_of_fails_only_when_that_is_sure(till: Till) -> None:
    unheard = PaymentState(Outcome.UNKNOWN, found=False)
    assert till.says(unheard).status is PaymentStatus.PENDING
    assert till.says(unheard, after=timedelta(minutes=5)).status is PaymentStatus.FAILED


def test_money_that_comes_after_a_failure_is_settled(till: Till) -> None:
    assert till.says(PaymentState(Outcome.PENDING), is_last=True).status is PaymentStatus.FAILED
    assert till.says(till.paid()).status is PaymentStatus.SETTLED
    till.books_hold()


def test_a_refund_is_put_before_a_person_and_the_payment_stays_settled(till: Till) -> None:
    till.says(till.paid())
    assert till.says(replace(till.paid(), outcome=Outcome.REFUNDED)).status is PaymentStatus.SETTLED
    assert till.questions() == [("REFUNDED", HUNDRED)]


def test_a_refusal_of_what_was_settled_is_a_contradiction_for_a_person(till: Till) -> None:
    till.says(till.paid())
    till.says(PaymentState(Outcome.DECLINED, gateway_status="failed"))
    assert till.questions() == [("CONTRADICTION", None)]


def test_what_stays_unknown_at_the_last_question_is_put_before_a_person_and_not_failed(till: Till) -> None:
    assert till.says(PaymentState(Outcome.UNKNOWN), is_last=True).status is PaymentStatus.PENDING
    assert till.questions() == [("OUTCOME_UNKNOWN", None)]
