"""What a gateway's word does to a payment: settled, failed, put before a person, or left as it is.

The word is the present answer (`gateways/asking.py`), whichever door it came by. The caller owns the transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from activities.settlement import Confirmation, as_it_stands, fail, lock_all, money_account, settle
from domain import fees
from domain import ledger as entries
from domain.money import Money
from domain.payment import Outcome, PaymentStatus, Settlement, mismatch
from gateways.base import PaymentState
from persistence import attempts, audit, ledger, payments, reviews, tenants
from persistence.attempts import Attempt
from persistence.payments import Payment
from persistence.reviews import MoneyInQuestion

EXPIRED = "Payment expired after 24 hours"

# A gateway that says at once that it never heard of an attempt may be working on it still.
UNHEARD_IS_SURE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Word:
    """A gateway's word about an attempt.

    Attributes:
        is_last: nobody will ask again soon: what is still pending now has expired.
    """

    attempt: Attempt
    state: PaymentState
    now: datetime
    is_last: bool = False


def act(session: Session, word: Word) -> Confirmation:
    """Lock what the payment touches, store the word, and do what it means."""
    payment = lock_all(session, word.attempt.payment_id)
    # Under the lock: another door may have been here since the gateway was asked.
    word = replace(word, attempt=attempts.get(session, word.attempt.id))
    outcome = word.state.outcome if word.state.found else _outcome_of_unheard(word)
    _store(session, word, outcome)
    confirmation = _confirmed(session, word, payment, outcome)
    return _with_others(session, word, payment, confirmation)


def _store(session: Session, word: Word, outcome: Outcome) -> None:
    state = word.state
    attempts.record_answer(
        session,
        word.attempt.id,
        outcome=outcome,
        gateway_reference=state.gateway_reference,
        gateway_status=state.gateway_status,
        poll_url=state.poll_url,
        card_brand=state.card_brand,
        card_last_four=state.card_last_four,
        raw=state.raw,
        now=word.now,
    )


def _confirmed(session: Session, word: Word, payment: Payment, outcome: Outcome) -> Confirmation:
    is_pending = payment.status is PaymentStatus.PENDING
    match outcome:
        case Outcome.PAID:
            return _settle_if_right(session, word, payment)
        case Outcome.DECLINED if is_pending:
            return fail(session, payment, outcome, _declined_reason(word.state), word.now)
        case Outcome.PENDING if word.is_last and is_pending:
            return fail(session, payment, outcome, EXPIRED, word.now)
        case Outcome.DECLINED if payment.status is PaymentStatus.SETTLED:
            explanation = (
                f"Payment {payment.id} over {payment.amount} was settled, "
                f"but the gateway now says {word.state.gateway_status}: ask it why."
            )
            reviews.open_for(session, payment.id, "CONTRADICTION", explanation, word.now)
        case Outcome.DISPUTED | Outcome.REFUNDED if payment.status is not PaymentStatus.REVERSED:
            explanation = (
                f"The gateway says that payment {payment.id} over {payment.amount} is {word.state.gateway_status}: "
                "decide with the customer what it means for the invoice."
            )
            reviews.open_for(session, payment.id, outcome.value, explanation, word.now)
        case Outcome.UNKNOWN if word.is_last and is_pending:
            ask_a_person(session, payment, word.state.gateway_status, word.now)
    return as_it_stands(session, payment, outcome)


def _outcome_of_unheard(word: Word) -> Outcome:
    """The gateway never heard of the attempt: after a while that is sure, and nothing was charged."""
    is_sure = word.is_last or word.now - word.attempt.initiated_at >= UNHEARD_IS_SURE_AFTER
    return Outcome.DECLINED if is_sure else Outcome.PENDING


def _settle_if_right(session: Session, word: Word, payment: Payment) -> Confirmation:
    """Settle when reference, amount, currency and mode are what we asked for; else a person must look (design, rule 4)."""
    if payment.status in {PaymentStatus.SETTLED, PaymentStatus.REVERSED}:
        _correct_fee(session, word, payment)
        return as_it_stands(session, payment, word.state.outcome)
    if _is_booked_elsewhere(session, word, payment):
        return as_it_stands(session, payments.get(session, payment.id), word.state.outcome)
    wrong = _mismatch(word.attempt, word.state)
    if wrong:
        _question(session, payment, word, word.state, wrong)
        return Confirmation(payment.status, Outcome.UNKNOWN)
    fee = _fee(session, word, payment)
    settlement = Settlement(word.state.gateway_reference or word.attempt.id, payment.amount, fee)
    return settle(session, payment, settlement, money_account(payment), audit.SYSTEM, word.now)


def _is_booked_elsewhere(session: Session, word: Word, payment: Payment) -> bool:
    """Whether a person has booked this very money already, as another payment: then it must not be booked again."""
    reference = word.state.gateway_reference
    booked = payments.by_manual_reference(session, payment.method, reference) if reference else None
    if booked is None or booked.id == payment.id:
        return False
    if payment.status is PaymentStatus.PENDING:
        payments.fail(session, payment.id, f"Its money was booked as payment {booked.id}.", word.now)
    return True


def _mismatch(attempt: Attempt, state: PaymentState) -> str | None:
    return mismatch(attempt.id, attempt.amount, state.reference, state.amount, is_other_mode=state.is_other_mode)


def _question(session: Session, payment: Payment, word: Word, state: PaymentState, wrong: str) -> None:
    """Put money that does not fit before a person; play money is none, so there is no amount to decide about."""
    money = MoneyInQuestion(
        word.attempt.gateway, state.gateway_reference, None if state.is_other_mode else _if_any(state.amount)
    )
    reviews.open_for(session, payment.id, "OTHER_MODE" if state.is_other_mode else "MISMATCH", wrong, word.now, money)


def _fee(session: Session, word: Word, payment: Payment) -> Money | None:
    """What the gateway kept, as it tells or as its rates say; a fee that cannot be must not stop the money."""
    fee = told = _possible_fee(word)
    if fee is None:
        agreed = tenants.fee_rates(session, word.attempt.account_id)
        fee = fees.estimate(payment.method, payment.amount, card_brand=word.state.card_brand, agreed=agreed)
    if fee is not None:
        attempts.record_fee(session, word.attempt.id, fee, is_estimate=told is None)
    return fee


def _correct_fee(session: Session, word: Word, payment: Payment) -> None:
    """Post the difference when the gateway tells its fee after an estimate was posted, once."""
    fee, attempt = _possible_fee(word), word.attempt
    is_about_it = word.state.gateway_reference in {None, attempt.gateway_reference}
    if fee is None or not attempt.fee_is_estimate or not is_about_it or attempt.fee is None:
        return
    if fee != attempt.fee:
        ledger.post(session, entries.fee_corrected(attempt.id, attempt.fee, fee, attempt.gateway), word.now)
        audit.record(
            session, word.now, audit.SYSTEM, "FEE_CORRECTED", "Payment", payment.id, estimate=str(attempt.fee), fee=str(fee)
        )
    attempts.record_fee(session, attempt.id, fee, is_estimate=False)


def _possible_fee(word: Word) -> Money | None:
    fee, amount = word.state.fee, word.attempt.amount
    return fee if fee is not None and fee.currency == amount.currency and 0 <= fee.minor <= amount.minor else None


def _with_others(session: Session, word: Word, payment: Payment, confirmation: Confirmation) -> Confirmation:
    """Take further money that came in under the attempt's reference: the same form paid twice, say (pains 1 and 12)."""
    others = [state for state in word.state.others if state.gateway_reference != word.attempt.gateway_reference]
    known = word.attempt.gateway_reference
    if word.state.outcome is Outcome.PAID and known and word.state.gateway_reference not in {None, known}:
        others.append(word.state)
    for state in others:
        further = _take(session, word, payment, state)
        confirmation = replace(
            confirmation,
            paid_invoices=(*confirmation.paid_invoices, *further.paid_invoices),
            more_message_ids=(*confirmation.more_message_ids, *([further.message_id] if further.message_id else [])),
        )
    return confirmation


