"""How a payment link stands, and the payer's return (design, rule 4, door three): arriving decides nothing, it has us ask."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from fastapi import APIRouter

from api.pay.opening import Opened, open_link, payments_by
from api.pay.schemas import PayerPaymentShown, PayStatusShown
from api.schemas import Amount
from api.services import ApiServices, Services
from domain.payment import PaymentStatus
from persistence import invoices, link_details
from persistence.payments import Payment
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/pay", tags=["paying"])

# Whoever waits before a page waits no longer than this for a gateway; the question goes on without them.
PATIENCE = timedelta(seconds=10)

# Of a payer who tried many ways, the last ones are asked about now; the others are polled in their own time.
MOST_ASKED = 3

# However often a page is loaded, a gateway is asked once in this time: often while its payer sits before it, seldom later, so
# that nobody can fill the payment's history by loading a page all day.
LOOKS_APART = timedelta(seconds=10)
LOOKS_APART_LATER = timedelta(minutes=5)
LATER = timedelta(minutes=30)


@router.get("/{code}/status")
def pay_status(code: str, services: Services) -> PayStatusShown:
    """How the link, its invoice and its payments stand."""
    return _status(services, open_link(services, code))


@router.post("/{code}/look")
async def look_now(code: str, services: Services) -> PayStatusShown:
    """Ask the gateways of what is pending, and tell how the link stands then. For whoever comes back from a gateway's page."""
    opened = await asyncio.to_thread(open_link, services, code)
    await look(services, opened, PATIENCE)
    return await asyncio.to_thread(_status, services, opened)


async def look(services: ApiServices, opened: Opened, patience: timedelta) -> None:
    """Have the gateways of the link's pending payments asked, and wait for it as long as `patience` lasts."""
    pending = await asyncio.to_thread(_pending, services, opened)
    now = services.clock()
    with suppress(TimeoutError):
        async with asyncio.timeout(patience.total_seconds()):
            await asyncio.gather(*(_ask(services, payment, now) for payment in pending[:MOST_ASKED]))


def look_id(payment: Payment, now: datetime) -> str:
    """The same for all looks at a payment that come close together, so that they are one question."""
    apart = LOOKS_APART if now - payment.initiated_at < LATER else LOOKS_APART_LATER
    seconds = int(apart.total_seconds())
    return f"{payment.id}/look/{seconds}/{int(now.timestamp()) // seconds}"


async def _ask(services: ApiServices, payment: Payment, now: datetime) -> None:
    with suppress(EngineUnavailableError):  # the page tells what is known without it
        await services.workflows.ask_gateway_now(payment.id, look_id(payment, now))


def _pending(services: ApiServices, opened: Opened) -> list[Payment]:
    with services.database.tenant(opened.tenant_id) as session:
        return [payment for payment in payments_by(session, opened.link) if payment.status is PaymentStatus.PENDING]


def _status(services: ApiServices, opened: Opened) -> PayStatusShown:
    with services.database.tenant(opened.tenant_id) as session:
        detail = link_details.get(session, opened.link.id)
        invoice = invoices.get(session, detail.link.invoice_id).invoice if detail.link.invoice_id else None
        found = payments_by(session, detail.link)
    return PayStatusShown(
        link_status=detail.link.status.value,
        link_type=detail.link.type.value,
        amount=Amount.of(detail.asked),
        invoice_number=invoice.number if invoice else None,
        state=invoice.state.value if invoice else None,
        due_on=invoice.due_on if invoice else None,
        total=Amount.of(invoice.total) if invoice else None,
        amount_due=Amount.of(invoice.amount_due if invoice else detail.asked),
        payments=[PayerPaymentShown.of(payment) for payment in found],
    )
