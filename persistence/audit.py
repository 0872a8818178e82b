"""The audit log: who did what to which thing, in the transaction that did it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from persistence.models import AuditRow

# The actor of what nobody in particular asked for.
SYSTEM = "system"
PAYER = "payer"


def record(
    session: Session, at: datetime, actor: str, action: str, resource_type: str, resource_id: str, **details: Any
) -> None:
    """Append one entry. `action` is a past event in capitals, such as `ONLINE_PAYMENT_RECEIVED` (requirements P14)."""
    session.add(
        AuditRow(at=at, actor=actor, action=action, resource_type=resource_type, resource_id=resource_id, details=dict(details))
    )


def actor_of(session: Session, action: str, resource_id: str) -> str:
    """Who did `action` to a thing first; the system when nobody is on record."""
    found = session.scalars(
        select(AuditRow.actor)
        .where(AuditRow.action == action, AuditRow.resource_id == resource_id)
        .order_by(AuditRow.id)
        .limit(1)
    ).one_or_none()
    return found or SYSTEM
