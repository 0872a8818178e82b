"""Closing an invoice otherwise than by payment: void by a credit note, or written off; in the caller's transaction.

The customer and the invoice are locked by the caller. Its links are closed with it, and whom it suspended may be back.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from activities.suspension import reactivate
from domain import ledger as entries
from domain.calendar import local_day
from domain.invoice import InvoiceState
from persistence import audit, credit_notes, invoices, ledger, links, tenants
from persistence.invoices import InvoiceDetail


def void(session: Session, detail: InvoiceDetail, actor: str, now: datetime, *, reason: str) -> str | None:
    """Take an open invoice back by a credit note; what was paid of it becomes credit. The letter to send, if any."""
    tenant, invoice = tenants.current(session), detail.invoice
    note = credit_notes.issue(
        session,
        detail,
        prefix=tenant.invoice_prefix,
        reason=reason,
        actor=actor,
        now=now,
        issued_on=local_day(now, tenant.time_zone),
    )
    ledger.post(session, entries.invoice_voided(invoice, detail.net, detail.tax), now)
    audit.record(
        session, now, actor, "INVOICE_VOIDED", "Invoice", invoice.id,
        number=invoice.number, credit_note=note.number, total=str(invoice.total), credited=str(note.credited), reason=reason,
    )  # fmt: skip
    return _close(session, detail, InvoiceState.VOID, now)


def write_off(session: Session, detail: InvoiceDetail, actor: str, now: datetime, *, reason: str) -> str | None:
    """Give up what is left of an open invoice: a bad debt. The letter to send, if any."""
    invoice = detail.invoice
    ledger.post(session, entries.invoice_written_off(invoice), now)
    audit.record(
        session, now, actor, "INVOICE_WRITTEN_OFF", "Invoice", invoice.id,
        number=invoice.number, amount=str(invoice.amount_due), reason=reason,
    )  # fmt: skip
    return _close(session, detail, InvoiceState.WRITTEN_OFF, now)


def _close(session: Session, detail: InvoiceDetail, state: InvoiceState, now: datetime) -> str | None:
    invoices.close(session, detail.invoice.id, state, now)
    links.cancel_of_invoice(session, detail.invoice.id, now)
    return reactivate(session, detail.invoice.customer_id, now, invoice_id=detail.invoice.id)
