"""Dated plans before anybody acts by them: of a policy for an invoice that there is not, and of an invoice (pains 7, 16)."""

from datetime import date, datetime, time, timedelta

from fastapi import APIRouter
from sqlalchemy.orm import Session

from api.dunning_policies_schemas import PolicyShown
from api.dunning_previews_schemas import DraftRequest, DueOn, InvoicePreview, IssuedOn, PlanShown, PolicyPreview
from api.invoices import IdFilter
from api.services import Services
from api.staff import AnyStaff, BillingStaff
from domain.calendar import due_day, local_day, local_instant
from domain.customer import Tenant
from domain.dunning_policy import DunningPolicy
from domain.dunning_preview import PreviewedStep, preview_new
from domain.errors import InvalidInputError
from domain.new_policy import new_policy
from persistence import chasing, customers, dunning_plans, dunning_policies, holds, invoices, tenants
from persistence.dunning_policies import StoredPolicy
from persistence.invoices import InvoiceDetail
from public_holidays import sending_calendar, span
from reapplying import preview_under

router = APIRouter(prefix="/api", tags=["dunning policy"])


@router.get("/dunning-policy/preview")
def preview_policy(
    services: Services,
    staff: AnyStaff,
    due_on: DueOn = None,
    issued_on: IssuedOn = None,
    customer_id: IdFilter = None,
) -> PolicyPreview:
    """The plan of an invoice that would be due on a day, by the business's policy or by the one of a customer."""
    with services.database.tenant(staff.tenant_id) as session:
        if customer_id is None:
            stored = dunning_policies.of_business(session)
        else:
            stored = dunning_policies.of_customer(session, customers.get(session, customer_id).id)
        plan = _hypothetical(stored.in_force, tenants.current(session), due_on, issued_on, services.clock())
    return PolicyPreview(policy=PolicyShown.of(stored), plan=plan)


@router.post("/dunning-policy/preview")
def preview_draft(request: DraftRequest, services: Services, staff: BillingStaff) -> PolicyPreview:
    """The same for a policy that is not saved yet. Nothing is changed."""
    policy = new_policy(request.policy)
    with services.database.tenant(staff.tenant_id) as session:
        tenant = tenants.current(session)
    return PolicyPreview(policy=None, plan=_hypothetical(policy, tenant, request.due_on, request.issued_on, services.clock()))


@router.get("/invoices/{invoice_id}/dunning-preview")
def preview_invoice(invoice_id: str, services: Services, staff: AnyStaff) -> InvoicePreview:
    """The plan of an invoice, and what would be left of it if the policy of today were applied to it now."""
    now = services.clock()
    with services.database.tenant(staff.tenant_id) as session:
        detail = invoices.get(session, invoice_id)
        invoice, tenant = detail.invoice, tenants.current(session)
        current = dunning_policies.of_customer(session, invoice.customer_id)
        set_aside = None if invoice.state.is_closed else chasing.set_aside_now(session, detail, now)
        return InvoicePreview(
            invoice_id=invoice.id,
            number=invoice.number,
            state=invoice.state.value,
            set_aside=set_aside.why if set_aside else None,
            snapshot=detail.policy.to_data(),
            snapshot_version=dunning_policies.get(session, detail.policy_id).version if detail.policy_id else None,
            plan=_stored(session, detail, tenant),
            current=PolicyShown.of(current),
            reapplied=_reapplied(session, detail, tenant, current, now),
        )


def _hypothetical(
    policy: DunningPolicy, tenant: Tenant, due_on: date | None, issued_on: date | None, now: datetime
) -> PlanShown:
    issued_on = issued_on or _issue_before(due_on, tenant, now)
    due_on = due_on or due_day(issued_on, tenant.payment_terms_days)
    if issued_on > due_on:
        raise InvalidInputError(
            "issued_on", f"{issued_on} is after {due_on}, when the invoice is due: choose {due_on} or earlier, or leave it out."
        )
    calendar = sending_calendar(policy, tenant, *span(policy, due_on))
    steps = preview_new(policy, due_on, calendar, local_instant(issued_on, time.min, tenant.time_zone))
    return PlanShown.of(policy, tenant, due_on=due_on, issued_on=issued_on, steps=steps)


def _issue_before(due_on: date | None, tenant: Tenant, now: datetime) -> date:
    """When an invoice that is due on a day is usually issued; today, when no day is asked about."""
    if due_on is None:
        return local_day(now, tenant.time_zone)
    return due_on - timedelta(days=tenant.payment_terms_days)


def _stored(session: Session, detail: InvoiceDetail, tenant: Tenant) -> PlanShown:
    taken = {step: at for step, outcome, at in holds.steps(session, detail.invoice.id) if outcome == "TAKEN"}
    return PlanShown.of(
        detail.policy,
        tenant,
        due_on=detail.invoice.due_on,
        issued_on=detail.issued_on,
        steps=[PreviewedStep(step) for step in dunning_plans.of(session, detail)],
        taken=taken,
    )


def _reapplied(
    session: Session, detail: InvoiceDetail, tenant: Tenant, current: StoredPolicy, now: datetime
) -> PlanShown | None:
    if detail.invoice.state.is_closed or current.id == detail.policy_id:
        return None
    steps = preview_under(session, detail, current.in_force, now)
    return PlanShown.of(current.in_force, tenant, due_on=detail.invoice.due_on, issued_on=detail.issued_on, steps=steps)
