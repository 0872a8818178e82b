"""Settling: asks the gateway how a payment stands (or takes staff's word), and has it settled, failed or looked at.

It derives what happened from the gateway's present answer, not from the order of events, and is idempotent: a payment is
settled at most once, and its status only climbs.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from activities.gateway_word import Word, act
from activities.questions import ask_about_outcome
from activities.settlement import Confirmation, as_it_stands, fail, lock_all, money_account, settle
from domain.allocation import credit_to_apply
from domain.errors import ConflictError
from domain.payment import Outcome, PaymentMethod, PaymentStatus, Settlement
from gateways.asking import Question, ask
from persistence import attempts, audit, invoices, ledger, payments, webhooks
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment


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
    """Money that staff saw arrive (a bank transfer, or cash), or credit that they applied."""

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
        """Ask the gateway, with the verified updates that it sent, and settle what it says.

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
        with self._database.system() as system:
            updates = webhooks.bodies_of(system, request.tenant_id, request.payment_id)
        question = Question(attempt.id, attempt.poll_url, updates)
        state = ask(self._desk.gateway(attempt.gateway), account, question)
        with self._database.tenant(request.tenant_id) as session:
            return act(session, Word(attempt, state, request.now, request.is_last))

    @activity.defn(name="settling.settle_recorded")
    @translated
    def settle_recorded(self, request: RecordedRequest) -> Confirmation:
        """Settle what staff recorded; no gateway is asked, because staff saw the money.

        Credit that was used otherwise since it was applied fails, and nobody is written to: the payer did nothing.
        """
        with self._database.tenant(request.tenant_id) as session:
            payment = lock_all(session, request.payment_id)
            if payment.status is not PaymentStatus.PENDING:
                outcome = Outcome.DECLINED if payment.status is PaymentStatus.FAILED else Outcome.PAID
                return as_it_stands(session, payment, outcome)
            refusal = _why_not_from_credit(session, payment)
            if refusal is not None:
                return fail(session, payment, Outcome.DECLINED, refusal, request.now, tells_payer=False)
            received_in = money_account(payment)
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
                ask_about_outcome(session, payment, None, request.now)


def _why_not_from_credit(session: Session, payment: Payment) -> str | None:
    if payment.method is not PaymentMethod.CREDIT or payment.invoice_id is None:
        return None
    due = invoices.get(session, payment.invoice_id).invoice.amount_due
    try:
        credit_to_apply(ledger.credit_of(session, payment.customer_id, payment.amount.currency), due, payment.amount)
    except ConflictError as error:
        return str(error)
    return None


def _never_asked(session: Session, payment: Payment, request: ConfirmRequest) -> Confirmation:
    """No gateway ever heard of this payment, so nothing can have been charged; unless one is being asked this very moment."""
    payment = lock_all(session, payment.id)
    attempt = attempts.last(session, payment.id)
    if payment.status is not PaymentStatus.PENDING or attempt is not None:
        return as_it_stands(session, payment, Outcome.DECLINED if attempt is None else attempt.outcome)
    return fail(session, payment, Outcome.DECLINED, "The payment could not be started.", request.now)


def _refused_at_once(session: Session, request: ConfirmRequest, attempt: Attempt) -> Confirmation:
    """The gateway refused when it was asked to collect; there is nothing to ask it about."""
    payment = lock_all(session, request.payment_id)
    if payment.status is not PaymentStatus.PENDING or attempts.get(session, attempt.id).outcome is not Outcome.DECLINED:
        return as_it_stands(session, payment, Outcome.DECLINED)
    reason = (attempt.checkout or {}).get("decline_reason") or "The payment was refused."
    return fail(session, payment, Outcome.DECLINED, str(reason), request.now)
