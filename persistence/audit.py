"""The audit log: who did what to which thing, in the transaction that did it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from persistence.models import AuditRow

# The actor of what nobody in particular asked for.
SYSTEM = "system"
PAYER = "payer"

# Staff's wish that a payment be taken back, with its reason: the reversal's workflow finds it here, because a history is no
# place for what people write.
REVERSAL_REQUESTED = "PAYMENT_REVERSAL_REQUESTED"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry; `details` says what the action alone does not, amounts as text."""

    id: str
    at: datetime
    actor: str
    action: str
    resource_type: str
    resource_id: str
    details: dict[str, Any]


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


def last_of(session: Session, action: str, resource_id: str) -> tuple[str, dict[str, Any]] | None:
    """Who did `action` to a thing last, and the details; None when nobody did."""
    found = session.execute(
        select(AuditRow.actor, AuditRow.details)
        .where(AuditRow.action == action, AuditRow.resource_id == resource_id)
        .order_by(AuditRow.id.desc())
        .limit(1)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def page(
    session: Session,
    *,
    after: str | None,
    limit: int,
    resource_type: str | None = None,
    resource_id: str | None = None,
    action: str | None = None,
) -> list[AuditEntry]:
    """Entries, newest first."""
    statement = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(AuditRow.id < after)
    if resource_type:
        statement = statement.where(AuditRow.resource_type == resource_type)
    if resource_id:
        statement = statement.where(AuditRow.resource_id == resource_id)
    if action:
        statement = statement.where(AuditRow.action == action)
    return [
        AuditEntry(row.id, row.at, row.actor, row.action, row.resource_type, row.resource_id, row.details)
        for row in session.scalars(statement)
    ]
