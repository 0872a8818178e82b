"""The rows behind a page of a timeline, read with one query a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from persistence import tenants
from persistence.invoices import InvoiceDetail
from persistence.models import (
    AllocationRow,
    AuditRow,
    Base,
    DunningPolicyRow,
    DunningStepRow,
    InvoiceRow,
    LetterInvoiceRow,
    MessageRow,
    PaymentLinkRow,
    PaymentRow,
    ReviewRow,
    StaffMoveRow,
)
from persistence.moves import MoveStatus

_Row = TypeVar("_Row", bound=Base)
# Who moved which invoice or customer, and when: as the audit entry and the move's row say it alike.
_Done = tuple[str, datetime, str]


class Source(StrEnum):
    """Where an event is told."""

    ISSUED = "issued"
    DUE = "due"
    AUDIT = "audit"
    LETTER = "letter"
    STEP = "step"
    LINK_EXPIRED = "link expired"
    REVIEW = "review"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class About:
    """Whose timeline: a customer's, or that of one of its invoices."""

    customer_id: str
    invoice: InvoiceDetail | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An event that was found: when (UTC), its place among those of the same instant, and the row that tells of it."""

    at: datetime
    place: str
    source: Source
    of: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What a page needs, by id.

    Attributes:
        zone: of the tenant (IANA).
        steps: by invoice and key, `inv_…/3-final_warning`; those of the page, and those that its letters were written for.
        parts: what the payments were used for, in the order of the invoices' ids.
        uses: all that was ever used for the invoices among `parts`, with when its payment was reversed.
        listed: the invoices that a letter lists.
        notes: what staff wrote about the policies.
        issuers: who had the invoices issued.
        senders: who had a link sent, by letter.
        moves_done: the moves that were made, by who made them on what and when.
    """

    zone: str
    invoices: dict[str, InvoiceRow]
    audits: dict[str, AuditRow]
    letters: dict[str, MessageRow]
    listed: dict[str, list[str]]
    steps: dict[str, DunningStepRow]
    links: dict[str, PaymentLinkRow]
    payments: dict[str, PaymentRow]
    parts: dict[str, list[AllocationRow]]
    uses: dict[str, list[tuple[AllocationRow, datetime | None]]]
    reviews: dict[str, ReviewRow]
    moves: dict[str, StaffMoveRow]
    notes: dict[str, str]
    issuers: dict[str, str]
    senders: dict[str, str]
    moves_done: dict[_Done, str]


def load(session: Session, about: About, moments: Sequence[Moment]) -> Rows:
    """Read what the events of a page are told from."""
    of: dict[Source, list[str]] = {source: [] for source in Source}
    for moment in moments:
        of[moment.source].append(moment.of)
    audits = _by_id(session, AuditRow, of[Source.AUDIT])
    letters, reviews = _by_id(session, MessageRow, of[Source.LETTER]), _by_id(session, ReviewRow, of[Source.REVIEW])
    moves = _by_id(session, StaffMoveRow, of[Source.MOVE])
    links = _by_id(session, PaymentLinkRow, [*of[Source.LINK_EXPIRED], *_resources(audits, "PaymentLink")])
    payments = _by_id(
        session, PaymentRow, [*_resources(audits, "Payment"), *_filled(row.payment_id for row in reviews.values())]
    )
    parts = _parts(session, payments)
    listed = _listed(session, letters)
    steps = {**_steps(session, of[Source.STEP]), **_taken(session, letters)}
    named = {
        *of[Source.ISSUED], *of[Source.DUE], *_resources(audits, "Invoice"),
        *(row.invoice_id for row in steps.values()),
        *(part.invoice_id for found in parts.values() for part in found),
        *(invoice_id for found in listed.values() for invoice_id in found),
        *_filled(str(row.details.get("invoice_id") or "") for row in audits.values()),
        *_filled(row.invoice_id for rows in (letters, links, payments, moves) for row in rows.values()),
    }  # fmt: skip
    return Rows(
        zone=tenants.current(session).time_zone,
        invoices=_by_id(session, InvoiceRow, named),
        audits=audits,
        letters=letters,
        listed=listed,
        steps=steps,
        links=links,
        payments=payments,
        parts=parts,
        uses=_uses(session, {part.invoice_id for found in parts.values() for part in found}),
        reviews=reviews,
        moves=moves,
        notes=_notes(session, audits),
        issuers=_issuers(session, of[Source.ISSUED]),
        senders=_senders(session, letters),
        moves_done=_moves_done(session, about, audits),
    )


