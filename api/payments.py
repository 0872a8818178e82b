"""Payments, the mail log, and what a person must look at."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.idempotency import IdempotencyKey, answer, once
from api.invoices import show_message
from api.schemas import After, Limit, MessageShown, Page, PaymentShown, RecordPaymentRequest, ReviewShown
from api.services import ApiServices, Services
from api.staff import AnyStaff, BillingStaff
from domain.errors import ConflictError, InvalidInputError
from domain.money import Money
from domain.payment import PaymentStatus
from persistence import customers, invoices, messages, payments, reviews
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment
from persistence.reviews import Review
from persistence.tenants import Staff
from workflows import names

router = APIRouter(prefix="/api", tags=["payments"])


@router.get("/payments")
def list_payments(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    status: Annotated[PaymentStatus | None, Query()] = None,
) -> Page[PaymentShown]:
    """Payments, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = payments.page(session, after=after, limit=limit + 1, status=status.value if status else None)
    return Page[PaymentShown].of(
        found,
        limit,
        lambda payment: _payment_shown(services, payment),
        lambda payment: payment.id,
    )


@router.post("/payments", status_code=202, response_model=PaymentShown)
async def record_payment(
    request: RecordPaymentRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Record a bank transfer or cash. It pays the invoice, and what is over becomes the customer's credit."""

    async def work() -> StoredAnswer:
        payment = await asyncio.to_thread(_record, services, staff, request)
        await services.workflows.settle_recorded(
            staff.tenant_id, payment.id, invoice_id=request.invoice_id, currency=request.currency
        )
        return answer(202, _payment_shown(services, payment))

    return await once(services, f"{staff.tenant_id}/payments", idempotency_key, request, work)


@router.get("/payments/{payment_id}")
def show_payment(payment_id: str, services: Services, staff: AnyStaff) -> PaymentShown:
    """One payment."""
    with services.database.tenant(staff.tenant_id) as session:
        payment = payments.get(session, payment_id)
    return _payment_shown(services, payment)


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


@router.get("/reviews")
def list_reviews(services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None) -> Page[ReviewShown]:
    """Payments that a person must look at, oldest first."""
    with services.database.tenant(staff.tenant_id) as session:
        found = reviews.unresolved(session, after=after, limit=limit + 1)
    return Page[ReviewShown].of(found, limit, _shown, lambda review: review.id)


def _record(services: ApiServices, staff: Staff, request: RecordPaymentRequest) -> Payment:
    """The recorded payment; the same one when this reference was recorded before, as long as it says the same."""
    amount = Money(request.amount, request.currency)
    with services.database.tenant(staff.tenant_id) as session:
        invoice = invoices.get(session, request.invoice_id).invoice
        customers.lock(session, invoice.customer_id)
        if amount.currency != invoice.total.currency:
            raise InvalidInputError(
                "currency", f"invoice {invoice.number} is in {invoice.total.currency}, not in {amount.currency}."
            )
        known = payments.by_manual_reference(session, request.method, request.reference)
        if known is not None:
            if (known.invoice_id, known.amount) != (invoice.id, amount):
                raise ConflictError(
                    f"Reference {request.reference!r} was recorded before, as payment {known.id} over {known.amount}."
                )
            return known
        return payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=request.method,
            amount=amount,
            manual_reference=request.reference,
            actor=staff.name,
            now=services.clock(),
        )


def _payment_shown(services: ApiServices, payment: Payment) -> PaymentShown:
    return PaymentShown.of(payment, services.ui_of_workflow(names.payment_workflow_id(payment.id)))


def _shown(review: Review) -> ReviewShown:
    return ReviewShown(
        id=review.id,
        payment_id=review.payment_id,
        reason=review.reason,
        explanation=review.explanation,
        opened_at=review.opened_at,
    )
