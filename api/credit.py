"""Account credit: applied to an invoice by staff, and the policy that says what money beyond an invoice becomes."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.payments_schemas import ApplyCreditRequest, PaymentShown
from api.recording import apply_credit
from api.services import Services
from api.showing import payment_shown
from api.staff import AnyStaff, BillingStaff
from domain.allocation import AllocationPolicy, Target
from domain.ids import Prefix
from persistence import audit, tenants
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment

router = APIRouter(prefix="/api", tags=["credit"])


class AllocationPolicyBody(BaseModel):
    """What money is used for.

    `surplus` says what becomes of what a payment brings beyond its invoice: the customer's `CREDIT`, or the `OLDEST_DUE`
    invoices first. `applies_credit` says whether credit pays the next invoice as soon as it is issued.
    """

    model_config = ConfigDict(extra="forbid")

    surplus: Target
    applies_credit: bool


@router.post("/customers/{customer_id}/apply-credit", status_code=202, response_model=PaymentShown)
async def apply_customer_credit(
    customer_id: str,
    request: ApplyCreditRequest,
    services: Services,
    staff: BillingStaff,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Pay an invoice from its customer's credit: an amount, or as much as there is and as is due."""

    async def begin(payment_id: str) -> Payment:
        return await asyncio.to_thread(apply_credit, services, staff, customer_id, request, payment_id)

    async def go_on(payment: Payment) -> StoredAnswer:
        await services.workflows.settle_recorded(
            staff.tenant_id, payment.id, invoice_id=payment.invoice_id, currency=payment.amount.currency
        )
        return answer(202, await asyncio.to_thread(payment_shown, services, staff, payment.id))

    making = Making(Prefix.PAYMENT, begin, go_on)
    return await once_making(services, f"{staff.tenant_id}/{customer_id}/apply-credit", idempotency_key, request, making)


@router.get("/allocation-policy")
def show_allocation_policy(services: Services, staff: AnyStaff) -> AllocationPolicyBody:
    """What money is used for."""
    with services.database.tenant(staff.tenant_id) as session:
        return _shown(tenants.allocation_policy(session))


@router.put("/allocation-policy")
def change_allocation_policy(body: AllocationPolicyBody, services: Services, staff: BillingStaff) -> AllocationPolicyBody:
    """Change what money is used for, from the next payment and the next invoice on."""
    policy = AllocationPolicy(body.surplus, body.applies_credit)
    with services.database.tenant(staff.tenant_id) as session:
        before = tenants.allocation_policy(session)
        tenants.put_allocation_policy(session, policy)
        audit.record(
            session, services.clock(), staff.name, "ALLOCATION_POLICY_CHANGED", "Tenant", staff.tenant_id,
            before=before.to_data(), after=policy.to_data(),
        )  # fmt: skip
    return _shown(policy)


def _shown(policy: AllocationPolicy) -> AllocationPolicyBody:
    return AllocationPolicyBody(surplus=policy.surplus, applies_credit=policy.applies_credit)
