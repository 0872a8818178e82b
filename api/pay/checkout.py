"""Paying an invoice by its link: the checkout, and how it stands. Whoever has the link may pay; the amount is ours."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.idempotency import IdempotencyKey, answer, once
from api.pay.phones import mobile_number
from api.pay.schemas import CheckoutRequest, CheckoutShown, PayerPaymentShown, PayStatusShown
from api.schemas import Amount
from api.services import ApiServices, Services
from domain.errors import ConflictError, InvalidInputError, NotFoundError
from domain.invoice import InvoiceState
from domain.payment import Outcome, PaymentStatus
from persistence import attempts, audit, customers, invoices, payments, tenants
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment
from workflows.client import NoAnswerYetError

router = APIRouter(prefix="/pay", tags=["paying"])

# A payment whose saga has not started by then never will: the request that was to start it died.
BEGINS_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a payment link opens."""

    tenant_id: str
    invoice_id: str


def open_link(services: ApiServices, token: str) -> Opened:
    """Raises: NotFoundError: the link opens nothing."""
    found = None
    if "\x00" not in token:  # no database looks for that
        with services.database.system() as session:
            found = invoices.tenant_of_token(session, token)
    if found is None:
        raise NotFoundError("payment link", "of this address")
    return Opened(*found)


@router.post("/{token}/checkout", status_code=201, response_model=CheckoutShown)
async def open_checkout(
    token: str, request: CheckoutRequest, services: Services, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Start paying what is due. While an earlier attempt is open, its gateway is asked first, so that nobody pays twice."""
    link = await asyncio.to_thread(open_link, services, token)
    phone = mobile_number(request.phone) if request.method.is_mobile_money else None

    async def work() -> StoredAnswer:
        asked = await _ask_about_open_attempts(services, link)
        payment = await asyncio.to_thread(_start, services, link, request, phone, asked)
        # Without an answer in time the payment goes on by itself; the payer is told so, and the key keeps this payment.
        with suppress(NoAnswerYetError):
            await services.workflows.open_checkout(
                link.tenant_id, payment.id, payment.method, invoice_id=link.invoice_id, currency=payment.amount.currency
            )
        return answer(201, await asyncio.to_thread(_shown, services, link, payment.id))

    return await once(services, f"{link.invoice_id}/checkout", idempotency_key, request, work)


@router.get("/{token}/status")
def pay_status(token: str, services: Services) -> PayStatusShown:
    """How the invoice and its payments stand."""
    link = open_link(services, token)
    with services.database.tenant(link.tenant_id) as session:
        detail = invoices.get(session, link.invoice_id)
        found = payments.page(session, after=None, limit=20, invoice_id=link.invoice_id)
    return PayStatusShown(
        invoice_number=detail.invoice.number,
        state=detail.invoice.state.value,
        due_on=detail.invoice.due_on,
        total=Amount.of(detail.invoice.total),
        amount_due=Amount.of(detail.invoice.amount_due),
        payments=[_payment_shown(payment) for payment in found],
    )


async def _ask_about_open_attempts(services: ApiServices, link: Opened) -> dict[str, PaymentStatus | None]:
    """Have the gateway of each open attempt asked; by payment id its status then, None where no saga runs."""
    return {
        earlier.id: await services.workflows.ask_gateway_now(earlier.id, f"{earlier.id}/{services.clock().timestamp()}")
        for earlier in await asyncio.to_thread(_open_attempts, services, link)
    }


def _refuse_while_unknown(session: Session, invoice_id: str, asked: dict[str, PaymentStatus | None], now: datetime) -> None:
    """Unknown is not failed (design, rule 5): no second charge while the outcome of the first cannot be told.

    An attempt that the gateway says is waiting for its payer does not stand in the way: the payer may choose another way.
    """
    for pending in payments.pending_of_invoice(session, invoice_id):
        attempt = attempts.last(session, pending.id)
        is_young = now - pending.initiated_at < BEGINS_WITHIN
        never_began = attempt is None and not is_young and pending.id in asked and asked[pending.id] is None
        is_waiting = attempt is not None and attempt.outcome is Outcome.PENDING and pending.id in asked
        if not (never_began or is_waiting):
            raise ConflictError(
                f"A payment of {pending.amount} by {pending.method.human_name} for this invoice is still being confirmed: "
                "please wait a few minutes before you pay again."
            )


def _open_attempts(services: ApiServices, link: Opened) -> list[Payment]:
    with services.database.tenant(link.tenant_id) as session:
        return payments.pending_of_invoice(session, link.invoice_id)


def _start(
    services: ApiServices,
    link: Opened,
    request: CheckoutRequest,
    phone: str | None,
    asked: dict[str, PaymentStatus | None],
) -> Payment:
    gateway = request.method.gateway
    if gateway is None:
        raise InvalidInputError("method", f"{request.method.human_name} is recorded by staff; choose an online method.")
    with services.database.tenant(link.tenant_id) as session:
        # One checkout of a customer at a time: two tabs must see each other's payment.
        customers.lock(session, invoices.get(session, link.invoice_id).invoice.customer_id)
        invoice = invoices.lock_one(session, link.invoice_id).invoice
        if invoice.state is not InvoiceState.OPEN:
            raise ConflictError(f"Invoice {invoice.number} is {invoice.state.value.lower()}: there is nothing to pay on it.")
        if gateway not in tenants.gateways_for(session, invoice.amount_due.currency):
            raise InvalidInputError(
                "method",
                f"This business does not take {invoice.amount_due.currency} by {request.method.human_name}; choose another.",
            )
        _refuse_while_unknown(session, invoice.id, asked, services.clock())
        return payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=request.method,
            amount=invoice.amount_due,
            payer_phone=phone,
            actor=audit.PAYER,
            now=services.clock(),
        )


def _shown(services: ApiServices, link: Opened, payment_id: str) -> CheckoutShown:
    with services.database.tenant(link.tenant_id) as session:
        payment = payments.get(session, payment_id)
        attempt = attempts.last(session, payment_id)
    told = (attempt.checkout if attempt else None) or {}
    if not told and payment.status is PaymentStatus.PENDING:
        told = {"instructions": "The payment provider has not answered yet. We are finding out; please do not pay again."}
    return CheckoutShown(payment_id=payment.id, status=payment.status.value, **told)


def _payment_shown(payment: Payment) -> PayerPaymentShown:
    return PayerPaymentShown(
        id=payment.id,
        method_name=payment.method.human_name,
        amount=Amount.of(payment.amount),
        status=payment.status.value,
        failure_reason=payment.failure_reason,
        initiated_at=payment.initiated_at,
    )
