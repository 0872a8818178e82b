"""Questions about money that no rule can decide: what a gateway says that does not fit, put before a person.

Each is asked once while it stands, and again after it was decided only when the gateway says something new.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.money import Money
from domain.payment import Outcome, mismatch
from gateways.base import PaymentState
from persistence import audit, reviews
from persistence.attempts import Attempt
from persistence.payments import Payment
from persistence.reviews import MoneyInQuestion


def misfit(attempt: Attempt, state: PaymentState) -> str | None:
    """Why a gateway's word that something was paid is not about what was asked for; None when it is."""
    return mismatch(attempt.id, attempt.amount, state.reference, state.amount, is_other_mode=state.is_other_mode)


def ask_about_misfit(
    session: Session, payment: Payment, attempt: Attempt, state: PaymentState, wrong: str, now: datetime
) -> None:
    """Ask about money that is not what was asked for; play money is none, so there is no amount to decide about."""
    reason = "OTHER_MODE" if state.is_other_mode else "MISMATCH"
    reviews.open_for(session, payment.id, reason, wrong, now, _money(attempt, state))


def ask_about_outcome(session: Session, payment: Payment, gateway_word: str | None, now: datetime) -> None:
    """Ask what became of a payment of which the gateway does not tell."""
    explanation = (
        f"The gateway does not say what became of payment {payment.id} over {payment.amount} "
        f"(its last word: {gateway_word or 'none'}): look it up there before the customer is asked to pay again."
    )
    reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", explanation, now)


def take_back_question_of_outcome(session: Session, payment: Payment, gateway_word: str | None, now: datetime) -> None:
    """The gateway has told what became of the payment: nobody need look it up any more."""
    for review in reviews.open_of(session, payment.id, "OUTCOME_UNKNOWN"):
        note = f"The gateway told in the meantime: {gateway_word}."
        reviews.resolve(session, review.id, "DISMISSED", audit.SYSTEM, now, note=note)
        audit.record(session, now, audit.SYSTEM, "REVIEW_DISMISSED", "Review", review.id, payment_id=payment.id, note=note)


def ask_about_return(session: Session, payment: Payment, attempt: Attempt, state: PaymentState, now: datetime) -> None:
    """Ask what it means for the invoice that money is held or was given back; anew when more was given back since."""
    told = f"{state.amount} of " if state.amount is not None and state.amount != payment.amount else ""
    explanation = (
        f"The gateway says that {told}payment {payment.id} over {payment.amount} is {state.gateway_status}: "
        "decide with the customer what it means for the invoice."
    )
    is_new = attempt.outcome is not state.outcome
    if state.outcome is Outcome.REFUNDED and state.amount is not None:
        is_new = is_new or reviews.largest_amount(session, payment.id, state.outcome.value) < state.amount.minor
    money = _money(attempt, state)
    reviews.open_for(session, payment.id, state.outcome.value, explanation, now, money, again=is_new)


def ask_about_contradiction(session: Session, payment: Payment, gateway_word: str | None, now: datetime) -> None:
    """Ask about a payment that is settled here, and that the gateway now tells otherwise."""
    explanation = (
        f"Payment {payment.id} over {payment.amount} was settled, but the gateway now says {gateway_word}: ask it why."
    )
    reviews.open_for(session, payment.id, "CONTRADICTION", explanation, now)


def ask_about_money_after_reversal(
    session: Session, payment: Payment, attempt: Attempt, state: PaymentState, now: datetime
) -> None:
    """Ask about money that the gateway has after all, although its payment was reversed: it is in no books."""
    explanation = (
        f"Payment {payment.id} over {payment.amount} was reversed, and the gateway now says that it has the money "
        f"({state.gateway_status}): book it again, or tell the gateway."
    )
    reviews.open_for(session, payment.id, "PAID_AGAIN", explanation, now, _money(attempt, state))


def _money(attempt: Attempt, state: PaymentState) -> MoneyInQuestion:
    return MoneyInQuestion(attempt.gateway, state.gateway_reference, None if state.is_other_mode else _if_any(state.amount))


def _if_any(amount: Money | None) -> Money | None:
    return amount if amount is not None and amount.minor > 0 else None
