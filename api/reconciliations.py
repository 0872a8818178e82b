"""Reconciliation on demand: staff need not wait for the night to have open payments looked at again.

What one came to is in the audit log: `GET /api/audit?action=RECONCILED`.
"""

import asyncio
from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel

from api.services import ApiServices, Services
from api.staff import BillingStaff
from domain.calendar import local_day
from persistence import tenants
from persistence.tenants import Staff

router = APIRouter(prefix="/api/reconciliations", tags=["reconciliations"])


class ReconciliationStarted(BaseModel):
    """Today's reconciliation (a day of the business's own) and its workflow, which shows how far it is."""

    day: date
    workflow_id: str
    workflow_url: str


@router.post("", status_code=202)
async def reconcile(services: Services, staff: BillingStaff) -> ReconciliationStarted:
    """Look again at the payments whose money may have come after all; one that is under way is found and goes on."""
    day = await asyncio.to_thread(_today, services, staff)
    workflow_id = await services.workflows.reconcile(staff.tenant_id, day, again=True)
    return ReconciliationStarted(day=day, workflow_id=workflow_id, workflow_url=services.ui_of_workflow(workflow_id))


def _today(services: ApiServices, staff: Staff) -> date:
    with services.database.tenant(staff.tenant_id) as session:
        return local_day(services.clock(), tenants.current(session).time_zone)
