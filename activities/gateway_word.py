"""What a gateway's word does to a payment: settled, failed, put before a person, or left as it is.

The word is the present answer (`gateways/asking.py`), whichever door it came by. The caller owns the transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from activities import questions
from activities.settlement import Confirmation, as_it_stands, fail, lock_all, money_account, settle
from domain import fees
from domain import ledger as entries
from domain.money import Money
from domain.payment import Outcome, PaymentStatus, Settlement
from gateways.base import PaymentState
from persistence import attempts, audit, ledger, payments, tenants
from persistence.attempts import Attempt
from persistence.payments import Payment

EXPIRED = "Payment expired after 24 hours"
GIVEN_BACK = "The payment was given back to the payer."

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
    if outcome is Outcome.PAID and _is_booked_elsewhere(session, word, payment):
        return _left_to_the_other(session, word, payment)
    _store(session, word, outcome)
    confirmation = _with_others(session, word, payment, _confirmed(session, word, payment, outcome))
    if payment.status is PaymentStatus.PENDING and confirmation.status is not PaymentStatus.PENDING:
        questions.take_back_question_of_outcome(session, payment, word.state.gateway_status, word.now)
    if word.state.returned is not None:
        _ask_about_return(session, replace(word, state=word.state.returned), payments.get(session, payment.id))
    return confirmation


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
            questions.ask_about_contradiction(session, payment, word.state.gateway_status, word.now)
        case Outcome.DISPUTED | Outcome.REFUNDED:
            _ask_about_return(session, word, payment)
            if is_pending and word.state.amount in {None, payment.amount} and outcome is Outcome.REFUNDED:
                return fail(session, payment, outcome, GIVEN_BACK, word.now)
        case Outcome.UNKNOWN if word.is_last and is_pending:
            questions.ask_about_outcome(session, payment, word.state.gateway_status, word.now)
    return as_it_stands(session, payment, outcome)


def _ask_about_return(session: Session, word: Word, payment: Payment) -> None:
    """Money is held or was given back: unless the payment was reversed because of it, a person must look."""
    if payment.status is not PaymentStatus.REVERSED:
        questions.ask_about_return(session, payment, word.attempt, word.state, word.now)
    if attempts.get(session, word.attempt.id).outcome is not word.state.outcome:
        _store(session, word, word.state.outcome)


def _outcome_of_unheard(word: Word) -> Outcome:
    """The gateway never heard of the attempt: after a while that is sure, and nothing was charged."""
    is_sure = word.is_last or word.now - word.attempt.initiated_at >= UNHEARD_IS_SURE_AFTER
    return Outcome.DECLINED if is_sure else Outcome.PENDING


def _settle_if_right(session: Session, word: Word, payment: Payment) -> Confirmation:
    """Settle when reference, amount, currency and mode are what we asked for; else a person must look (design, rule 4)."""
    state, wrong = word.state, questions.misfit(word.attempt, word.state)
    if payment.status is PaymentStatus.REVERSED:
        if word.attempt.outcome is not Outcome.PAID and state.returned is None:
            questions.ask_about_money_after_reversal(session, payment, word.attempt, state, word.now)
        return as_it_stands(session, payment, state.outcome)
    if payment.status is PaymentStatus.SETTLED:
        _correct_fee(session, word, payment)
        if wrong and payment.manual_reference is not None:
            # A person booked it by what they read there; the gateway's own word is another.
            questions.ask_about_contradiction(session, payment, wrong, word.now)
        return as_it_stands(session, payment, state.outcome)
    if wrong:
        questions.ask_about_misfit(session, payment, word.attempt, state, wrong, word.now)
        return Confirmation(payment.status, Outcome.UNKNOWN)
    fee = _fee(session, word, payment)
    settlement = Settlement(state.gateway_reference or word.attempt.id, payment.amount, fee)
    return settle(session, payment, settlement, money_account(payment), audit.SYSTEM, word.now)


def _is_booked_elsewhere(session: Session, word: Word, payment: Payment) -> bool:
    """Whether this very money is booked already, as another payment: by a person, or under another attempt."""
    reference = word.state.gateway_reference
    if reference is None or payment.status is PaymentStatus.SETTLED:
        return False
    owners = {attempts.payment_of_reference(session, word.attempt.account_id, reference)}
    owners |= {booked.id for booked in payments.booked_as(session, word.attempt.gateway, reference)}
    return bool(owners - {None, payment.id})


def _left_to_the_other(session: Session, word: Word, payment: Payment) -> Confirmation:
    """The payment ends without money and without a letter: its money is another's."""
    if payment.status is PaymentStatus.PENDING:
        reason = f"Its money ({word.state.gateway_reference}) is booked as another payment."
        return fail(session, payment, Outcome.DECLINED, reason, word.now, tells_payer=False)
    return as_it_stands(session, payment, Outcome.DECLINED)


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
    known = word.attempt.gateway_reference if word.attempt.outcome in attempts.BROUGHT_MONEY else None
    own = known or word.state.gateway_reference
    others = [state for state in word.state.others if state.gateway_reference != own]
    if word.state.outcome is Outcome.PAID and word.state.gateway_reference not in {None, own}:
        others.append(word.state)
    for state in others:
        further = _take(session, word, payment, state)
        confirmation = replace(
            confirmation,
            paid_invoices=(*confirmation.paid_invoices, *further.paid_invoices),
            more_message_ids=(*confirmation.more_message_ids, *further.letters),
        )
    return confirmation


def _take(session: Session, word: Word, payment: Payment, state: PaymentState) -> Confirmation:
    """Settle money that nobody asked for a second time, as a payment of its own; once per the gateway's reference."""
    reference = state.gateway_reference
    known = attempts.payment_of_reference(session, word.attempt.account_id, reference) if reference else None
    if known is not None:
        return as_it_stands(session, payments.get(session, known), Outcome.PAID)
    is_bookable = state.amount is not None and state.amount.currency == payment.amount.currency and not state.is_other_mode
    if state.amount is None or not is_bookable or reference is None:
        # Without the gateway's own reference it could not be told from what was booked at an earlier look.
        wrong = questions.misfit(word.attempt, state) or f"More money came in under {word.attempt.id}: {state.amount}."
        questions.ask_about_misfit(session, payment, word.attempt, state, wrong, word.now)
        return Confirmation(payment.status, Outcome.UNKNOWN)
    if payments.booked_as(session, word.attempt.gateway, reference):
        return Confirmation(payment.status, Outcome.PAID)
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


def _declined_reason(state: PaymentState) -> str:
    if not state.found:
        return "The payment was never started at the gateway."
    return "The payment was cancelled or refused before any money moved."
