"""What happened to a customer or to one of its invoices, newest first, a page at a time.

The events are found here, and read in `timeline_facts.py`.

Each source is one branch of a union of instants and ids, cut to the page before anything else is read. What two sources tell is
taken from one: the letter and not the step that wrote it, the settlement and not the begin of a payment that staff recorded.
What happened at the same instant is told in the order of cause and effect: moves, what the system did about them, letters.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from domain.happenings import Event
from domain.letters import Letter
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus
from domain.timeline import Position
from persistence import audit, tenants, timeline_facts, timeline_steps
from persistence.columns import Instant
from persistence.models import (
    AllocationRow,
    AuditRow,
    InvoiceRow,
    LetterInvoiceRow,
    MessageRow,
    PaymentLinkRow,
    PaymentRow,
    ReviewRow,
    StaffMoveRow,
)
from persistence.moves import MoveStatus
from persistence.timeline_rows import HOLD_CHANGES, About, Moment, Source
from persistence.timeline_sources import Branch, branch, invoice_ids, is_of

_Ids = Select[Any]

_ACCOUNT_LETTERS = [Letter.SUSPENSION_NOTICE.value, Letter.REACTIVATION_CONFIRMATION.value]
_RECORDED_BY_STAFF = [method.value for method in PaymentMethod if method.gateway is None]
_DOUBLE_CLICK = timedelta(minutes=1)


def page(session: Session, about: About, *, after: Position | None = None, limit: int, now: datetime) -> list[Event]:
    """At most `limit` events before `after`, newest first.

    Args:
        now: instant (UTC); due days and links that end later have not happened.
    """
    zone = tenants.current(session).time_zone
    found = union_all(*(_cut(each, after, limit) for each in _branches(about, zone, now))).subquery()
    rows = session.execute(_cut(select(found), after, limit))
    return timeline_facts.read(session, about, [Moment(row.at, row.place, Source(row.source), row.of) for row in rows])


def _branches(about: About, zone: str, now: datetime) -> list[Branch]:
    return [
        _issued(about),
        _due_days_passed(about, zone, now),
        *_audited(about),
        _letters(about),
        timeline_steps.decided(about, zone),
        timeline_steps.left_out(about),
        _links_expired(about, now),
        _reviews_opened(about),
        _moves_not_made(about),
    ]


def _cut(found: Branch, after: Position | None, limit: int) -> Branch:
    moments = found.subquery()
    # By bytes, so that the order is the same whatever language the database sorts in.
    at, place = moments.c.at, moments.c.place.collate("C")
    cut = select(moments).order_by(at.desc(), place.desc()).limit(limit)
    return cut if after is None else cut.where(tuple_(at, place) < tuple_(literal(after.at, Instant), literal(after.place)))


def _payments(about: About) -> ColumnElement[bool]:
    """The customer's payments, or those that were meant for the invoice or paid some of it."""
    is_customers = PaymentRow.customer_id == about.customer_id
    if about.invoice is None:
        return is_customers
    invoice_id = about.invoice.invoice.id
    used_for = select(AllocationRow.payment_id).where(AllocationRow.invoice_id == invoice_id)
    return and_(is_customers, or_(PaymentRow.invoice_id == invoice_id, PaymentRow.id.in_(used_for)))


def _payment_ids(about: About) -> _Ids:
    return select(PaymentRow.id).where(_payments(about))


def _links(about: About) -> ColumnElement[bool]:
    is_customers = PaymentLinkRow.customer_id == about.customer_id
    return and_(is_customers, PaymentLinkRow.invoice_id == about.invoice.invoice.id) if about.invoice else is_customers


def _while_open(about: About, at: Any) -> ColumnElement[bool]:
    """What concerns the customer as a whole is in an invoice's timeline as long as the invoice is open."""
    if about.invoice is None:
        return true()
    closed_at = about.invoice.closed_at
    return and_(at >= about.invoice.issued_at, at <= closed_at) if closed_at else at >= about.invoice.issued_at


def _issued(about: About) -> Branch:
    return branch(Source.ISSUED, 0, InvoiceRow.issued_at, InvoiceRow.id.concat("/issued"), InvoiceRow.id).where(is_of(about))


def _due_days_passed(about: About, zone: str, now: datetime) -> Branch:
    day_after = cast(InvoiceRow.due_on, DateTime) + timedelta(days=1)
    at = func.timezone(zone, day_after, type_=Instant) - timedelta(seconds=1)
    return branch(Source.DUE, 6, at, InvoiceRow.id.concat("/due"), InvoiceRow.id).where(
        is_of(about), at <= now, or_(InvoiceRow.closed_at.is_(None), InvoiceRow.closed_at > at)
    )


