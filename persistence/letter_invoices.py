"""Which invoices a letter to a customer with several late ones lists; the letter itself is in `messages.py`."""

from collections.abc import Collection

from sqlalchemy import select
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
