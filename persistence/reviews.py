"""Needs review: what a person must look at, because no rule can decide it, and what the person decided."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.money import Money
from domain.payment import PaymentStatus
from persistence.columns import new_id
from persistence.models import PaymentRow, ReviewRow


@dataclass(frozen=True, slots=True)
class Review:
    """A question about money; `reason` is a word for machines, `explanation` a sentence for people.

    Attributes:
        payment_id: the payment that it is about; None for money that fits none (then `webhook_id` names the update).
        gateway, gateway_reference, amount: the money in question, as far as the gateway told.
        resolution: MATCHED, CREDITED or DISMISSED by `resolved_by`; None while it is open, also when it is so again because
            the payment that it was booked as was reversed.
    """

    id: str
    payment_id: str | None
    webhook_id: str | None
    reason: str
    explanation: str
    gateway: str | None
    gateway_reference: str | None
    amount: Money | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    resolution_note: str | None
    resolved_payment_id: str | None


@dataclass(frozen=True, slots=True)
class MoneyInQuestion:
    """What a gateway says was received, where it fits nothing: kept for the person who decides."""

    gateway: str
    gateway_reference: str | None
    amount: Money | None


def open_for(
    session: Session,
    payment_id: str,
    reason: str,
    explanation: str,
    now: datetime,
    money: MoneyInQuestion | None = None,
    *,
    again: bool = False,
) -> None:
    """Ask a person to look; once per payment and reason, also after it was decided, unless there is something new.

    Args:
        session: in which the payment is locked.
        again: what was decided before is not about this any more; what is open still says this instead, if it is of more.
    """
    asked = select(ReviewRow).where(ReviewRow.payment_id == payment_id, ReviewRow.reason == reason)
    if again:
        asked = asked.where(ReviewRow.resolved_at.is_(None))
    row = session.scalar(asked.limit(1))
    if row is None:
        _open(session, reason, explanation, now, money, payment_id=payment_id)
    elif again and money is not None and money.amount is not None and money.amount.minor > (row.amount or 0):
        row.explanation, row.amount, row.currency = explanation, money.amount.minor, money.amount.currency
        session.flush()


def largest_amount(session: Session, payment_id: str, reason: str) -> int:
    """The largest amount (minor units) that a person was asked about for this reason; 0 when never."""
    statement = select(func.max(ReviewRow.amount)).where(ReviewRow.payment_id == payment_id, ReviewRow.reason == reason)
    return session.scalar(statement) or 0


def open_unmatched(
    system: Session, tenant_id: str, webhook_id: str, explanation: str, now: datetime, money: MoneyInQuestion
) -> None:
    """Ask a person to look at a verified update that fits no payment; once per update."""
    _open(system, "UNMATCHED", explanation, now, money, tenant_id=tenant_id, webhook_id=webhook_id)


def _open(session: Session, reason: str, explanation: str, now: datetime, money: MoneyInQuestion | None, **about: str) -> None:
    amount = money.amount if money else None
    session.execute(
        insert(ReviewRow)
        .values(
            id=new_id(Prefix.REVIEW),
            reason=reason,
            explanation=explanation,
            gateway=money.gateway if money else None,
            gateway_reference=money.gateway_reference if money else None,
            amount=amount.minor if amount else None,
            currency=amount.currency if amount else None,
            opened_at=now,
            **about,
        )
        .on_conflict_do_nothing()
    )


def unresolved(session: Session, *, after: str | None, limit: int) -> list[Review]:
    """Open questions, oldest first."""
    statement = select(ReviewRow).where(ReviewRow.resolved_at.is_(None)).order_by(ReviewRow.id).limit(limit)
    if after:
        statement = statement.where(ReviewRow.id > after)
    return [_review(row) for row in session.scalars(statement)]


def decided(session: Session, *, after: str | None, limit: int) -> list[Review]:
    """What was decided, newest question first."""
    statement = select(ReviewRow).where(ReviewRow.resolved_at.is_not(None)).order_by(ReviewRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(ReviewRow.id < after)
    return [_review(row) for row in session.scalars(statement)]


def opened_at(session: Session, payment_id: str, instant: datetime) -> int:
    """How many questions about a payment were opened at this very instant."""
    statement = select(func.count()).where(ReviewRow.payment_id == payment_id, ReviewRow.opened_at == instant)
    return session.scalar(statement) or 0


def is_asked_about(system: Session, tenant_id: str, money: MoneyInQuestion) -> bool:
    """Whether a person was asked about a gateway's payment before: several updates may tell of the same one."""
    known = exists().where(
        ReviewRow.tenant_id == tenant_id,
        ReviewRow.gateway == money.gateway,
        ReviewRow.gateway_reference == money.gateway_reference,
    )
    return bool(system.scalar(select(known)))


