"""The audit log: who did what to which thing, for staff to read. Nobody writes to it but what was done."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.schemas import After, Limit, Page
from api.services import Services
from api.staff import AnyStaff
from persistence import audit
from persistence.audit import AuditEntry

router = APIRouter(prefix="/api/audit", tags=["audit"])


class AuditEntryShown(BaseModel):
    """One entry. `actor` is a staff member's name, `payer` or `system`; `details` depend on the action, amounts as text."""

    id: str
    at: datetime
    actor: str
    action: str
    resource_type: str
    resource_id: str
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            resource_type=entry.resource_type,
            resource_id=entry.resource_id,
            details=entry.details,
        )


@router.get("")
def list_audit_log(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    resource_type: Annotated[str | None, Query(max_length=40, examples=["Payment"])] = None,
    resource_id: Annotated[str | None, Query(max_length=60)] = None,
    action: Annotated[str | None, Query(max_length=60, examples=["REVIEW_MATCHED"])] = None,
) -> Page[AuditEntryShown]:
    """What was done, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = audit.page(
            session, after=after, limit=limit + 1, resource_type=resource_type, resource_id=resource_id, action=action
        )
    return Page[AuditEntryShown].of(found, limit, AuditEntryShown.of, lambda entry: entry.id)
