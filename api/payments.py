"""Payments, the mail log, and what a person must look at."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.invoices import show_message
from api.schemas import After, Limit, MessageShown, Page, PaymentShown, ReviewShown
from api.services import Services
from api.staff import AnyStaff
from domain.payment import PaymentStatus
from persistence import messages, payments, reviews
from persistence.reviews import Review
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
        lambda payment: PaymentShown.of(payment, services.ui_of_workflow(names.payment_workflow_id(payment.id))),
        lambda payment: payment.id,
    )


@router.get("/payments/{payment_id}")
def show_payment(payment_id: str, services: Services, staff: AnyStaff) -> PaymentShown:
    """One payment."""
    with services.database.tenant(staff.tenant_id) as session:
        payment = payments.get(session, payment_id)
    return PaymentShown.of(payment, services.ui_of_workflow(names.payment_workflow_id(payment.id)))


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


def _shown(review: Review) -> ReviewShown:
    return ReviewShown(
        id=review.id,
        payment_id=review.payment_id,
        reason=review.reason,
        explanation=review.explanation,
        opened_at=review.opened_at,
    )
