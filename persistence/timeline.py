"""What happened to a customer or to one of its invoices, newest first, a page at a time.

The events are found here, and read in `timeline_facts.py`.

Each source is one branch of a union of instants and ids, cut to the page before anything else is read. What two sources tell is
taken from one: the letter and not the step that wrote it, the settlement and not the begin of a payment that staff recorded.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Select,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from domain.happenings import Event
from domain.letters import Letter
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus
from domain.timeline import Position
from persistence import audit, tenants, timeline_facts
from persistence.columns import Instant
from persistence.models import (
    AllocationRow,
    AuditRow,
    CustomerRow,
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
from persistence.timeline_rows import About, Moment, Source

_Ids = Select[Any]
_Branch = Select[Any]

_ACCOUNT_LETTERS = [Letter.SUSPENSION_NOTICE.value, Letter.REACTIVATION_CONFIRMATION.value]
_STEP_LETTERS = [letter.value for letter in Letter if letter.chases or letter is Letter.SUSPENSION_NOTICE]
_RECORDED_BY_STAFF = [method.value for method in PaymentMethod if method.gateway is None]


def page(session: Session, about: About, *, after: Position | None = None, limit: int, now: datetime) -> list[Event]:
    """At most `limit` events before `after`, newest first.

    Args:
        now: instant (UTC); due days and links that end later have not happened.
    """
    zone = tenants.current(session).time_zone
    found = union_all(*(_cut(branch, after, limit) for branch in _branches(about, zone, now))).subquery()
    rows = session.execute(_cut(select(found), after, limit))
    return timeline_facts.read(session, about, [Moment(row.at, row.place, Source(row.source), row.of) for row in rows])


def _branches(about: About, zone: str, now: datetime) -> list[_Branch]:
    return [
        _issued(about),
        _due_days_passed(about, zone, now),
        *_audited(about),
        _letters(about),
        _steps(about, zone),
        _links_expired(about, now),
        _reviews_opened(about),
        _moves_not_made(about),
    ]


def _branch(source: Source, rank: int, at: Any, place: Any, of: Any = None) -> _Branch:
    """Args: rank: which comes first of what happened at the same instant; of: the row's id, where it is not the place."""
    of = place if of is None else of
    where = literal(str(rank)).concat(place)
    return select(cast(at, Instant).label("at"), where.label("place"), literal(source.value).label("source"), of.label("of"))


def _cut(branch: _Branch, after: Position | None, limit: int) -> _Branch:
    moments = branch.subquery()
    # By bytes, so that the order is the same whatever language the database sorts in.
    at, place = moments.c.at, moments.c.place.collate("C")
    cut = select(moments).order_by(at.desc(), place.desc()).limit(limit)
    return cut if after is None else cut.where(tuple_(at, place) < tuple_(literal(after.at, Instant), literal(after.place)))


def _invoices(about: About) -> ColumnElement[bool]:
    is_customers = InvoiceRow.customer_id == about.customer_id
    return and_(is_customers, InvoiceRow.id == about.invoice.invoice.id) if about.invoice else is_customers


def _invoice_ids(about: About) -> _Ids:
    return select(InvoiceRow.id).where(_invoices(about))


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


def _issued(about: About) -> _Branch:
    return _branch(Source.ISSUED, 0, InvoiceRow.issued_at, InvoiceRow.id.concat("/issued"), InvoiceRow.id).where(
        _invoices(about)
    )


def _due_days_passed(about: About, zone: str, now: datetime) -> _Branch:
    day_after = cast(InvoiceRow.due_on, DateTime) + timedelta(days=1)
    at = func.timezone(zone, day_after, type_=Instant) - timedelta(seconds=1)
    return _branch(Source.DUE, 6, at, InvoiceRow.id.concat("/due"), InvoiceRow.id).where(
        _invoices(about), at <= now, or_(InvoiceRow.closed_at.is_(None), InvoiceRow.closed_at > at)
    )


def _audited(about: About) -> list[_Branch]:
    links = select(PaymentLinkRow.id).where(_links(about))
    reviews = select(ReviewRow.id).where(
        or_(ReviewRow.payment_id.in_(_payment_ids(about)), ReviewRow.resolved_payment_id.in_(_payment_ids(about)))
    )
    return [
        # The invoice's own row tells that it was issued.
        _entries("Invoice").where(AuditRow.resource_id.in_(_invoice_ids(about)), AuditRow.action != "INVOICE_ISSUED"),
        _entries("Payment")
        .join(PaymentRow, PaymentRow.id == AuditRow.resource_id)
        .where(_payments(about), not_(_is_told_twice())),
        # The letter tells that a link was sent.
        _entries("PaymentLink").where(AuditRow.resource_id.in_(links), AuditRow.action != "PAYMENT_LINK_SENT"),
        _entries("Review").where(AuditRow.resource_id.in_(reviews)),
        _of_customer(about),
        *([] if about.invoice else [_of_business(about)]),
    ]


def _entries(resource_type: str) -> _Branch:
    return _branch(Source.AUDIT, 2, AuditRow.at, AuditRow.id).where(AuditRow.resource_type == resource_type)


