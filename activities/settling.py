"""Settling: asks the gateway how a payment stands (or takes staff's word), and has it settled, failed or looked at.

It derives what happened from the gateway's present answer, not from the order of events, and is idempotent: a payment is
settled at most once, and its status only climbs.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from activities.settlement import Confirmation, as_it_stands, fail, lock_all, settle
from domain.ledger import Account, Posting
from domain.payment import Outcome, PaymentMethod, PaymentStatus, Settlement, mismatch
from gateways.base import PaymentState
from persistence import attempts, audit, payments, reviews
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment

EXPIRED = "Payment expired after 24 hours"

# A gateway that says at once that it never heard of an attempt may be working on it still.
UNHEARD_IS_SURE_AFTER = timedelta(minutes=5)

# Where the money lies that staff record.
_MANUAL_ACCOUNTS = {PaymentMethod.BANK_TRANSFER: Account.BANK, PaymentMethod.CASH: Account.CASH}


@dataclass(frozen=True, slots=True)
class ConfirmRequest:
    """Ask the gateway how a payment stands, and act on it.

    Attributes:
        is_last: nobody will ask again soon: what is still pending now has expired.
    """

    tenant_id: str
    payment_id: str
    now: datetime
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """Money that staff saw arrive: a bank transfer, or cash."""

    tenant_id: str
    payment_id: str
    now: datetime


class Settling:
    """Asks, and settles what the gateway says was paid."""

    def __init__(self, database: Database, desk: GatewayDesk) -> None:
        self._database = database
        self._desk = desk

    @activity.defn(name="settling.confirm")
    @translated
    def confirm(self, request: ConfirmRequest) -> Confirmation:
        """Ask the gateway by the stored poll address, or by our trace when there is none, and settle what it says.

        Raises:
            GatewayUnreachableError, GatewayOutcomeUnknownError: the gateway did not answer; nothing was changed.
        """
        with self._database.tenant(request.tenant_id) as session:
            payment = payments.get(session, request.payment_id)
            attempt = attempts.last(session, request.payment_id)
            if attempt is None:
                return _never_asked(session, payment, request)
            if payment.status is PaymentStatus.PENDING and attempt.outcome is Outcome.DECLINED and not attempt.poll_url:
                return _refused_at_once(session, request, attempt)
            account = self._desk.account(session, attempt.account_id)
        gateway = self._desk.gateway(attempt.gateway)
        state = gateway.poll(account, attempt.poll_url) if attempt.poll_url else gateway.trace(account, attempt.id)
        with self._database.tenant(request.tenant_id) as session:
            return _act(session, request, attempt, state)

    @activity.defn(name="settling.settle_recorded")
    @translated
    def settle_recorded(self, request: RecordedRequest) -> Confirmation:
        """Settle what staff recorded; no gateway is asked, because staff saw the money."""
        with self._database.tenant(request.tenant_id) as session:
            payment = lock_all(session, request.payment_id)
            if payment.status is PaymentStatus.SETTLED:
                return as_it_stands(session, payment, Outcome.PAID)
            received_in = Posting(_MANUAL_ACCOUNTS[payment.method], payment.amount)
            settlement = Settlement(payment.manual_reference or payment.id, payment.amount)
            actor = audit.actor_of(session, "PAYMENT_INITIATED", payment.id)
            return settle(session, payment, settlement, received_in, actor, request.now)

    @activity.defn(name="settling.hand_to_a_person")
    @translated
    def hand_to_a_person(self, request: ConfirmRequest) -> None:
        """Put a payment whose outcome stayed unknown into needs-review."""
        with self._database.tenant(request.tenant_id) as session:
            payment = payments.get(session, request.payment_id)
            if payment.status is not PaymentStatus.SETTLED:
                _ask_a_person(session, request, payment, None)


def _act(session: Session, request: ConfirmRequest, attempt: Attempt, state: PaymentState) -> Confirmation:
    payment = lock_all(session, request.payment_id)
    outcome = state.outcome if state.found else _outcome_of_unheard(request, attempt)
    # A fee that cannot be must not stop the money: it is left out, and the whole amount is taken as received.
    fee = state.fee if state.fee is not None and 0 <= state.fee.minor <= attempt.amount.minor else None
    attempts.record_answer(
        session,
        attempt.id,
        outcome=outcome,
        gateway_reference=state.gateway_reference,
        gateway_status=state.gateway_status,
        poll_url=state.poll_url,
        fee=fee,
        raw=state.raw,
        now=request.now,
    )
    match outcome:
        case Outcome.PAID:
            return _settle_if_right(session, request, payment, attempt, replace(state, fee=fee))
        case Outcome.DECLINED if payment.status is PaymentStatus.PENDING:
            return fail(session, payment, outcome, _declined_reason(state), request.now)
        case Outcome.PENDING if request.is_last and payment.status is PaymentStatus.PENDING:
            return fail(session, payment, outcome, EXPIRED, request.now)
        case Outcome.DECLINED if payment.status is PaymentStatus.SETTLED:
            reviews.open_for(
                session,
                payment.id,
                "CONTRADICTION",
                f"Payment {payment.id} over {payment.amount} was settled, "
                f"but the gateway now says {state.gateway_status}: ask it why.",
                request.now,
            )
        case Outcome.DISPUTED | Outcome.REFUNDED:
            reviews.open_for(
                session,
                payment.id,
                outcome.value,
                f"The gateway says that payment {payment.id} over {payment.amount} is {state.gateway_status}: "
                "decide with the customer what it means for the invoice.",
                request.now,
            )
        case Outcome.UNKNOWN if request.is_last and payment.status is PaymentStatus.PENDING:
            _ask_a_person(session, request, payment, state.gateway_status)
    return as_it_stands(session, payment, outcome)


def _outcome_of_unheard(request: ConfirmRequest, attempt: Attempt) -> Outcome:
    """The gateway never heard of the attempt: after a while that is sure, and nothing was charged."""
    is_sure = request.is_last or request.now - attempt.initiated_at >= UNHEARD_IS_SURE_AFTER
    return Outcome.DECLINED if is_sure else Outcome.PENDING


def _settle_if_right(
    session: Session, request: ConfirmRequest, payment: Payment, attempt: Attempt, state: PaymentState
) -> Confirmation:
    """Settle when reference, amount and currency are what we asked for; else a person must look (design, rule 4)."""
    if payment.status is PaymentStatus.SETTLED:
        return as_it_stands(session, payment, state.outcome)
    wrong = mismatch(attempt.id, attempt.amount, state.reference, state.amount)
    if wrong:
        reviews.open_for(session, payment.id, "MISMATCH", wrong, request.now)
        return Confirmation(payment.status, Outcome.UNKNOWN)
    settlement = Settlement(state.gateway_reference or attempt.id, payment.amount, state.fee)
    clearing = Posting(Account.GATEWAY_CLEARING, payment.amount, gateway=attempt.gateway)
    return settle(session, payment, settlement, clearing, audit.SYSTEM, request.now)


def _never_asked(session: Session, payment: Payment, request: ConfirmRequest) -> Confirmation:
    """No gateway ever heard of this payment, so nothing can have been charged."""
    if payment.status is not PaymentStatus.PENDING:
        return as_it_stands(session, payment, Outcome.DECLINED)
    return fail(session, lock_all(session, payment.id), Outcome.DECLINED, "The payment could not be started.", request.now)


def _refused_at_once(session: Session, request: ConfirmRequest, attempt: Attempt) -> Confirmation:
    """The gateway refused when it was asked to collect; there is nothing to ask it about."""
    reason = (attempt.checkout or {}).get("decline_reason") or "The payment was refused."
    return fail(session, lock_all(session, request.payment_id), Outcome.DECLINED, str(reason), request.now)


def _ask_a_person(session: Session, request: ConfirmRequest, payment: Payment, gateway_word: str | None) -> None:
    reviews.open_for(
        session,
        payment.id,
        "OUTCOME_UNKNOWN",
        f"The gateway does not say what became of payment {payment.id} over {payment.amount} "
        f"(its last word: {gateway_word or 'none'}): look it up there before the customer is asked to pay again.",
        request.now,
    )


def _declined_reason(state: PaymentState) -> str:
    if not state.found:
        return "The payment was never started at the gateway."
    return "The payment was cancelled or refused before any money moved."
