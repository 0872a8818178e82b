"""Paying by a link: the checkout. Whoever has the link may pay; the amount is ours, from the database, never the payer's."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.idempotency import IdempotencyKey, answer, once
from api.pay.opening import Opened, checkout_shown, open_link
from api.pay.phones import mobile_number
from api.pay.schemas import CheckoutRequest, CheckoutShown
from api.services import ApiServices, Services
from domain.errors import ConflictError, InvalidInputError
from domain.invoice import InvoiceState
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus, PaymentLink
from persistence import attempts, audit, customers, invoices, link_details, links, payments, tenants
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment
from workflows.client import NoAnswerYetError

router = APIRouter(prefix="/pay", tags=["paying"])

# A payment whose saga has not started by then never will: the request that was to start it died.
BEGINS_WITHIN = timedelta(minutes=1)

_CLOSED = {
    LinkStatus.PAID: "This payment link is paid: there is nothing left to pay by it.",
    LinkStatus.EXPIRED: "This payment link has expired: ask the business that sent it to you for a new one.",
    LinkStatus.CANCELLED: "This payment link was cancelled: ask the business that sent it to you what to do instead.",
}


@router.post("/{code}/checkout", status_code=201, response_model=CheckoutShown)
async def open_checkout(
    code: str, request: CheckoutRequest, services: Services, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Start paying what is asked for. While an earlier attempt is open its gateway is asked first: nobody shall pay twice."""
    opened = await asyncio.to_thread(open_link, services, code)
    phone = mobile_number(request.phone) if request.method.is_mobile_money else None

    async def work() -> StoredAnswer:
        asked = await _ask_about_open_attempts(services, opened)
        payment = await asyncio.to_thread(_start, services, opened, request.method, phone, asked)
        # Without an answer in time the payment goes on by itself; the payer is told so, and the key keeps this payment.
        with suppress(NoAnswerYetError):
            await services.workflows.open_checkout(
                opened.tenant_id,
                payment.id,
                payment.method,
                invoice_id=payment.invoice_id,
                currency=payment.amount.currency,
            )
        return answer(201, await asyncio.to_thread(_shown, services, opened, payment.id))

    return await once(services, f"{opened.link.id}/checkout", idempotency_key, request, work)


async def _ask_about_open_attempts(services: ApiServices, opened: Opened) -> dict[str, PaymentStatus | None]:
    """Have the gateway of each open attempt asked; by payment id its status then, None where no saga runs."""
    return {
        earlier.id: await services.workflows.ask_gateway_now(earlier.id, f"{earlier.id}/{services.clock().timestamp()}")
        for earlier in await asyncio.to_thread(_open_attempts, services, opened)
    }


def _open_attempts(services: ApiServices, opened: Opened) -> list[Payment]:
    with services.database.tenant(opened.tenant_id) as session:
        return payments.pending_for(session, opened.link)


def _start(
    services: ApiServices,
    opened: Opened,
    method: PaymentMethod,
    phone: str | None,
    asked: dict[str, PaymentStatus | None],
) -> Payment:
    with services.database.tenant(opened.tenant_id) as session:
        # One checkout of a customer at a time: two tabs must see each other's payment.
        customers.lock(session, opened.link.customer_id)
        link = links.touch(session, opened.link.id, services.clock())
        amount = _payable(session, link)
        _refuse_what_is_not_taken(session, method, amount.currency)
        _refuse_while_unknown(session, link, asked, services.clock())
        return payments.start(
            session,
            customer_id=link.customer_id,
            invoice_id=link.invoice_id,
            link_id=link.id,
            target=link.type.target,
            method=method,
            amount=amount,
            payer_phone=phone,
            actor=audit.PAYER,
            now=services.clock(),
        )


def _payable(session: Session, link: PaymentLink) -> Money:
    """What the link asks for now.

    Raises:
        ConflictError: nothing, or it takes no money any more; says why.
    """
    invoice = invoices.lock_one(session, link.invoice_id).invoice if link.invoice_id else None
    if invoice is not None and invoice.state is not InvoiceState.OPEN:
        state = invoice.state.value.lower().replace("_", " ")
        raise ConflictError(f"Invoice {invoice.number} is {state}: there is nothing to pay on it.")
    if link.status is not LinkStatus.ACTIVE:
        raise ConflictError(_CLOSED[link.status])
    amount = link_details.get(session, link.id).asked
    if not amount:
        raise ConflictError("Nothing is owed just now: there is nothing to pay by this link.")
    return amount


def _refuse_what_is_not_taken(session: Session, method: PaymentMethod, currency: str) -> None:
    if method.gateway is None:
        raise InvalidInputError("method", f"{method.human_name} is recorded by staff; choose an online method.")
    if method.gateway not in tenants.gateways_for(session, currency):
        raise InvalidInputError("method", f"This business does not take {currency} by {method.human_name}; choose another.")


def _refuse_while_unknown(session: Session, link: PaymentLink, asked: dict[str, PaymentStatus | None], now: datetime) -> None:
    """Unknown is not failed (design, rule 5): no second charge while the outcome of the first cannot be told.

    An attempt that the gateway says is waiting for its payer does not stand in the way: the payer may choose another way.
    """
    for pending in payments.pending_for(session, link):
        attempt = attempts.last(session, pending.id)
        is_young = now - pending.initiated_at < BEGINS_WITHIN
        never_began = attempt is None and not is_young and pending.id in asked and asked[pending.id] is None
        is_waiting = attempt is not None and attempt.outcome is Outcome.PENDING and pending.id in asked
        if not (never_began or is_waiting):
            raise ConflictError(
                f"A payment of {pending.amount} by {pending.method.human_name} is still being confirmed: "
                "please wait a few minutes before you pay again."
            )


def _shown(services: ApiServices, opened: Opened, payment_id: str) -> CheckoutShown:
    with services.database.tenant(opened.tenant_id) as session:
        payment = payments.get(session, payment_id)
        attempt = attempts.last(session, payment_id)
    return checkout_shown(services, opened.link, payment, attempt)
