"""Reversing: takes a settled payment back in one transaction, and has the invoices chased again that it had paid.

What it was used for stays on record; the ledger gets an entry of its own. What it had paid of an invoice that was voided
became credit, and that credit is taken back. What a person had booked wrongly in a review waits there again, to be booked
anew. Done twice it gives the same answer.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.lifecycles import LifecycleReopener, LifecycleStart, start_after_reversal
from activities.replanning import warn_anew
from activities.settlement import money_account
from activities.suspension import letter_of_standing_hold, suspend
from domain import ledger as entries
from domain.errors import ConflictError
from domain.invoice import InvoiceState
from domain.money import Money, total
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.reversal import is_given_back, why_closed_invoices_forbid, why_credit_is_missing, why_not, why_not_as_a_whole
from persistence import attempts, audit, customers, decisions, invoices, ledger, links, payments, reviews
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.payments import Payment


@dataclass(frozen=True, slots=True)
class ReversalRequest:
    """Take back a payment; who wants it and why is in the audit log."""

    tenant_id: str
    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a reversal brought about.

    Attributes:
        open_invoice_ids: what the payment had paid and is owed again.
        message_ids: letters to send: the customer is suspended again.
    """

    open_invoice_ids: tuple[str, ...]
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReopeningRequest:
    """Invoices whose lifecycles must run (again)."""

    tenant_id: str
    invoice_ids: tuple[str, ...]
    now: datetime


class Reversing:
    """Args: lifecycles: the door to Temporal, handed in so that activities know no workflow."""

    def __init__(self, database: Database, lifecycles: LifecycleReopener) -> None:
        self._database = database
        self._lifecycles = lifecycles

    @activity.defn(name="reversing.reverse")
    @translated
    def reverse(self, request: ReversalRequest) -> Reversal:
        """Reverse a payment: its state, the ledger, what is due on its invoices, their links, a suspension, the audit entry.

        Raises:
            ConflictError: it cannot be reversed, or not yet; the sentence says why.
        """
        with self._database.tenant(request.tenant_id) as session:
            payment = payments.get(session, request.payment_id)
            customers.lock(session, payment.customer_id)
            parts = payments.allocations(session, payment.id)
            paid = invoices.lock_many(session, [invoice_id for invoice_id, _ in parts])
            payment = payments.lock(session, payment.id)
            if payment.status is PaymentStatus.REVERSED:
                return _as_it_stands(session, paid)
            _refuse_if_wrong(session, payment, parts, paid)
            return _reverse(session, payment, parts, paid, request.now)

    @activity.defn(name="reversing.reopen_lifecycles")
    async def reopen_lifecycles(self, request: ReopeningRequest) -> None:
        """Have the lifecycles of these invoices run; whichever is paid again by now is left alone."""
        for start in await asyncio.to_thread(self._starts, request):
            await self._lifecycles.reopen_lifecycle(start)

    def _starts(self, request: ReopeningRequest) -> list[LifecycleStart]:
        with self._database.tenant(request.tenant_id) as session:
            details = [invoices.get(session, invoice_id) for invoice_id in request.invoice_ids]
            return [
                start_after_reversal(session, request.tenant_id, detail, request.now)
                for detail in details
                if detail.invoice.state is InvoiceState.OPEN
            ]


def _refuse_if_wrong(session: Session, payment: Payment, parts: list[tuple[str, Money]], paid: list[InvoiceDetail]) -> None:
    refusal = why_not(
        payment.id,
        payment.method,
        payment.status,
        _outcome(attempts.last(session, payment.id)),
        is_booked_by_staff=payment.manual_reference is not None,
    )
    currency = payment.amount.currency
    given_back = Money(reviews.largest_amount(session, payment.id, Outcome.REFUNDED.value), currency)
    refusal = refusal or why_not_as_a_whole(payment.id, payment.amount, given_back or None)
    refusal = refusal or why_closed_invoices_forbid(payment.id, payment.method, [detail.invoice for detail in paid])
    # What was applied from credit goes back there: it takes none away.
    left = Money.zero(currency)
    if payment.method is not PaymentMethod.CREDIT:
        left = payment.credited + _became_credit(currency, parts, paid)
    refusal = refusal or why_credit_is_missing(
        payment.id, left, ledger.credit_of(session, payment.customer_id, currency), _uses_of_credit(session, payment)
    )
    if refusal is not None:
        raise ConflictError(refusal)


def _uses_of_credit(session: Session, payment: Payment) -> list[tuple[str, Money]]:
    """(payment id, amount) by which the customer's credit pays invoices that stand, newest first."""
    uses = payments.uses_of_credit(session, payment.customer_id, payment.amount.currency, PaymentStatus.SETTLED)
    return [(use.id, use.allocated) for use in uses if not _paid_void(session, use)]