def _is_told_twice() -> ColumnElement[bool]:
    """What staff record is begun and settled at once; a reversal that was made tells who wanted it and why."""
    by_hand = or_(PaymentRow.method.in_(_RECORDED_BY_STAFF), PaymentRow.manual_reference.is_not(None))
    begun = and_(
        AuditRow.action == "PAYMENT_INITIATED", by_hand, PaymentRow.status.in_([PaymentStatus.SETTLED, PaymentStatus.REVERSED])
    )
    return or_(begun, and_(AuditRow.action == audit.REVERSAL_REQUESTED, PaymentRow.status == PaymentStatus.REVERSED))


def _of_customer(about: About) -> _Branch:
    entries = _entries("Customer").where(AuditRow.resource_id == about.customer_id)
    if about.invoice is None:
        return entries
    is_about_it = AuditRow.details["invoice_id"].astext == about.invoice.invoice.id
    return entries.where(or_(_while_open(about, AuditRow.at), is_about_it))


def _of_business(about: About) -> _Branch:
    """The business's own policy, which holds for the customer's new invoices."""
    since = select(CustomerRow.created_at).where(CustomerRow.id == about.customer_id).scalar_subquery()
    return _entries("Tenant").where(AuditRow.action == "DUNNING_POLICY_CHANGED", AuditRow.at >= since)


def _letters(about: About) -> _Branch:
    at = func.coalesce(MessageRow.sent_at, MessageRow.failed_at, MessageRow.queued_at)
    letters = _branch(Source.LETTER, 8, at, MessageRow.id).where(MessageRow.customer_id == about.customer_id)
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


def _steps(about: About, zone: str) -> _Branch:
    """Steps that were pointless, and those that were taken and left nothing else behind.

    A write-off is in the audit log, a suspension too when it placed the hold; a letter is one that lists the invoice, of the
    day of the step (in the tenant's zone): there is one step a day.
    """
    of_customer = MessageRow.customer_id == about.customer_id, MessageRow.letter.in_(_STEP_LETTERS)
    written = union_all(
        select(MessageRow.invoice_id, _day(MessageRow.queued_at, zone)).where(*of_customer, MessageRow.invoice_id.is_not(None)),
        select(LetterInvoiceRow.invoice_id, _day(MessageRow.queued_at, zone))
        .join(MessageRow, MessageRow.id == LetterInvoiceRow.message_id)
        .where(*of_customer),
    )
    by_whom = AuditRow.details["invoice_id"].astext
    suspended = select(by_whom, AuditRow.at).where(
        AuditRow.resource_type == "Customer",
        AuditRow.resource_id == about.customer_id,
        AuditRow.action == "CUSTOMER_SUSPENDED",
        by_whom.is_not(None),
    )
    is_silent = and_(
        not_(DunningStepRow.step.endswith("-write_off")),
        tuple_(DunningStepRow.invoice_id, _day(DunningStepRow.decided_at, zone)).not_in(written),
        tuple_(DunningStepRow.invoice_id, DunningStepRow.decided_at).not_in(suspended),
    )
    identity = DunningStepRow.invoice_id.concat("/").concat(DunningStepRow.step)
    return _branch(Source.STEP, 3, DunningStepRow.decided_at, identity).where(
        DunningStepRow.invoice_id.in_(_invoice_ids(about)), or_(DunningStepRow.outcome == "POINTLESS", is_silent)
    )


def _day(at: Any, zone: str) -> ColumnElement[Any]:
    return cast(func.timezone(zone, at), Date)


def _links_expired(about: About, now: datetime) -> _Branch:
    """Also those that were marked otherwise afterwards: paid with their invoice, though nobody could pay by them any more."""
    was_open = or_(
        PaymentLinkRow.status.in_([LinkStatus.ACTIVE.value, LinkStatus.EXPIRED.value]),
        PaymentLinkRow.closed_at > PaymentLinkRow.expires_at,
    )
    place = PaymentLinkRow.id.concat("/expired")
    return _branch(Source.LINK_EXPIRED, 4, PaymentLinkRow.expires_at, place, PaymentLinkRow.id).where(
        _links(about), was_open, PaymentLinkRow.expires_at <= now
    )


def _reviews_opened(about: About) -> _Branch:
    return _branch(Source.REVIEW, 5, ReviewRow.opened_at, ReviewRow.id).where(ReviewRow.payment_id.in_(_payment_ids(about)))


def _moves_not_made(about: About) -> _Branch:
    """What staff asked for and was refused, or waits; what was made is in the audit log."""
    at = func.coalesce(StaffMoveRow.decided_at, StaffMoveRow.requested_at)
    moves = _branch(Source.MOVE, 1, at, StaffMoveRow.id).where(
        StaffMoveRow.customer_id == about.customer_id, StaffMoveRow.status != MoveStatus.DONE.value
    )
    if about.invoice is None:
        return moves
    is_customers = and_(StaffMoveRow.invoice_id.is_(None), _while_open(about, at))
    return moves.where(or_(StaffMoveRow.invoice_id == about.invoice.invoice.id, is_customers))
