"""The rows behind a page of a timeline, read with one query a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from persistence import tenants, timeline_obstacles
from persistence.invoices import InvoiceDetail
from persistence.models import (
    AllocationRow,
    AuditRow,
    Base,
    DunningPolicyRow,
    DunningStepRow,
    HoldRow,
    InvoiceRow,
    LetterInvoiceRow,
    MessageRow,
    PaymentLinkRow,
    PaymentRow,
    ReviewRow,
    StaffMoveRow,
)
from persistence.moves import MoveStatus
from persistence.timeline_obstacles import Obstacles

_Row = TypeVar("_Row", bound=Base)
HOLD_CHANGES = ("CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_PLACED", "CUSTOMER_HOLD_LIFTED")


class Source(StrEnum):
    """Where an event is told."""

    ISSUED = "issued"
    DUE = "due"
    AUDIT = "audit"
    LETTER = "letter"
    STEP = "step"
    LEFT_OUT = "left out"
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
        steps: by invoice and key, `inv_…/3-final_warning`; those of the page, and all of the invoices that its letters, and
            steps that were left out, are about.
        obstacles: what kept the invoices of steps that were left out from being chased.
        holds: of the customer, where a step is told that may have found them held.
        parts: what the payments were used for, in the order of the invoices' ids.
        uses: all that was ever used for the invoices among `parts`, with when its payment was reversed.
        listed: the invoices that a letter lists.
        policies: the versions of dunning policies that its entries are about.
        issuers: who had the invoices issued.
        senders: who had a link sent, by letter.
        moves_done: the moves that were made on the customer or its invoices at an instant of the page, by that instant.
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
    obstacles: Obstacles
    holds: list[HoldRow]
    policies: dict[str, DunningPolicyRow]
    issuers: dict[str, str]
    senders: dict[str, str]
    moves_done: dict[datetime, list[StaffMoveRow]]


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
    left_out = {each.split("/", 1)[0] for each in of[Source.LEFT_OUT]}
    steps = {**_steps(session, of[Source.STEP]), **_all_steps(session, letters, left_out)}
    moves_done = _moves_done(session, about, audits)
    zone = tenants.current(session).time_zone
    named = {
        *of[Source.ISSUED], *of[Source.DUE], *_resources(audits, "Invoice"),
        *left_out, *(row.invoice_id for row in steps.values()),
        *(part.invoice_id for found in parts.values() for part in found),
        *(invoice_id for found in listed.values() for invoice_id in found),
        *_filled(str(row.details.get("invoice_id") or "") for row in audits.values()),
        *_filled(row.invoice_id for rows in (letters, links, payments, moves) for row in rows.values()),
        *_filled(row.invoice_id for rows in moves_done.values() for row in rows),
    }  # fmt: skip
    return Rows(
        zone=zone,
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
        obstacles=timeline_obstacles.load(session, about.customer_id, left_out, zone),
        holds=_holds(session, about, of[Source.STEP]),
        policies=_policies(session, audits),
        issuers=_issuers(session, of[Source.ISSUED]),
        senders=_senders(session, letters),
        moves_done=moves_done,
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


def _all_steps(session: Session, letters: dict[str, MessageRow], invoice_ids: set[str]) -> dict[str, DunningStepRow]:
    """All that became of the ladders of these invoices, and of those that the letters are about."""
    about = invoice_ids.union(_filled(row.invoice_id for row in letters.values()))
    rows = select(DunningStepRow).where(DunningStepRow.invoice_id.in_(about))
    return {f"{row.invoice_id}/{row.step}": row for row in session.scalars(rows)} if about else {}


def policy_id_of(details: Mapping[str, Any]) -> str | None:
    """The version of a dunning policy that an audit entry is about, if any: one that was made, or applied again."""
    found = details.get("policy_id") or (details.get("to") if "version" in details else None)
    return str(found) if found else None


def _policies(session: Session, audits: dict[str, AuditRow]) -> dict[str, DunningPolicyRow]:
    return _by_id(session, DunningPolicyRow, _filled(policy_id_of(row.details) for row in audits.values()))


def _holds(session: Session, about: About, steps: list[str]) -> list[HoldRow]:
    rows = select(HoldRow).where(HoldRow.customer_id == about.customer_id)
    return list(session.scalars(rows)) if steps else []


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


def _moves_done(session: Session, about: About, audits: dict[str, AuditRow]) -> dict[datetime, list[StaffMoveRow]]:
    found: dict[datetime, list[StaffMoveRow]] = {}
    rows = (
        select(StaffMoveRow)
        .where(
            StaffMoveRow.customer_id == about.customer_id,
            StaffMoveRow.status == MoveStatus.DONE.value,
            StaffMoveRow.decided_at.in_({row.at for row in audits.values()}),
        )
        .order_by(StaffMoveRow.id)
    )
    for row in session.scalars(rows):
        if row.decided_at is not None:
            found.setdefault(row.decided_at, []).append(row)
    return found
