"""The one settle function, and its opposite: what happens to a payment's rows when money came, or surely did not.

Every door ends here: webhook, poll, browser return and staff (`settling.py` decides which). The caller owns the transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from domain import ledger as entries
from domain.allocation import AllocationPlan, allocate
from domain.invoice import Invoice
from domain.ledger import Posting
from domain.letters import Letter, message_key
from domain.money import Money
from domain.payment import Outcome, PaymentStatus, Settlement
from persistence import audit, customers, invoices, ledger, messages, payments
from persistence.messages import Claim
from persistence.payments import Payment


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


def lock_all(session: Session, payment_id: str) -> Payment:
    """Customer first, then open invoices, then the payment: one order everywhere, so that nothing waits in a circle."""
    payment = payments.get(session, payment_id)
    customers.lock(session, payment.customer_id)
    invoices.lock_open_of_customer(session, payment.customer_id)
    return payments.lock(session, payment_id)


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


def fail(session: Session, payment: Payment, outcome: Outcome, reason: str, now: datetime) -> Confirmation:
    """Mark a locked payment as failed, with its audit entry and letter, in this transaction."""
    payments.fail(session, payment.id, reason, now)
    audit.record(session, now, audit.SYSTEM, "PAYMENT_FAILED", "Payment", payment.id, reason=reason)
    message_id = messages.claim(session, _letter(payment, Letter.PAYMENT_FAILED, "failed"), now)
    return Confirmation(PaymentStatus.FAILED, outcome, message_id=message_id)


def as_it_stands(session: Session, payment: Payment, outcome: Outcome) -> Confirmation:
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
    message = messages.by_key(session, message_key(letter.entity_id, letter.letter, letter.step))
    return Confirmation(payment.status, outcome, paid, message.id if message else None)


def _letter(payment: Payment, letter: Letter, step: str) -> Claim:
    return Claim(letter, "Payment", payment.id, step, payment.customer_id, invoice_id=payment.invoice_id, payment_id=payment.id)
