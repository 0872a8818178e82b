"""Which invoices a letter to a customer with several late ones lists; the letter itself is in `messages.py`."""

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from persistence.models import LetterInvoiceRow


def add(session: Session, message_id: str, invoice_ids: Collection[str]) -> None:
    """Put invoices on a letter's list; those that are on it already stay there once."""
    rows = [{"message_id": message_id, "invoice_id": invoice_id} for invoice_id in sorted(invoice_ids)]
    session.execute(insert(LetterInvoiceRow).values(rows).on_conflict_do_nothing())


def of_message(session: Session, message_id: str) -> list[str]:
    """The ids of the invoices that a letter lists, in order; empty when it is about one thing and lists none."""
    return list(
        session.scalars(
            select(LetterInvoiceRow.invoice_id)
            .where(LetterInvoiceRow.message_id == message_id)
            .order_by(LetterInvoiceRow.invoice_id)
        )
    )


def mark_told(session: Session, message_id: str, invoice_ids: Collection[str]) -> None:
    """Note which of its invoices a letter asks for as it is written now."""
    session.execute(
        update(LetterInvoiceRow)
        .where(LetterInvoiceRow.message_id == message_id)
        .values(told=LetterInvoiceRow.invoice_id.in_(list(invoice_ids)))
        .execution_options(synchronize_session=False)
    )


def is_told(session: Session, message_id: str, invoice_id: str) -> bool:
    """Whether a list as it was written last asks for an invoice."""
    row = session.get(LetterInvoiceRow, (message_id, invoice_id), populate_existing=True)
    return row is not None and row.told
