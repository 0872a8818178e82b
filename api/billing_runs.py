"""Billing runs: start one for a month, see how far it is."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.idempotency import IdempotencyKey, answer, once
from api.schemas import After, BillingRunRequest, BillingRunShown, BillingRunStarted, Limit, Page
from api.services import ApiServices, Services
from api.staff import AnyStaff, BillingStaff
from domain.calendar import Period
from persistence import audit, billing_runs, customers
from persistence.billing_runs import BillingRunState
from persistence.idempotency import StoredAnswer
from persistence.tenants import Staff

router = APIRouter(prefix="/api/billing-runs", tags=["billing runs"])


@router.post("", status_code=202, response_model=BillingRunStarted)
async def start_billing_run(
    request: BillingRunRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Bill a month. A second start for the same month finds the first and changes nothing."""
    period = Period.parse(request.period)

    async def work() -> StoredAnswer:
        run, created = await asyncio.to_thread(_create, services, staff, period, dry_run=request.dry_run)
        # Always asked for, also for a run that was there: the process that created it may have died before this line.
        workflow_id = await services.workflows.start_billing_run(staff.tenant_id, run.id, str(period), dry_run=run.dry_run)
        started = BillingRunStarted(
            id=run.id, workflow_id=workflow_id, workflow_url=services.ui_of_workflow(workflow_id), created=created
        )
        return answer(202, started)

    return await once(services, f"{staff.tenant_id}/billing-runs", idempotency_key, request, work)


@router.get("")
def list_billing_runs(services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None) -> Page[BillingRunShown]:
    """Runs, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        runs = billing_runs.page(session, after=after, limit=limit + 1)
    return Page[BillingRunShown].of(runs, limit, BillingRunShown.of, lambda run: run.id)


@router.get("/{run_id}")
def show_billing_run(run_id: str, services: Services, staff: AnyStaff) -> BillingRunShown:
    """One run with its counts, and whom it parked."""
    with services.database.tenant(staff.tenant_id) as session:
        return BillingRunShown.of(billing_runs.get(session, run_id), billing_runs.parked(session, run_id))


def _create(services: ApiServices, staff: Staff, period: Period, *, dry_run: bool) -> tuple[BillingRunState, bool]:
    now = services.clock()
    with services.database.tenant(staff.tenant_id) as session:
        run, created = billing_runs.create(
            session,
            period,
            dry_run=dry_run,
            started_by=staff.name,
            now=now,
            customers_total=customers.count(session),
        )
        if created:
            audit.record(
                session, now, staff.name, "BILLING_RUN_STARTED", "BillingRun", run.id, period=str(period), dry_run=dry_run
            )
    return run, created
