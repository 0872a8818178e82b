"""Payments, and the mail log."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.idempotency import IdempotencyKey, Making, answer, once, once_making
from api.invoices import show_message
from api.payments_schemas import PaymentShown, RecordPaymentRequest, ReversePaymentRequest
from api.recording import ask_for_reversal, record
from api.schemas import After, Limit, MessageShown, Page
from api.services import Services
from api.showing import payment_shown, show_payments
from api.staff import AnyStaff, BillingStaff
from domain.ids import Prefix
from domain.payment import PaymentStatus
from persistence import messages, payments
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment

router = APIRouter(prefix="/api", tags=["payments"])


@router.get("/payments")
def list_payments(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    status: Annotated[PaymentStatus | None, Query()] = None,
    customer_id: Annotated[str | None, Query(max_length=60)] = None,
) -> Page[PaymentShown]:
    """Payments, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = payments.page(
            session, after=after, limit=limit + 1, status=status.value if status else None, customer_id=customer_id
        )
        shown = show_payments(session, services, found)
    return Page[PaymentShown].of(shown, limit, lambda payment: payment, lambda payment: payment.id)


@router.post("/payments", status_code=202, response_model=PaymentShown)
async def record_payment(
    request: RecordPaymentRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Record a bank transfer or cash.

    It pays its invoice first, or the oldest debt where it is for none; what is over goes where the allocation policy says.
    """

    async def begin(payment_id: str) -> Payment:
        return await asyncio.to_thread(record, services, staff, request, payment_id)

    async def go_on(payment: Payment) -> StoredAnswer:
        await services.workflows.settle_recorded(
            staff.tenant_id, payment.id, invoice_id=payment.invoice_id, currency=payment.amount.currency
        )
        return answer(202, await asyncio.to_thread(payment_shown, services, staff, payment.id))

    making = Making(Prefix.PAYMENT, begin, go_on)
    return await once_making(services, f"{staff.tenant_id}/payments", idempotency_key, request, making)


@router.get("/payments/{payment_id}")
def show_payment(payment_id: str, services: Services, staff: AnyStaff) -> PaymentShown:
    """One payment."""
    return payment_shown(services, staff, payment_id)


@router.post("/payments/{payment_id}/reverse", response_model=PaymentShown)
async def reverse_payment(
    payment_id: str,
    request: ReversePaymentRequest,
    services: Services,
    staff: BillingStaff,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Take back a settled payment: what it paid is owed again, and the credit it left is gone.

    For what staff recorded or applied, and for gateway payments that the gateway says were refunded or disputed. One that is
    reversed already is shown as it is.
    """

    async def work() -> StoredAnswer:
        if await asyncio.to_thread(ask_for_reversal, services, staff, payment_id, request):
            await services.workflows.reverse_payment(staff.tenant_id, payment_id)
        return answer(200, await asyncio.to_thread(payment_shown, services, staff, payment_id))

    return await once(services, f"{staff.tenant_id}/{payment_id}/reverse", idempotency_key, request, work)


@router.get("/messages")
def list_messages(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    status: Annotated[str | None, Query(pattern="^(QUEUED|SENT|FAILED|CANCELLED)$")] = None,
) -> Page[MessageShown]:
    """The mail log, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = messages.page(session, after=after, limit=limit + 1, status=status)
    return Page[MessageShown].of(found, limit, show_message, lambda message: message.id)