def of_webhook(session: Session, webhook_id: str) -> Review | None:
    """The question that an update without a payment raised; None when it raised none."""
    row = session.scalars(select(ReviewRow).where(ReviewRow.webhook_id == webhook_id)).one_or_none()
    return _review(row) if row else None


def get(session: Session, review_id: str) -> Review:
    """Raises: NotFoundError: the bound tenant has no such review."""
    return _review(_row(session, review_id))


def lock(session: Session, review_id: str) -> Review:
    """Lock a review for this transaction, so that two people cannot both decide it.

    Raises:
        NotFoundError: the bound tenant has no such review.
    """
    return _review(_row(session, review_id, for_update=True))


def open_of(session: Session, payment_id: str, reason: str) -> list[Review]:
    """The open questions about a payment for this reason: one or none."""
    statement = select(ReviewRow).where(
        ReviewRow.payment_id == payment_id, ReviewRow.reason == reason, ReviewRow.resolved_at.is_(None)
    )
    return [_review(row) for row in session.scalars(statement)]


def resolve(
    session: Session,
    review_id: str,
    resolution: str,
    actor: str,
    now: datetime,
    *,
    note: str | None = None,
    payment_id: str | None = None,
) -> Review:
    """Store what a person decided; `payment_id` is the payment that the money went to."""
    row = _row(session, review_id)
    row.resolved_at, row.resolved_by, row.resolution = now, actor, resolution
    row.resolution_note, row.resolved_payment_id = note, payment_id
    session.flush()
    return _review(row)


def reopen(session: Session, payment_id: str) -> list[str]:
    """Open the reviews again (their ids) whose money was booked as this payment; who had decided what is in the audit log."""
    statement = select(ReviewRow).where(ReviewRow.resolved_payment_id == payment_id).order_by(ReviewRow.id).with_for_update()
    rows = list(session.scalars(statement))
    for row in rows:
        row.resolved_at = row.resolved_by = row.resolution = row.resolution_note = row.resolved_payment_id = None
    session.flush()
    return [row.id for row in rows]


def not_carried_out(system: Session, before: datetime, limit: int) -> list[tuple[str, str, str]]:
    """(tenant id, payment id, review id) of what was decided before then and has not become of the payment yet.

    The process that was to see to it died, or could not reach Temporal.
    """
    is_booked = ReviewRow.resolution.in_(("MATCHED", "CREDITED"))
    found = system.execute(
        select(ReviewRow.tenant_id, PaymentRow.id, ReviewRow.id)
        .join(PaymentRow, PaymentRow.id == func.coalesce(ReviewRow.resolved_payment_id, ReviewRow.payment_id))
        .where(
            ReviewRow.resolved_at < before,
            or_(
                and_(is_booked, PaymentRow.status.in_((PaymentStatus.PENDING.value, PaymentStatus.FAILED.value))),
                and_(ReviewRow.resolution == "DISMISSED", PaymentRow.status == PaymentStatus.PENDING.value),
            ),
        )
        .order_by(ReviewRow.id)
        .limit(limit)
    )
    return [(tenant_id, payment_id, review_id) for tenant_id, payment_id, review_id in found]


def _row(session: Session, review_id: str, *, for_update: bool = False) -> ReviewRow:
    statement = select(ReviewRow).where(ReviewRow.id == review_id).execution_options(populate_existing=True)
    row = session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFoundError("review", review_id)
    return row


def _review(row: ReviewRow) -> Review:
    return Review(
        id=row.id,
        payment_id=row.payment_id,
        webhook_id=row.webhook_id,
        reason=row.reason,
        explanation=row.explanation,
        gateway=row.gateway,
        gateway_reference=row.gateway_reference,
        amount=Money(row.amount, row.currency) if row.amount is not None and row.currency else None,
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolution=row.resolution,
        resolution_note=row.resolution_note,
        resolved_payment_id=row.resolved_payment_id,
    )
