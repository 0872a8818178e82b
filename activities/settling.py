"""Settling: the one settle function behind every door. Webhook, poll, browser return and staff all end here.

It derives what happened from the gateway's present answer, not from the order of events, and is idempotent: a payment is
settled at most once, and its status only climbs.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from domain import ledger as entries
from domain.allocation import AllocationPlan, allocate
from domain.invoice import Invoice
from domain.ledger import Account, Posting
from domain.letters import Letter
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus, Settlement
from gateways.base import PaymentState
from persistence import audit, customers, invoices, ledger, messages, payments, reviews
from persistence.database import Database
from persistence.messages import Claim
from persistence.payments import Attempt, Payment

EXPIRED = "Payment expired after 24 hours"

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
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """An invoice that money was allocated to, and what is left of it."""

    invoice_id: str
    amount_due: Money


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a payment stands after asking.

    Attributes:
        outcome: the gateway's present answer.
        paid_invoices: what the payment was allocated to; told to the invoices' lifecycles.
        message_id: the letter to send because of it, when this payment has one.
    """

    status: PaymentStatus
    outcome: Outcome
    paid_invoices: tuple[PaidInvoice, ...] = ()
    message_id: str | None = None


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
            attempt = payments.last_attempt(session, request.payment_id)
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
            payment = _lock_all(session, request.payment_id)
            if payment.status is PaymentStatus.SETTLED:
                return _as_it_stands(session, payment, Outcome.PAID)
            received_in = Posting(_MANUAL_ACCOUNTS[payment.method], payment.amount)
            settlement = Settlement(payment.manual_reference or payment.id, payment.amount)
            return settle(session, payment, settlement, received_in, request.actor, request.now)

    @activity.defn(name="settling.hand_to_a_person")
    @translated
    def hand_to_a_person(self, request: ConfirmRequest) -> None:
        """Put a payment whose outcome stayed unknown into needs-review."""
        with self._database.tenant(request.tenant_id) as session:
            payment = payments.get(session, request.payment_id)
            if payment.status is PaymentStatus.PENDING:
                _ask_a_person(session, request, payment, None)


def _act(session: Session, request: ConfirmRequest, attempt: Attempt, state: PaymentState) -> Confirmation:
    payment = _lock_all(session, request.payment_id)
    # Sure never to have heard of it: nothing was charged.
    outcome = state.outcome if state.found else Outcome.DECLINED
    payments.record_answer(
        session,
        attempt.id,
        outcome=outcome,
        gateway_reference=state.gateway_reference,
        gateway_status=state.gateway_status,
        poll_url=state.poll_url,
        fee=state.fee,
        raw=state.raw,
        now=request.now,
    )
    match outcome:
        case Outcome.PAID:
            return _settle_if_right(session, request, payment, attempt, state)
        case Outcome.DECLINED if payment.status is PaymentStatus.PENDING:
            return _fail(session, request, payment, outcome, _declined_reason(state))
        case Outcome.PENDING if request.is_last and payment.status is PaymentStatus.PENDING:
            return _fail(session, request, payment, outcome, EXPIRED)
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
    return _as_it_stands(session, payment, outcome)


def _settle_if_right(
    session: Session, request: ConfirmRequest, payment: Payment, attempt: Attempt, state: PaymentState
) -> Confirmation:
    """Settle when reference, amount and currency are what we asked for; else a person must look (design, rule 4)."""
    if payment.status is PaymentStatus.SETTLED:
        return _as_it_stands(session, payment, state.outcome)
    wrong = _mismatch(attempt, state)
    if wrong:
        reviews.open_for(session, payment.id, "MISMATCH", wrong, request.now)
        return Confirmation(payment.status, Outcome.UNKNOWN)
    settlement = Settlement(state.gateway_reference or attempt.id, payment.amount, state.fee)
    clearing = Posting(Account.GATEWAY_CLEARING, payment.amount, gateway=attempt.gateway)
    return settle(session, payment, settlement, clearing, audit.SYSTEM, request.now)


def settle(
    session: Session, payment: Payment, settlement: Settlement, received_in: Posting, actor: str, now: datetime
) -> Confirmation:
    """Settle a payment whose rows are locked: payment, allocations, ledger, audit entry and letter in this transaction.

    Args:
        session: bound to the payment's tenant.
        payment: locked, and not settled yet.
        settlement: what was received.
        received_in: the account that the money lies in.
        actor: who brought the news.
        now: instant (UTC) of the workflow or request.
    """
    open_invoices = invoices.lock_open_of_customer(session, payment.customer_id)
    plan = allocate(settlement.amount, payment.invoice_id, open_invoices)
    left = _pay_invoices(session, plan, {invoice.id: invoice for invoice in open_invoices}, now)
    ledger.post(
        session,
        entries.payment_settled(
            payment.id, payment.customer_id, settlement.amount, plan.parts, plan.credit, received_in, settlement.fee
        ),
        now,
    )
    payments.settle(session, payment.id, plan.parts, plan.credit, now)
    audit.record(
        session,
        now,
        actor,
        "ONLINE_PAYMENT_RECEIVED" if payment.method.gateway else "MANUAL_PAYMENT_RECORDED",
        "Payment",
        payment.id,
        amount=str(settlement.amount),
        gateway_reference=settlement.gateway_reference,
        allocated={invoice_id: str(amount) for invoice_id, amount in plan.parts},
        credit=str(plan.credit),
    )
    message_id = messages.claim(session, _letter(payment, Letter.PAYMENT_CONFIRMATION, "settled"), now)
    return Confirmation(PaymentStatus.SETTLED, Outcome.PAID, left, message_id)