def _take(session: Session, word: Word, payment: Payment, state: PaymentState) -> Confirmation:
    """Settle money that nobody asked for a second time, as a payment of its own; once per the gateway's reference."""
    reference = state.gateway_reference or ""
    known = attempts.payment_of_reference(session, word.attempt.account_id, reference)
    if known is not None:
        return as_it_stands(session, payments.get(session, known), Outcome.PAID)
    if state.is_other_mode or state.amount is None or state.amount.currency != payment.amount.currency:
        _question(session, payment, word, state, _mismatch(word.attempt, state) or f"Unasked money under {reference}.")
        return Confirmation(payment.status, Outcome.UNKNOWN)
    again = payments.start(
        session,
        customer_id=payment.customer_id,
        invoice_id=payment.invoice_id,
        target=payment.target,
        link_id=payment.link_id,
        method=payment.method,
        amount=state.amount,
        actor=audit.SYSTEM,
        now=word.now,
    )
    attempt = attempts.add(
        session, again, account_id=word.attempt.account_id, gateway=word.attempt.gateway, number=1, now=word.now
    )
    own = Word(attempt, replace(state, reference=attempt.id, others=()), word.now)
    _store(session, own, Outcome.PAID)
    return _settle_if_right(session, own, again)


def ask_a_person(session: Session, payment: Payment, gateway_word: str | None, now: datetime) -> None:
    """Put a payment into needs-review whose outcome the gateway does not tell."""
    reviews.open_for(
        session,
        payment.id,
        "OUTCOME_UNKNOWN",
        f"The gateway does not say what became of payment {payment.id} over {payment.amount} "
        f"(its last word: {gateway_word or 'none'}): look it up there before the customer is asked to pay again.",
        now,
    )


def _if_any(amount: Money | None) -> Money | None:
    return amount if amount is not None and amount.minor > 0 else None


def _declined_reason(state: PaymentState) -> str:
    if not state.found:
        return "The payment was never started at the gateway."
    return "The payment was cancelled or refused before any money moved."