def _by_id(session: Session, row: type[_Row], ids: Iterable[str]) -> dict[str, _Row]:
    wanted = sorted(set(ids))
    (key,) = row.__mapper__.primary_key
    found = session.scalars(select(row).where(key.in_(wanted))) if wanted else ()
    return {str(getattr(each, key.name)): each for each in found}


def _filled(ids: Iterable[str | None]) -> list[str]:
    return [each for each in ids if each]


def _resources(audits: dict[str, AuditRow], resource_type: str) -> list[str]:
    return [row.resource_id for row in audits.values() if row.resource_type == resource_type]


def _parts(session: Session, payments: dict[str, PaymentRow]) -> dict[str, list[AllocationRow]]:
    found: dict[str, list[AllocationRow]] = {}
    rows = select(AllocationRow).where(AllocationRow.payment_id.in_(payments)).order_by(AllocationRow.invoice_id)
    for row in session.scalars(rows) if payments else ():
        found.setdefault(row.payment_id, []).append(row)
    return found


def _uses(session: Session, invoice_ids: set[str]) -> dict[str, list[tuple[AllocationRow, datetime | None]]]:
    found: dict[str, list[tuple[AllocationRow, datetime | None]]] = {}
    rows = (
        select(AllocationRow, PaymentRow.reversed_at)
        .join(PaymentRow, PaymentRow.id == AllocationRow.payment_id)
        .where(AllocationRow.invoice_id.in_(invoice_ids))
    )
    for row, reversed_at in session.execute(rows) if invoice_ids else ():
        found.setdefault(row.invoice_id, []).append((row, reversed_at))
    return found


def _listed(session: Session, letters: dict[str, MessageRow]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    rows = select(LetterInvoiceRow).where(LetterInvoiceRow.message_id.in_(letters)).order_by(LetterInvoiceRow.invoice_id)
    for row in session.scalars(rows) if letters else ():
        found.setdefault(row.message_id, []).append(row.invoice_id)
    return found


def _steps(session: Session, named: list[str]) -> dict[str, DunningStepRow]:
    keys = [tuple(each.split("/", 1)) for each in named]
    rows = select(DunningStepRow).where(tuple_(DunningStepRow.invoice_id, DunningStepRow.step).in_(keys))
    return {f"{row.invoice_id}/{row.step}": row for row in session.scalars(rows)} if keys else {}


def _taken(session: Session, letters: dict[str, MessageRow]) -> dict[str, DunningStepRow]:
    """The steps that were taken on the invoices that the letters are about."""
    about = _filled(row.invoice_id for row in letters.values())
    rows = select(DunningStepRow).where(DunningStepRow.invoice_id.in_(about), DunningStepRow.outcome == "TAKEN")
    return {f"{row.invoice_id}/{row.step}": row for row in session.scalars(rows)} if about else {}


def _notes(session: Session, audits: dict[str, AuditRow]) -> dict[str, str]:
    ids = _filled(str(row.details.get("policy_id") or "") for row in audits.values())
    return {policy_id: row.note for policy_id, row in _by_id(session, DunningPolicyRow, ids).items()}


def _issuers(session: Session, invoice_ids: list[str]) -> dict[str, str]:
    rows = select(AuditRow).where(
        AuditRow.resource_type == "Invoice", AuditRow.resource_id.in_(invoice_ids), AuditRow.action == "INVOICE_ISSUED"
    )
    return {row.resource_id: row.actor for row in session.scalars(rows)} if invoice_ids else {}


def _senders(session: Session, letters: dict[str, MessageRow]) -> dict[str, str]:
    links = [row.entity_id for row in letters.values() if row.entity_type == "PaymentLink"]
    rows = select(AuditRow).where(
        AuditRow.resource_type == "PaymentLink", AuditRow.resource_id.in_(links), AuditRow.action == "PAYMENT_LINK_SENT"
    )
    return {str(row.details.get("message_id")): row.actor for row in session.scalars(rows)} if links else {}


def _moves_done(session: Session, about: About, audits: dict[str, AuditRow]) -> dict[_Done, str]:
    rows = select(StaffMoveRow).where(
        StaffMoveRow.customer_id == about.customer_id,
        StaffMoveRow.status == MoveStatus.DONE.value,
        StaffMoveRow.decided_at.in_({row.at for row in audits.values()}),
    )
    return {
        (row.invoice_id or row.customer_id, row.decided_at, row.actor): row.id
        for row in session.scalars(rows)
        if row.decided_at is not None
    }
