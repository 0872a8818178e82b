"""Credit notes: what takes a void invoice back, numbered without a gap in a series of their own."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.ids import Prefix
from domain.invoice import format_number
from domain.money import Money
from persistence.columns import new_id
from persistence.invoices import InvoiceDetail
from persistence.issuing import take_number
from persistence.models import CreditNoteRow

CREDIT_NOTE_SERIES = "credit_note"


@dataclass(frozen=True, slots=True)
class CreditNote:
    """One credit note; `credited` is what had been paid of the invoice and is the customer's credit now."""

    id: str
    number: str
    invoice_id: str
    customer_id: str
    net: Money
    tax: Money
    total: Money
    credited: Money
    reason: str
    issued_at: datetime
    issued_on: date
    issued_by: str


def issue(
    session: Session, detail: InvoiceDetail, *, prefix: str, reason: str, actor: str, now: datetime, issued_on: date
) -> CreditNote:
    """Number and store the credit note over all of an invoice, in the transaction that voids it.

    Args:
        prefix: of the tenant's invoice numbers; credit notes are `CVT-CN-000001`.
        issued_on: the tenant's local day.
    """
    sequence = take_number(session, CREDIT_NOTE_SERIES)
    invoice = detail.invoice
    row = CreditNoteRow(
        id=new_id(Prefix.CREDIT_NOTE),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        series=CREDIT_NOTE_SERIES,
        sequence=sequence,
        number=format_number(f"{prefix}CN-", sequence),
        currency=invoice.total.currency,
        net=detail.net.minor,
        tax=detail.tax.minor,
        total=invoice.total.minor,
        credited=(invoice.total - invoice.amount_due).minor,
        reason=reason,
        issued_at=now,
        issued_on=issued_on,
        issued_by=actor,
    )
    session.add(row)
    session.flush()
    return _note(row)


def of_invoice(session: Session, invoice_id: str) -> CreditNote | None:
    row = session.scalars(select(CreditNoteRow).where(CreditNoteRow.invoice_id == invoice_id)).one_or_none()
    return _note(row) if row else None


def page(session: Session, *, after: str | None, limit: int, customer_id: str | None = None) -> list[CreditNote]:
    """Credit notes in the order of issue."""
    statement = select(CreditNoteRow).order_by(CreditNoteRow.id).limit(limit)
    if after:
        statement = statement.where(CreditNoteRow.id > after)
    if customer_id:
        statement = statement.where(CreditNoteRow.customer_id == customer_id)
    return [_note(row) for row in session.scalars(statement)]


def _note(row: CreditNoteRow) -> CreditNote:
    return CreditNote(
        id=row.id,
        number=row.number,
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        net=Money(row.net, row.currency),
        tax=Money(row.tax, row.currency),
        total=Money(row.total, row.currency),
        credited=Money(row.credited, row.currency),
        reason=row.reason,
        issued_at=row.issued_at,
        issued_on=row.issued_on,
        issued_by=row.issued_by,
    )
