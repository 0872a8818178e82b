"""A gateway that says more than once what became of money: tries, returns, reversals, and what people have booked meanwhile."""

from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from activities import settling
from activities.gateway_calls import GatewayDesk
from activities.settlement import lock_all
from activities.settling import ConfirmRequest, Settling
from domain.ledger import Account
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from gateways.base import PaymentState
from gateways.registry import build_registry
from gateways.transport import Transport
from persistence import audit, payments, reviews
from persistence.database import Database
from persistence.models import PaymentRow
from persistence.payments import Payment
from tests import factories, reversals
from tests.activities.till import HUNDRED, Till
from tests.factories import NOW, zar


@pytest.fixture
def till(database: Database) -> Till:
    return Till(database)


def decide(till: Till, resolution: str = "DISMISSED") -> None:
    """Somebody decides all open reviews."""
    with till.database.tenant(till.tenant.id) as session:
        for review in reviews.unresolved(session, after=None, limit=50):
            reviews.resolve(session, review.id, resolution, "Rudo", NOW, note="looked at")


def test_a_second_try_that_is_paid_is_the_payment_and_no_further_money(till: Till) -> None:
    till.says(PaymentState(Outcome.PENDING, till.attempt.id, "t_1", "Cancelled by the payer, who tries again"))
    told = till.says(till.paid(reference="t_2"))
    assert (told.status, told.more_message_ids) == (PaymentStatus.SETTLED, ())
    assert till.says(till.paid(reference="t_2")) == told
    assert len(till.payments()) == 1
    assert till.stored().gateway_reference == "t_2"
    till.books_hold()


def test_money_that_came_and_was_given_back_before_we_looked_is_settled_and_asked_about(till: Till) -> None:
    refund = PaymentState(Outcome.REFUNDED, till.attempt.id, "p_1", "refund.succeeded", zar("20.00"))
    told = till.says(replace(till.paid(), returned=refund))
    assert told.status is PaymentStatus.SETTLED
    assert till.questions() == [("REFUNDED", zar("20.00"))]
    assert till.stored().outcome is Outcome.REFUNDED
    assert till.says(replace(till.paid(), returned=refund)) == told
    till.books_hold()


def test_each_further_refund_is_asked_about_after_the_former_was_decided_and_a_repeated_word_is_not(till: Till) -> None:
    first = PaymentState(Outcome.REFUNDED, till.attempt.id, "p_1", "refund.succeeded", zar("20.00"))
    till.says(replace(till.paid(), returned=first))
    decide(till)
    till.says(replace(till.paid(), returned=first))
    assert till.questions() == []
    till.says(replace(till.paid(), returned=replace(first, amount=zar("50.00"))))
    assert till.questions() == [("REFUNDED", zar("50.00"))]


def test_a_second_dispute_is_asked_about_after_the_first_was_decided(till: Till) -> None:
    disputed = replace(till.paid(), outcome=Outcome.DISPUTED, gateway_status="Disputed")
    till.says(till.paid())
    till.says(disputed)
    decide(till)
    till.says(disputed)
    assert till.questions() == []
    till.says(till.paid())
    till.says(disputed)
    assert till.questions() == [("DISPUTED", HUNDRED)]


def test_money_that_was_given_back_whole_before_it_was_settled_ends_the_payment(till: Till) -> None:
    told = till.says(replace(till.paid(), outcome=Outcome.REFUNDED, gateway_status="Refunded"))
    assert told.status is PaymentStatus.FAILED
    assert till.payments()[0].failure_reason == "The payment was given back to the payer."


def test_money_that_comes_back_after_a_reversal_is_put_before_a_person(till: Till) -> None:
    till.says(till.paid())
    till.says(replace(till.paid(), outcome=Outcome.DISPUTED, gateway_status="Disputed"))
    decide(till)
    reversals.reverse_payment(till.database, till.tenant, till.payment)
    for _ in range(2):
        assert till.says(till.paid()).status is PaymentStatus.REVERSED
    assert till.questions() == [("PAID_AGAIN", HUNDRED)]


def test_further_money_without_a_reference_is_asked_about_and_never_booked_twice(till: Till) -> None:
    nameless = replace(till.paid(), gateway_reference=None)
    for _ in range(3):
        till.says(replace(till.paid(), others=(nameless,)))
    assert len(till.payments()) == 1
    assert till.questions() == [("MISMATCH", HUNDRED)]


def booked(till: Till, method: PaymentMethod, reference: str) -> Payment:
    with till.database.tenant(till.tenant.id) as session:
        return payments.start(
            session,
            customer_id=till.customer.id,
            invoice_id=None,
            method=method,
            amount=HUNDRED,
            manual_reference=reference,
            actor="Rudo",
            now=NOW,
        )


def test_money_that_a_person_has_booked_as_another_payment_is_not_booked_again(till: Till) -> None:
    booked(till, PaymentMethod.YOCO, "p_1")
    told = till.says(till.paid(reference="p_1"))
    assert (told.status, told.letters) == (PaymentStatus.FAILED, ())
    assert till.balance(Account.GATEWAY_CLEARING) == zar("0")
    with till.database.tenant(till.tenant.id) as session:
        assert audit.last_of(session, "PAYMENT_FAILED", till.payment.id) is not None


def test_what_a_person_read_at_the_gateway_is_contradicted_by_the_gateways_own_word(till: Till) -> None:
    with till.database.tenant(till.tenant.id) as session:
        factories.settle(session, till.payment.id)
        session.execute(update(PaymentRow).where(PaymentRow.id == till.payment.id).values(manual_reference="p_1"))
    till.says(till.paid(zar("90.00")))
    assert till.questions() == [("CONTRADICTION", None)]


def test_a_payment_is_not_failed_as_never_begun_while_another_worker_begins_it(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = factories.start_payment(till.database, till.tenant, till.invoice, method=PaymentMethod.YOCO)

    def begun_meanwhile(session: Session, payment_id: str) -> Payment:
        factories.make_attempt(till.database, till.tenant, payment, gateway="yoco")
        return lock_all(session, payment_id)

    monkeypatch.setattr(settling, "lock_all", begun_meanwhile)
    nowhere = GatewayDesk(build_registry(Transport()), factories.BOX, {})
    told = Settling(till.database, nowhere).confirm(ConfirmRequest(till.tenant.id, payment.id, NOW))
    assert told.status is PaymentStatus.PENDING


@pytest.mark.parametrize("word", ["paid", "declined"])
def test_what_nobody_knew_is_no_question_any_more_once_the_gateway_tells(till: Till, word: str) -> None:
    till.says(PaymentState(Outcome.UNKNOWN), is_last=True)
    assert till.questions() == [("OUTCOME_UNKNOWN", None)]
    till.says(till.paid() if word == "paid" else PaymentState(Outcome.DECLINED, gateway_status="Cancelled"))
    assert till.questions() == []
