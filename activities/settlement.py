"""The one settle function, and its opposite: what happens to a payment's rows when money came, or surely did not.

Every door ends here: webhook, poll, browser return and staff (`settling.py` decides which). The caller owns the transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from activities.suspension import reactivate, unsent_reactivation
from domain import ledger as entries
from domain.allocation import AllocationPlan, Target, allocate
from domain.invoice import Invoice
from domain.ledger import Account, Posting
from domain.letters import Letter
from domain.message_keys import message_key
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus, Settlement
from persistence import audit, customers, invoices, ledger, links, messages, payments, tenants
from persistence.messages import Claim
from persistence.payments import Payment

_MANUAL_ACCOUNTS = {
    PaymentMethod.BANK_TRANSFER: Account.BANK,
    PaymentMethod.CASH: Account.CASH,
    PaymentMethod.CREDIT: Account.CUSTOMER_CREDIT,
}
_SETTLED_AS = {
    PaymentMethod.BANK_TRANSFER: "MANUAL_PAYMENT_RECORDED",
    PaymentMethod.CASH: "MANUAL_PAYMENT_RECORDED",
    PaymentMethod.CREDIT: "CREDIT_APPLIED",
}


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
        more_message_ids: letters about further money that came in under the same reference, and to a customer who is back.
    """

    status: PaymentStatus
    outcome: Outcome
    paid_invoices: tuple[PaidInvoice, ...] = ()
    message_id: str | None = None
    more_message_ids: tuple[str, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        """All letters to send because of it."""
        return (*((self.message_id,) if self.message_id else ()), *self.more_message_ids)


def lock_all(session: Session, payment_id: str) -> Payment:
    """Customer first, then open invoices, then the payment: one order everywhere, so that nothing waits in a circle."""
    payment = payments.get(session, payment_id)
    customers.lock(session, payment.customer_id)
    invoices.lock_open_of_customer(session, payment.customer_id)
    return payments.lock(session, payment_id)


def money_account(payment: Payment) -> Posting:
    """The account that a payment's money lies in: a gateway's clearing, the bank, the till, or the customer's own credit."""
    if payment.method.gateway is not None:
        return Posting(Account.GATEWAY_CLEARING, payment.amount, gateway=payment.method.gateway)
    account = _MANUAL_ACCOUNTS[payment.method]
    return Posting(account, payment.amount, customer_id=payment.customer_id if account is Account.CUSTOMER_CREDIT else None)


def settle(
    session: Session,
    payment: Payment,
    settlement: Settlement,
    received_in: Posting,
    actor: str,
    now: datetime,
    *,
    tells_payer: bool = True,
) -> Confirmation:
    """Settle a payment whose rows are locked: payment, allocations, ledger, link, audit entry and letter in this transaction.

    Args:
        session: bound to the payment's tenant.
        payment: locked, and not settled yet.
        settlement: what was received.
        received_in: the account that the money lies in.
        actor: who brought the news.
        now: instant (UTC) of the workflow or request.
        tells_payer: whether *Payment Confirmation* goes out; not where another letter tells the same.
    """
    open_invoices = invoices.lock_open_of_customer(session, payment.customer_id)
    surplus = _surplus(session, payment)
    plan = allocate(settlement.amount, payment.invoice_id, open_invoices, otherwise=payment.target, surplus=surplus)
    left = _pay_invoices(session, plan, {invoice.id: invoice for invoice in open_invoices}, now)
    ledger.post(
        session,
        entries.payment_settled(
            payment.id, payment.customer_id, settlement.amount, plan.parts, plan.credit, received_in, settlement.fee
        ),
        now,
    )
    payments.settle(session, payment.id, plan.parts, plan.credit, now)
    links.mark_paid(session, payment.link_id, [paid.invoice_id for paid in left if not paid.amount_due], now)
    _record_settled(session, payment, settlement, plan, actor, now)
    message_id = messages.claim(session, _letter(payment, Letter.PAYMENT_CONFIRMATION, "settled"), now) if tells_payer else None
    # Who has paid is back with the money, in the same transaction (pains 15).
    back = reactivate(session, payment.customer_id, now, invoice_id=left[0].invoice_id if left else None, payment_id=payment.id)
    return Confirmation(PaymentStatus.SETTLED, Outcome.PAID, left, message_id, (back,) if back else ())


def _surplus(session: Session, payment: Payment) -> Target:
    """Where it goes what the linked invoice leaves over; credit that was meant for one invoice stays credit."""
    return Target.CREDIT if payment.method is PaymentMethod.CREDIT else tenants.allocation_policy(session).surplus


def _record_settled(
    session: Session, payment: Payment, settlement: Settlement, plan: AllocationPlan, actor: str, now: datetime
) -> None:
    audit.record(
        session,
        now,
        actor,
        _SETTLED_AS.get(payment.method, "ONLINE_PAYMENT_RECEIVED"),
        "Payment",
        payment.id,
        amount=str(settlement.amount),
        gateway_reference=settlement.gateway_reference,
        allocated={invoice_id: str(amount) for invoice_id, amount in plan.parts},
        credit=str(plan.credit),
    )


def _pay_invoices(session: Session, plan: AllocationPlan, by_id: dict[str, Invoice], now: datetime) -> tuple[PaidInvoice, ...]:
    paid = []
    for invoice_id, amount in plan.parts:
        invoice = invoices.pay(session, by_id[invoice_id], amount, now)
        paid.append(PaidInvoice(invoice_id, invoice.amount_due))
    return tuple(paid)


def fail(
    session: Session, payment: Payment, outcome: Outcome, reason: str, now: datetime, *, tells_payer: bool = True
) -> Confirmation:
    """Mark a locked payment as failed, with its audit entry and letter, in this transaction.

    Args:
        tells_payer: whether *Payment Failed* goes out; not where the payer never tried to pay.
    """
    payments.fail(session, payment.id, reason, now)
    audit.record(session, now, audit.SYSTEM, "PAYMENT_FAILED", "Payment", payment.id, reason=reason)
    message_id = messages.claim(session, _letter(payment, Letter.PAYMENT_FAILED, "failed"), now) if tells_payer else None
    return Confirmation(PaymentStatus.FAILED, outcome, message_id=message_id)


def as_it_stands(session: Session, payment: Payment, outcome: Outcome) -> Confirmation:
    """The same answer as the first time, for a workflow that lost it: invoices and letter are told again, harmlessly."""
    if payment.status is PaymentStatus.PENDING:
        return Confirmation(payment.status, outcome)
    settled = payment.status is not PaymentStatus.FAILED
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
    back = unsent_reactivation(session, payment.customer_id, payment_id=payment.id) if settled else None
    return Confirmation(payment.status, outcome, paid, message.id if message else None, (back,) if back else ())


def _letter(payment: Payment, letter: Letter, step: str) -> Claim:
    return Claim(letter, "Payment", payment.id, step, payment.customer_id, invoice_id=payment.invoice_id, payment_id=payment.id)
