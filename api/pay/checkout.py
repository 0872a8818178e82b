"""Paying by a link: the checkout. Whoever has the link may pay; the amount is ours, from the database, never the payer's."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.pay.opening import Opened, checkout_shown, open_link
from api.pay.phones import mobile_number
from api.pay.schemas import CheckoutRequest, CheckoutShown
from api.services import ApiServices, Services
from domain.errors import ConflictError, InvalidInputError
from domain.ids import Prefix
from domain.invoice import InvoiceState
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus, PaymentLink
from persistence import attempts, audit, customers, invoices, link_details, links, payments, reviews, tenants
from persistence.idempotency import StoredAnswer
from persistence.payments import Payment
from workflows.client import NoAnswerYetError

router = APIRouter(prefix="/pay", tags=["paying"])

# A payment whose saga has not started by then never will: the request that was to start it died.
BEGINS_WITHIN = timedelta(minutes=1)

# A payer who finds a payment still unknown after that will not be helped by waiting: staff must look it up.
CLEARS_UP_WITHIN = timedelta(minutes=15)

_CLOSED = {
    LinkStatus.PAID: "This payment link is paid: there is nothing left to pay by it.",
    LinkStatus.EXPIRED: "This payment link has expired: ask the business that sent it to you for a new one.",
    LinkStatus.CANCELLED: "This payment link was cancelled: ask the business that sent it to you what to do instead.",
}


class StillUnknownError(ConflictError):
    """What became of an earlier payment of the same debt cannot be told now."""

    def __init__(self, earlier: Payment) -> None:
        super().__init__(
            f"A payment of {earlier.amount} by {earlier.method.human_name} is still being confirmed: "
            "please wait a few minutes before you pay again. Nothing is charged twice."
        )
        self.earlier = earlier


@router.post("/{code}/checkout", status_code=201, response_model=CheckoutShown)
async def open_checkout(
    code: str, request: CheckoutRequest, services: Services, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Start paying what is asked for. While an earlier attempt is open its gateway is asked first: nobody shall pay twice."""
    opened = await asyncio.to_thread(open_link, services, code)
    phone = mobile_number(request.phone) if request.method.is_mobile_money else None

    async def begin(payment_id: str) -> Payment:
        begun = await asyncio.to_thread(_under_way, services, opened, payment_id)
        if begun is not None:
            return begun
        asked = await _ask_about_open_attempts(services, opened, payment_id)
        try:
            return await asyncio.to_thread(_start, services, opened, request.method, phone, payment_id, asked)
        except StillUnknownError as refusal:
            await asyncio.to_thread(_show_to_staff, services, opened, refusal.earlier.id)
            raise

    async def go_on(payment: Payment) -> StoredAnswer:
        if payment.status is PaymentStatus.PENDING:
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

    making = Making(Prefix.PAYMENT, begin, go_on)
    return await once_making(services, f"{opened.link.id}/checkout", idempotency_key, request, making)


def _under_way(services: ApiServices, opened: Opened, payment_id: str) -> Payment | None:
    """The payment that this very request began before, where nothing is to be decided about it any more."""
    with services.database.tenant(opened.tenant_id) as session:
        payment = payments.find(session, payment_id)
        return payment if payment is not None and _is_under_way(session, payment) else None


def _is_under_way(session: Session, payment: Payment) -> bool:
    """Whether its gateway was asked to collect, or it has ended."""
    return payment.status is not PaymentStatus.PENDING or attempts.last(session, payment.id) is not None


async def _ask_about_open_attempts(services: ApiServices, opened: Opened, payment_id: str) -> dict[str, PaymentStatus | None]:
    """Have the gateway of each other open attempt asked; by payment id its status then, None where there was no answer."""
    return {
        earlier.id: await services.workflows.ask_gateway_now(earlier.id, f"{earlier.id}/{services.clock().timestamp()}")
        for earlier in await asyncio.to_thread(_open_attempts, services, opened)
        if earlier.id != payment_id
    }


def _open_attempts(services: ApiServices, opened: Opened) -> list[Payment]:
    with services.database.tenant(opened.tenant_id) as session:
        return payments.pending_for(session, opened.link)


def _start(
    services: ApiServices,
    opened: Opened,
    method: PaymentMethod,
    phone: str | None,
    payment_id: str,
    asked: dict[str, PaymentStatus | None],
) -> Payment:
    with services.database.tenant(opened.tenant_id) as session:
        # One checkout of a customer at a time: two tabs must see each other's payment.
        customers.lock(session, opened.link.customer_id)
        own = payments.find(session, payment_id)
        if own is not None and _is_under_way(session, own):
            return own
        link = links.touch(session, opened.link.id, services.clock())
        amount = _payable(session, link)
        _refuse_what_is_not_taken(session, method, amount.currency)
        _refuse_while_unknown(session, link, payment_id, asked, services.clock())
        if own is not None:
            # Stored, and then Temporal was away: no gateway was asked to collect it yet.
            _refuse_other_amount(own, amount)
            return own
        return payments.start(
            session,
            customer_id=link.customer_id,
            invoice_id=link.invoice_id,
            link_id=link.id,
            target=link.type.target,
            method=method,
            amount=amount,
            payer_phone=phone,
            payment_id=payment_id,
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


def _refuse_other_amount(begun: Payment, amount: Money) -> None:
    if begun.amount != amount:
        raise ConflictError(
            f"This payment was begun over {begun.amount}, and {amount} is asked for now: look at the amount and pay again."
        )


def _refuse_while_unknown(
    session: Session, link: PaymentLink, payment_id: str, asked: dict[str, PaymentStatus | None], now: datetime
) -> None:
    """Unknown is not failed (design, rule 5): no second charge while the outcome of another payment cannot be told.

    An attempt of which the gateway has just said that it waits for its payer does not stand in the way: the payer may choose
    another way. What it said earlier does not count, because the payer may have paid since.
    """
    for pending in payments.pending_for(session, link):
        attempt = attempts.last(session, pending.id)
        is_young = now - pending.initiated_at < BEGINS_WITHIN
        never_began = attempt is None and not is_young and pending.id in asked and asked[pending.id] is None
        is_waiting = (
            attempt is not None and attempt.outcome is Outcome.PENDING and asked.get(pending.id) is PaymentStatus.PENDING
        )
        if pending.id != payment_id and not (never_began or is_waiting):
            raise StillUnknownError(pending)


def _show_to_staff(services: ApiServices, opened: Opened, payment_id: str) -> None:
    """Ask staff to look up a payment that has kept its payer from paying in another way for too long.

    Dismissed, it fails, and stands in nobody's way; matched, it is settled.
    """
    now = services.clock()
    with services.database.tenant(opened.tenant_id) as session:
        customers.lock(session, opened.link.customer_id)
        earlier = payments.lock(session, payment_id)
        if earlier.status is PaymentStatus.PENDING and now - earlier.initiated_at >= CLEARS_UP_WITHIN:
            explanation = (
                f"The payer wants to pay again, and the gateway does not say what became of payment {earlier.id} over "
                f"{earlier.amount}: look it up there. Match it when its money came in; dismiss it when none did, and the "
                "payer can pay in another way."
            )
            reviews.open_for(session, earlier.id, "OUTCOME_UNKNOWN", explanation, now)


def _shown(services: ApiServices, opened: Opened, payment_id: str) -> CheckoutShown:
    with services.database.tenant(opened.tenant_id) as session:
        payment = payments.get(session, payment_id)
        attempt = attempts.last(session, payment_id)
    return checkout_shown(services, opened.link, payment, attempt)
