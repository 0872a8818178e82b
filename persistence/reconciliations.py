"""Payments that deserve another look at their gateway, because their money may come, or have come, in the meantime."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from domain.payment import Outcome, PaymentStatus
from persistence import audit
from persistence.models import AuditRow, GatewayTransactionRow, PaymentRow, ReviewRow

# A payment's own saga asks for a day; what is pending an hour later has lost it.
OVERDUE_AFTER = timedelta(hours=25)
# Late money is rare after a day and unheard of after a week (requirements P11).
FAILED_WITHIN = timedelta(days=7)
# Gateways tell their fee within days of the payment, if they tell it at all.
FEE_TOLD_WITHIN = timedelta(days=3)
# Longer than card schemes let a payer dispute.
LOOKED_AT_FOR = timedelta(days=180)

RECONCILED = "RECONCILED"

_UNCLEAR = (Outcome.DISPUTED.value, Outcome.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class Decided:
    """When a payment was settled or failed; both None while it is pending."""

    settled_at: datetime | None
    failed_at: datetime | None


def due_for_a_look(session: Session, now: datetime, *, after: str, limit: int) -> list[str]:
    """The next payments (ids, in their order) of the bound tenant at which a daily reconciliation looks.

    What this very look settled stays among them, so that a look that is repeated after a crash finds it again.
    """
    failed_of_late = and_(PaymentRow.status == PaymentStatus.FAILED.value, PaymentRow.failed_at > now - FAILED_WITHIN)
    statement = (
        select(PaymentRow.id)
        .join(GatewayTransactionRow, _is_last_attempt())
        .where(
            PaymentRow.id > after,
            PaymentRow.initiated_at > now - LOOKED_AT_FOR,
            or_(
                _overdue(now), failed_of_late, _settled_but_unclear(now), _reversed_but_unclear(), PaymentRow.settled_at == now
            ),
        )
        .order_by(PaymentRow.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def overdue(session: Session, now: datetime, *, after: str, limit: int) -> list[str]:
    """The next payments (ids, in their order) of the bound tenant that should have been decided, and that nobody looks at.

    As above, what this very look decided stays among them.
    """
    statement = (
        select(PaymentRow.id)
        .join(GatewayTransactionRow, _is_last_attempt())
        .where(
            PaymentRow.id > after,
            or_(
                and_(_overdue(now), ~_is_before_a_person()),
                PaymentRow.settled_at == now,
                PaymentRow.failed_at == now,
                exists().where(ReviewRow.payment_id == PaymentRow.id, ReviewRow.opened_at == now),
            ),
        )
        .order_by(PaymentRow.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def tenants_with_overdue(system: Session, now: datetime) -> list[str]:
    """Whose payments should have been decided, and nobody looks at them."""
    statement = (
        select(PaymentRow.tenant_id)
        .join(GatewayTransactionRow, _is_last_attempt())
        .where(_overdue(now), ~_is_before_a_person())
        .distinct()
        .order_by(PaymentRow.tenant_id)
    )
    return list(system.scalars(statement))


def decided(session: Session, payment_id: str) -> Decided:
    found = session.execute(select(PaymentRow.settled_at, PaymentRow.failed_at).where(PaymentRow.id == payment_id)).one()
    return Decided(found[0], found[1])


def record(session: Session, day: date, counts: dict[str, int], now: datetime) -> None:
    """Append what a reconciliation came to to the audit log, once per `now`."""
    known = exists().where(AuditRow.action == RECONCILED, AuditRow.resource_id == str(day), AuditRow.at == now)
    if not session.scalar(select(known)):
        audit.record(session, now, audit.SYSTEM, RECONCILED, "Reconciliation", str(day), **counts)


def _is_last_attempt() -> ColumnElement[bool]:
    later = aliased(GatewayTransactionRow)
    last = select(func.max(later.attempt)).where(later.payment_id == PaymentRow.id).correlate(PaymentRow).scalar_subquery()
    return and_(GatewayTransactionRow.payment_id == PaymentRow.id, GatewayTransactionRow.attempt == last)


def _overdue(now: datetime) -> ColumnElement[bool]:
    """Pending, and no person has booked money on it that only waits to be settled."""
    return and_(
        PaymentRow.status == PaymentStatus.PENDING.value,
        PaymentRow.initiated_at < now - OVERDUE_AFTER,
        PaymentRow.manual_reference.is_(None),
    )


def _is_before_a_person() -> ColumnElement[bool]:
    return exists().where(ReviewRow.payment_id == PaymentRow.id, ReviewRow.resolved_at.is_(None))


def _settled_but_unclear(now: datetime) -> ColumnElement[bool]:
    """Settled, and disputed since, or with a fee that is an estimate where this account was told a fee before.

    An attempt without a checkout was never opened by us (further money under another's reference, or booked by a person): its
    gateway does not know it by our key, so there is nothing to ask.
    """
    other = aliased(GatewayTransactionRow)
    account_tells_fees = exists().where(
        other.account_id == GatewayTransactionRow.account_id, other.fee.is_not(None), ~other.fee_is_estimate
    )
    fee_may_be_told = and_(
        GatewayTransactionRow.fee_is_estimate, PaymentRow.settled_at > now - FEE_TOLD_WITHIN, account_tells_fees
    )
    return and_(
        PaymentRow.status == PaymentStatus.SETTLED.value,
        GatewayTransactionRow.checkout.is_not(None),
        or_(GatewayTransactionRow.outcome.in_(_UNCLEAR), fee_may_be_told),
    )


def _reversed_but_unclear() -> ColumnElement[bool]:
    """Reversed over a dispute that may be won yet, or because a person was wrong: its own money may come after all."""
    return and_(
        PaymentRow.status == PaymentStatus.REVERSED.value,
        GatewayTransactionRow.checkout.is_not(None),
        GatewayTransactionRow.outcome.in_(_UNCLEAR),
    )