def _pay_invoices(session: Session, plan: AllocationPlan, by_id: dict[str, Invoice], now: datetime) -> tuple[PaidInvoice, ...]:
    paid = []
    for invoice_id, amount in plan.parts:
        invoice = invoices.pay(session, by_id[invoice_id], amount, now)
        paid.append(PaidInvoice(invoice_id, invoice.amount_due))
    return tuple(paid)


def _fail(session: Session, request: ConfirmRequest, payment: Payment, outcome: Outcome, reason: str) -> Confirmation:
    payments.fail(session, payment.id, reason, request.now)
    audit.record(session, request.now, audit.SYSTEM, "PAYMENT_FAILED", "Payment", payment.id, reason=reason)
    message_id = messages.claim(session, _letter(payment, Letter.PAYMENT_FAILED, "failed"), request.now)
    return Confirmation(PaymentStatus.FAILED, outcome, message_id=message_id)


def _never_asked(session: Session, payment: Payment, request: ConfirmRequest) -> Confirmation:
    """No gateway ever heard of this payment, so nothing can have been charged."""
    if payment.status is not PaymentStatus.PENDING:
        return _as_it_stands(session, payment, Outcome.DECLINED)
    return _fail(session, request, _lock_all(session, payment.id), Outcome.DECLINED, "The payment could not be started.")


def _refused_at_once(session: Session, request: ConfirmRequest, attempt: Attempt) -> Confirmation:
    """The gateway refused when it was asked to collect; there is nothing to ask it about."""
    reason = (attempt.checkout or {}).get("decline_reason") or "The payment was refused."
    return _fail(session, request, _lock_all(session, request.payment_id), Outcome.DECLINED, str(reason))


def _ask_a_person(session: Session, request: ConfirmRequest, payment: Payment, gateway_word: str | None) -> None:
    reviews.open_for(
        session,
        payment.id,
        "OUTCOME_UNKNOWN",
        f"The gateway does not say what became of payment {payment.id} over {payment.amount} "
        f"(its last word: {gateway_word or 'none'}): look it up there before the customer is asked to pay again.",
        request.now,
    )


def _as_it_stands(session: Session, payment: Payment, outcome: Outcome) -> Confirmation:
    """The same answer as the first time, for a workflow that lost it: invoices and letter are told again, harmlessly."""
    if payment.status is PaymentStatus.PENDING:
        return Confirmation(payment.status, outcome)
    settled = payment.status is PaymentStatus.SETTLED
    paid = tuple(
        PaidInvoice(invoice_id, invoices.get(session, invoice_id).invoice.amount_due)
        for invoice_id, _ in payments.allocations(session, payment.id)
    )
    letter = (
        _letter(payment, Letter.PAYMENT_CONFIRMATION, "settled")
        if settled
        else _letter(payment, Letter.PAYMENT_FAILED, "failed")
    )
    message = messages.by_key(session, f"{letter.entity_id}/{letter.letter.value}/{letter.step}")
    return Confirmation(payment.status, outcome, paid, message.id if message else None)


def _lock_all(session: Session, payment_id: str) -> Payment:
    """Customer first, then open invoices, then the payment: one order everywhere, so that nothing waits in a circle."""
    payment = payments.get(session, payment_id)
    customers.lock(session, payment.customer_id)
    invoices.lock_open_of_customer(session, payment.customer_id)
    return payments.lock(session, payment_id)


def _mismatch(attempt: Attempt, state: PaymentState) -> str | None:
    if state.reference is not None and state.reference != attempt.id:
        return f"The gateway answered about {state.reference} when it was asked about {attempt.id}."
    if state.amount is None:
        return f"The gateway says that {attempt.id} is paid, but not how much."
    if state.amount != attempt.amount:
        return f"The gateway received {state.amount} for {attempt.id}, but {attempt.amount} was asked for."
    return None


def _declined_reason(state: PaymentState) -> str:
    if not state.found:
        return "The payment was never started at the gateway."
    return "The payment was cancelled or refused before any money moved."


def _letter(payment: Payment, letter: Letter, step: str) -> Claim:
    return Claim(letter, "Payment", payment.id, step, payment.customer_id, invoice_id=payment.invoice_id, payment_id=payment.id)
