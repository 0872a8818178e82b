"""The audit log: who did what to which thing, in the transaction that did it."""

from datetime import datetime
from typing import Any

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