def _audited(about: About) -> list[Branch]:
    links = select(PaymentLinkRow.id).where(_links(about))
    reviews = select(ReviewRow.id).where(
        or_(ReviewRow.payment_id.in_(_payment_ids(about)), ReviewRow.resolved_payment_id.in_(_payment_ids(about)))
    )
    return [
        # The invoice's own row tells that it was issued.
        _entries("Invoice").where(AuditRow.resource_id.in_(invoice_ids(about)), AuditRow.action != "INVOICE_ISSUED"),
        _entries("Payment")
        .join(PaymentRow, PaymentRow.id == AuditRow.resource_id)
        .where(_payments(about), not_(_is_told_twice())),
        # The letter tells that a link was sent.
        _entries("PaymentLink").where(AuditRow.resource_id.in_(links), AuditRow.action != "PAYMENT_LINK_SENT"),
        _entries("Review").where(AuditRow.resource_id.in_(reviews)),
        _of_customer(about),
    ]


def _entries(resource_type: str, rank: Any = 2) -> Branch:
    return branch(Source.AUDIT, rank, AuditRow.at, AuditRow.id).where(AuditRow.resource_type == resource_type)


def _is_told_twice() -> ColumnElement[bool]:
    """What staff record is begun and settled at once; a reversal that was made tells who wanted it and why."""
    by_hand = or_(PaymentRow.method.in_(_RECORDED_BY_STAFF), PaymentRow.manual_reference.is_not(None))
    begun = and_(
        AuditRow.action == "PAYMENT_INITIATED", by_hand, PaymentRow.status.in_([PaymentStatus.SETTLED, PaymentStatus.REVERSED])
    )
    return or_(begun, and_(AuditRow.action == audit.REVERSAL_REQUESTED, PaymentRow.status == PaymentStatus.REVERSED))


def _of_customer(about: About) -> Branch:
    # Whichever was recorded first: the system's holds follow from what staff did, or what was paid, at that instant.
    is_effect = and_(AuditRow.action.in_(HOLD_CHANGES), AuditRow.actor == audit.SYSTEM)
    rank = case((is_effect, literal("7")), else_=literal("2"))
    entries = _entries("Customer", rank).where(AuditRow.resource_id == about.customer_id)
    if about.invoice is None:
        return entries
    is_about_it = AuditRow.details["invoice_id"].astext == about.invoice.invoice.id
    return entries.where(or_(_while_open(about, AuditRow.at), is_about_it))


def _letters(about: About) -> Branch:
    at = func.coalesce(MessageRow.sent_at, MessageRow.failed_at, MessageRow.queued_at)
    letters = branch(Source.LETTER, 8, at, MessageRow.id).where(MessageRow.customer_id == about.customer_id)
    if about.invoice is None:
        return letters
    invoice_id = about.invoice.invoice.id
    return letters.where(
        or_(
            MessageRow.invoice_id == invoice_id,
            MessageRow.id.in_(select(LetterInvoiceRow.message_id).where(LetterInvoiceRow.invoice_id == invoice_id)),
            MessageRow.payment_id.in_(_payment_ids(about)),
            and_(MessageRow.letter.in_(_ACCOUNT_LETTERS), _while_open(about, MessageRow.queued_at)),
        )
    )


def _links_expired(about: About, now: datetime) -> Branch:
    """Also those that were marked otherwise afterwards: paid with their invoice, though nobody could pay by them any more."""
    was_open = or_(
        PaymentLinkRow.status.in_([LinkStatus.ACTIVE.value, LinkStatus.EXPIRED.value]),
        PaymentLinkRow.closed_at > PaymentLinkRow.expires_at,
    )
    place = PaymentLinkRow.id.concat("/expired")
    return branch(Source.LINK_EXPIRED, 4, PaymentLinkRow.expires_at, place, PaymentLinkRow.id).where(
        _links(about), was_open, PaymentLinkRow.expires_at <= now
    )


def _reviews_opened(about: About) -> Branch:
    return branch(Source.REVIEW, 5, ReviewRow.opened_at, ReviewRow.id).where(ReviewRow.payment_id.in_(_payment_ids(about)))


def _moves_not_made(about: About) -> Branch:
    """What staff asked for and was refused, or waits; what was made is in the audit log.

    The same refusal again within a minute was a second click, and is told once.
    """
    earlier = aliased(StaffMoveRow)
    same = [earlier.customer_id, earlier.kind, earlier.details, earlier.actor, earlier.reason, earlier.refusal]
    is_second_click = exists().where(
        *(column == getattr(StaffMoveRow, column.key) for column in same),
        earlier.invoice_id.is_not_distinct_from(StaffMoveRow.invoice_id),
        tuple_(earlier.decided_at, earlier.id) < tuple_(StaffMoveRow.decided_at, StaffMoveRow.id),
        earlier.decided_at > StaffMoveRow.decided_at - _DOUBLE_CLICK,
    )
    at = func.coalesce(StaffMoveRow.decided_at, StaffMoveRow.requested_at)
    moves = branch(Source.MOVE, 1, at, StaffMoveRow.id).where(
        StaffMoveRow.customer_id == about.customer_id, StaffMoveRow.status != MoveStatus.DONE.value, not_(is_second_click)
    )
    if about.invoice is None:
        return moves
    is_customers = and_(StaffMoveRow.invoice_id.is_(None), _while_open(about, at))
    return moves.where(or_(StaffMoveRow.invoice_id == about.invoice.invoice.id, is_customers))