def _paid_void(session: Session, use: Payment) -> bool:
    paid = [invoices.get(session, invoice_id) for invoice_id, _ in payments.allocations(session, use.id)]
    return any(detail.invoice.state is InvoiceState.VOID for detail in paid)


def _became_credit(currency: str, parts: list[tuple[str, Money]], paid: list[InvoiceDetail]) -> Money:
    """What a payment had paid of invoices that were voided since: it is the customer's credit."""
    void = {detail.invoice.id for detail in paid if detail.invoice.state is InvoiceState.VOID}
    return total([amount for invoice_id, amount in parts if invoice_id in void], currency)


def _reverse(
    session: Session, payment: Payment, parts: list[tuple[str, Money]], paid: list[InvoiceDetail], now: datetime
) -> Reversal:
    actor, details = audit.last_of(session, audit.REVERSAL_REQUESTED, payment.id) or (audit.SYSTEM, {})
    reason = str(details.get("reason") or "No reason is on record.")
    payments.reverse(session, payment.id, reason, now)
    by_id = {detail.invoice.id: detail for detail in paid if detail.invoice.state is not InvoiceState.VOID}
    credit = payment.credited + _became_credit(payment.amount.currency, parts, paid)
    parts = [(invoice_id, amount) for invoice_id, amount in parts if invoice_id in by_id]
    for invoice_id, amount in parts:
        invoices.unpay(session, by_id[invoice_id].invoice, amount)
    entry = entries.payment_reversed(
        payment.id, payment.customer_id, payment.amount, tuple(parts), credit, money_account(payment)
    )
    ledger.post(session, entry, now)
    reopened = [detail for detail in paid if detail.invoice.state is InvoiceState.PAID]
    links.reopen_of_invoices(session, [detail.invoice.id for detail in reopened])
    audit.record(
        session, now, actor, "PAYMENT_REVERSED", "Payment", payment.id,
        reason=reason,
        amount=str(payment.amount),
        owed_again={invoice_id: str(amount) for invoice_id, amount in parts},
        credit_taken_back=str(credit),
    )  # fmt: skip
    _free_what_staff_booked(session, payment, actor, reason, now)
    for invoice_id in sorted(by_id):
        # A warning that was dropped because the invoice had been paid was never given.
        warn_anew(session, invoices.get(session, invoice_id), now)
    return Reversal(tuple(sorted(by_id)), _suspend_again(session, payment.customer_id, paid, now))


def _free_what_staff_booked(session: Session, payment: Payment, actor: str, reason: str, now: datetime) -> None:
    """Put money that a person had booked wrongly before people again, unless the gateway has given it back."""
    attempt = attempts.last(session, payment.id)
    if payment.method.gateway is None or payment.manual_reference is None or is_given_back(_outcome(attempt)):
        return
    if attempt is not None:
        _take_back_fee(session, attempt, now)
        decisions.free(session, attempt.id)
    for review_id in reviews.reopen(session, payment.id):
        audit.record(session, now, actor, "REVIEW_REOPENED", "Review", review_id, payment_id=payment.id, reason=reason)


def _take_back_fee(session: Session, attempt: Attempt, now: datetime) -> None:
    """An estimate of the gateway's fee goes with the booking: the money bears its fee where it is booked next."""
    if attempt.fee and attempt.fee_is_estimate:
        none = Money.zero(attempt.fee.currency)
        ledger.post(session, entries.fee_corrected(attempt.id, attempt.fee, none, attempt.gateway), now)
        attempts.record_fee(session, attempt.id, none, is_estimate=False)


def _outcome(attempt: Attempt | None) -> Outcome | None:
    return attempt.outcome if attempt else None


def _suspend_again(session: Session, customer_id: str, paid: list[InvoiceDetail], now: datetime) -> tuple[str, ...]:
    """Suspend the customer whom one of these invoices had suspended until enough of it was paid, unless another still does."""
    for detail in paid:
        if detail.suspended_at is not None:
            message_id = suspend(session, customer_id, detail.invoice.id, now)
            return (message_id,) if message_id else ()
    return ()


def _as_it_stands(session: Session, paid: list[InvoiceDetail]) -> Reversal:
    """The same answer as the first time, for a workflow that lost it."""
    again = [detail for detail in paid if detail.invoice.state is InvoiceState.OPEN]
    letters = [
        letter_of_standing_hold(session, detail.invoice.customer_id, detail.invoice.id)
        for detail in again
        if detail.suspended_at is not None
    ]
    return Reversal(tuple(detail.invoice.id for detail in again), tuple(letter for letter in letters if letter))
