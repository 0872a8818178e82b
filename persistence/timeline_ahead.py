"""What a timeline reads to look ahead: a customer's open invoices, their steps, who set them aside, and links that will end."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.dunning import TakenStep
from domain.invoice import InvoiceState
from domain.moves import MoveKind
from domain.payment_link import LinkStatus, PaymentLink
from domain.timeline_ahead import Wish
from persistence import invoices
from persistence.invoices import InvoiceDetail
from persistence.links import link_of
from persistence.models import DunningStepRow, PaymentLinkRow, StaffMoveRow
from persistence.moves import MoveStatus

_AT_ONCE = 200


def open_invoices(session: Session, customer_id: str) -> list[InvoiceDetail]:
    """All of them, in the order of issue."""
    found: list[InvoiceDetail] = []
    while True:
        after = found[-1].invoice.id if found else None
        page = invoices.page(session, after=after, limit=_AT_ONCE, state=InvoiceState.OPEN.value, customer_id=customer_id)
        found += page
        if len(page) < _AT_ONCE:
            return found


def taken_steps(session: Session, invoice_ids: Sequence[str]) -> dict[str, tuple[TakenStep, ...]]:
    """The steps that were taken on these invoices, by invoice id, in the order of time."""
    rows = session.scalars(
        select(DunningStepRow)
        .where(DunningStepRow.invoice_id.in_(invoice_ids), DunningStepRow.outcome == "TAKEN")
        .order_by(DunningStepRow.decided_at, DunningStepRow.step)
    )
    found: dict[str, tuple[TakenStep, ...]] = {}
    for row in rows:
        found[row.invoice_id] = (*found.get(row.invoice_id, ()), TakenStep(row.step, row.decided_at))
    return found


def last_moves(session: Session, invoice_ids: Sequence[str], kind: MoveKind) -> dict[str, Wish]:
    """Who made the last move of a kind on each of these invoices, and why, by invoice id."""
    rows = session.scalars(
        select(StaffMoveRow)
        .where(
            StaffMoveRow.invoice_id.in_(invoice_ids),
            StaffMoveRow.kind == kind.value,
            StaffMoveRow.status == MoveStatus.DONE.value,
        )
        .order_by(StaffMoveRow.decided_at, StaffMoveRow.id)
    )
    return {row.invoice_id: Wish(row.actor, row.reason) for row in rows if row.invoice_id is not None}


def ending_links(session: Session, invoice_id: str, now: datetime, limit: int) -> list[PaymentLink]:
    """The links for an invoice that take money and will end, the next first; its own ends with the invoice."""
    rows = session.scalars(
        select(PaymentLinkRow)
        .where(
            PaymentLinkRow.invoice_id == invoice_id,
            PaymentLinkRow.status == LinkStatus.ACTIVE.value,
            PaymentLinkRow.expires_at > now,
        )
        .order_by(PaymentLinkRow.expires_at, PaymentLinkRow.id)
        .limit(limit)
    )
    return [link_of(row) for row in rows]
