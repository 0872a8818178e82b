"""What a statement of account is drawn up from: the postings to a customer's receivables and credit, an entry at a time."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.orm import Session

from domain.ledger import Account, Cause
from domain.money import Money, total
from domain.payment import PaymentMethod
from domain.statement import Movement
from persistence import attempts
from persistence.models import CreditNoteRow, InvoiceRow, LedgerEntryRow, LedgerPostingRow, PaymentRow

_ACCOUNTS = (Account.ACCOUNTS_RECEIVABLE.value, Account.CUSTOMER_CREDIT.value)
_ABOUT_PAYMENTS = (Cause.PAYMENT_SETTLED.value, Cause.PAYMENT_REVERSED.value)


def owed_before(session: Session, customer_id: str, currency: str, moment: datetime) -> Money:
    """What the ledger says that a customer owed before a moment, less the credit."""
    owed = session.scalar(
        select(func.sum(LedgerPostingRow.amount))
        .join(LedgerEntryRow, LedgerEntryRow.id == LedgerPostingRow.entry_id)
        .where(_of(customer_id, currency), LedgerEntryRow.posted_at < moment)
    )
    return Money(int(owed or 0), currency)


def movements(session: Session, customer_id: str, currency: str, since: datetime, until: datetime) -> list[Movement]:
    """The entries from `since` to before `until` that touch a customer's account, in the order in which they were posted."""
    statement = _postings().where(
        _of(customer_id, currency), LedgerEntryRow.posted_at >= since, LedgerEntryRow.posted_at < until
    )
    rows = session.execute(statement.order_by(LedgerEntryRow.posted_at, LedgerEntryRow.id, InvoiceRow.number)).all()
    paid = {row.cause_id for row in rows if row.cause in _ABOUT_PAYMENTS}
    tried = attempts.last_of_each(session, paid)
    references = {payment_id: attempt.gateway_reference for payment_id, attempt in tried.items()}
    return [_movement(list(postings), currency, references) for _, postings in groupby(rows, key=lambda row: str(row.entry_id))]


def _of(customer_id: str, currency: str) -> ColumnElement[bool]:
    return and_(
        LedgerPostingRow.customer_id == customer_id,
        LedgerPostingRow.currency == currency,
        LedgerPostingRow.account.in_(_ACCOUNTS),
    )


def _postings() -> Select[*tuple[Any, ...]]:
    """Each posting with its entry, the invoice that it is on, and the payment or credit note that the entry is about."""
    return (
        select(
            LedgerPostingRow.entry_id,
            LedgerPostingRow.account,
            LedgerPostingRow.amount,
            LedgerEntryRow.posted_at,
            LedgerEntryRow.cause,
            LedgerEntryRow.cause_id,
            InvoiceRow.number,
            InvoiceRow.due_on,
            CreditNoteRow.number.label("credit_note"),
            PaymentRow.method,
            PaymentRow.manual_reference,
            PaymentRow.received_on,
        )
        .join(LedgerEntryRow, LedgerEntryRow.id == LedgerPostingRow.entry_id)
        .outerjoin(InvoiceRow, InvoiceRow.id == LedgerPostingRow.invoice_id)
        .outerjoin(
            CreditNoteRow,
            and_(LedgerEntryRow.cause == Cause.INVOICE_VOIDED.value, CreditNoteRow.invoice_id == LedgerEntryRow.cause_id),
        )
        .outerjoin(PaymentRow, and_(LedgerEntryRow.cause.in_(_ABOUT_PAYMENTS), PaymentRow.id == LedgerEntryRow.cause_id))
    )


def _movement(postings: Sequence[Row[Any]], currency: str, references: dict[str, str | None]) -> Movement:
    entry = postings[0]
    on_invoices = [
        (str(row.number), Money(row.amount, currency)) for row in postings if row.account == Account.ACCOUNTS_RECEIVABLE
    ]
    on_credit = [Money(row.amount, currency) for row in postings if row.account == Account.CUSTOMER_CREDIT]
    number = next((number for number, _ in on_invoices), None)
    is_invoice = entry.cause == Cause.INVOICE_ISSUED
    own = number if is_invoice or entry.cause == Cause.INVOICE_WRITTEN_OFF else entry.credit_note
    reference = own or entry.manual_reference or references.get(entry.cause_id)
    return Movement(
        posted_at=entry.posted_at,
        cause=entry.cause,
        reference=reference or entry.cause_id,
        on_invoices=tuple(on_invoices),
        on_credit=total(on_credit, currency),
        method=PaymentMethod(entry.method) if entry.method else None,
        due_on=entry.due_on if is_invoice else None,
        received_on=entry.received_on,
    )
