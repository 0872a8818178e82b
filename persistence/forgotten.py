"""Payments that a process left lying when it died: never begun at a gateway, or recorded and never settled."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain.payment import PaymentMethod, PaymentStatus
from persistence.models import GatewayTransactionRow, PaymentRow
from persistence.payments import Payment, payment_of

# What no gateway carries: staff saw the money come, or applied credit.
_RECORDED = [method.value for method in PaymentMethod if method.gateway is None]


def never_begun(system: Session, before: datetime, limit: int) -> list[tuple[str, str]]:
    """(tenant id, payment id) of pending payments, begun before then, of which no gateway was ever asked.

    The process that was about to ask died or could not reach Temporal.
    """
    asked = exists().where(GatewayTransactionRow.payment_id == PaymentRow.id)
    found = system.execute(
        select(PaymentRow.tenant_id, PaymentRow.id)
        .where(
            PaymentRow.status == PaymentStatus.PENDING.value,
            PaymentRow.method.not_in(_RECORDED),
            PaymentRow.manual_reference.is_(None),
            PaymentRow.initiated_at < before,
            ~asked,
        )
        .order_by(PaymentRow.id)
        .limit(limit)
    )
    return [(tenant_id, payment_id) for tenant_id, payment_id in found]


def recorded_unsettled(system: Session, before: datetime, limit: int) -> list[tuple[str, Payment]]:
    """(tenant id, payment) of what staff recorded before then and nobody settled: the process that was to do it died."""
    rows = system.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.status == PaymentStatus.PENDING.value,
            PaymentRow.method.in_(_RECORDED),
            PaymentRow.initiated_at < before,
        )
        .order_by(PaymentRow.id)
        .limit(limit)
    )
    return [(row.tenant_id, payment_of(row)) for row in rows]
