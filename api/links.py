"""Payment links for staff: make one, see how it stands, share it, cancel it (requirements P5, P6)."""

import asyncio
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.invoices import IdFilter, show_message
from api.links_schemas import PaymentLinkDetailShown, PaymentLinkRequest, PaymentLinkShown
from api.schemas import After, Amount, Limit, MessageShown, Page
from api.services import ApiServices, Services
from api.sharing import invitation, whatsapp_url
from api.showing import show_payments
from api.staff import AnyStaff, BillingStaff
from domain.calendar import local_day
from domain.customer import Customer
from domain.errors import ConflictError, InvalidInputError
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.letters import Branding, Letter
from domain.money import Money
from domain.payment_link import LinkStatus, LinkType, PaymentLink, expiry, require_fields, require_payable
from persistence import audit, customers, invoices, link_details, links, messages, payments, tenants
from persistence.idempotency import StoredAnswer
from persistence.link_details import LinkDetail
from persistence.messages import Claim, Message
from persistence.tenants import Staff
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/api/payment-links", tags=["payment links"])

StatusFilter = Annotated[LinkStatus | None, Query()]

log = structlog.get_logger(__name__)


@router.post("", status_code=201, response_model=PaymentLinkShown)
async def create_link(
    request: PaymentLinkRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Make a link for an invoice, an outstanding balance, a custom amount, a registration fee or a deposit."""

    async def begin(link_id: str) -> PaymentLink:
        return await asyncio.to_thread(_create, services, staff, request, link_id)

    async def go_on(link: PaymentLink) -> StoredAnswer:
        return answer(201, await asyncio.to_thread(_made, services, staff, link.id))

    making = Making(Prefix.PAYMENT_LINK, begin, go_on)
    return await once_making(services, f"{staff.tenant_id}/payment-links", idempotency_key, request, making)


@router.get("")
def list_links(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    status: StatusFilter = None,
    customer_id: IdFilter = None,
    invoice_id: IdFilter = None,
) -> Page[PaymentLinkShown]:
    """Links, newest first; those that every invoice has from the start are among them."""
    with services.database.tenant(staff.tenant_id) as session:
        links.expire_due(session, services.clock())
        found = link_details.page(
            session,
            after=after,
            limit=limit + 1,
            status=status.value if status else None,
            customer_id=customer_id,
            invoice_id=invoice_id,
        )
        branding = tenants.branding(session)
    return Page[PaymentLinkShown].of(
        found, limit, lambda detail: _shown(services, branding, detail), lambda detail: detail.link.id
    )


@router.get("/{link_id}")
def show_link(link_id: str, services: Services, staff: AnyStaff) -> PaymentLinkDetailShown:
    """One link with its payments and letters."""
    with services.database.tenant(staff.tenant_id) as session:
        links.touch(session, link_id, services.clock())
        shown = _shown_now(services, session, link_id)
        begun = show_payments(session, services, payments.page(session, after=None, limit=100, link_id=link_id))
        letters = messages.of_entity(session, "PaymentLink", link_id)
    return PaymentLinkDetailShown(
        **shown.model_dump(),
        payments=begun,
        messages=[show_message(item) for item in letters],
    )


@router.post("/{link_id}/cancel")
def cancel_link(link_id: str, services: Services, staff: BillingStaff) -> PaymentLinkShown:
    """Close a link, so that nobody can pay by it any more. An invoice's own link closes with its invoice only."""
    with services.database.tenant(staff.tenant_id) as session:
        links.cancel(session, link_id, staff.name, services.clock())
        return _shown_now(services, session, link_id)


@router.post("/{link_id}/send", status_code=202)
async def send_link(link_id: str, services: Services, staff: BillingStaff) -> MessageShown:
    """Mail a link to its customer: one letter a day, however often it is asked for, and another one where that failed."""
    message = await asyncio.to_thread(_claim, services, staff, link_id)
    if message.status == "QUEUED":
        try:
            await services.workflows.send_letter(staff.tenant_id, message.id)
        except EngineUnavailableError as error:
            log.warning("a letter waits for the sweeper", message_id=message.id, error=str(error))
    return show_message(message)


def _create(services: ApiServices, staff: Staff, request: PaymentLinkRequest, link_id: str) -> PaymentLink:
    require_fields(request.type, customer_id=request.customer_id, invoice_id=request.invoice_id, amount=request.amount)
    now = services.clock()
    with services.database.tenant(staff.tenant_id) as session:
        own = links.find(session, link_id)
        if own is not None:
            return own
        customer, invoice = _payer(session, request)
        currency = _currency(session, request, invoice)
        amount = Money(request.amount, currency) if request.amount is not None else None
        if invoice is not None:
            require_payable(invoice, amount)
        if request.type is LinkType.OUTSTANDING and not link_details.outstanding(session, customer.id, currency):
            raise InvalidInputError("customer_id", f"customer {customer.name} owes nothing in {currency}.")
        return links.create(
            session,
            link_type=request.type,
            customer_id=customer.id,
            invoice_id=invoice.id if invoice else None,
            amount=amount,
            currency=currency,
            description=request.description,
            expires_at=expiry(now, request.expires_in_days),
            link_id=link_id,
            actor=staff.name,
            now=now,
        )


def _made(services: ApiServices, staff: Staff, link_id: str) -> PaymentLinkShown:
    with services.database.tenant(staff.tenant_id) as session:
        return _shown_now(services, session, link_id)


def _payer(session: Session, request: PaymentLinkRequest) -> tuple[Customer, Invoice | None]:
    """The customer, locked so that what is due stays so until the link is made, and the invoice, where there is one."""
    if request.invoice_id is None:
        return customers.lock(session, request.customer_id or ""), None
    owner = invoices.get(session, request.invoice_id).invoice.customer_id
    if request.customer_id not in {None, owner}:
        raise InvalidInputError(
            "customer_id", f"invoice {request.invoice_id} is another customer's: leave it out, or name {owner}."
        )
    customer = customers.lock(session, owner)
    return customer, invoices.lock_one(session, request.invoice_id).invoice


def _currency(session: Session, request: PaymentLinkRequest, invoice: Invoice | None) -> str:
    """The currency that is asked for: the invoice's, the one that staff named, or the business's own."""
    if invoice is not None and request.currency not in {None, invoice.total.currency}:
        raise InvalidInputError(
            "currency", f"invoice {invoice.number} is in {invoice.total.currency}, not in {request.currency}."
        )
    chosen = invoice.total.currency if invoice else request.currency or tenants.current(session).currency
    Money.zero(chosen)  # names the currencies that there are when this is none
    if not tenants.gateways_for(session, chosen):
        raise InvalidInputError(
            "currency", f"this business has no account at a gateway that takes {chosen}, so nobody could pay by the link."
        )
    return chosen


def _claim(services: ApiServices, staff: Staff, link_id: str) -> Message:
    """The letter of today: claimed now, or before."""
    now = services.clock()
    with services.database.tenant(staff.tenant_id) as session:
        customers.lock(session, links.get(session, link_id).customer_id)
        link = links.lock(session, link_id)
        written = messages.of_entity(session, "PaymentLink", link_id)
        _require_sendable(link_details.get(session, link_id), link, now)
        step = _step(written, local_day(now, tenants.current(session).time_zone).isoformat())
        claim = Claim(Letter.PAYMENT_LINK, "PaymentLink", link_id, step, link.customer_id, invoice_id=link.invoice_id)
        message_id = messages.claim(session, claim, now)
        if message_id is None:
            raise ConflictError(
                f"Payment link {link.code} cannot be mailed: its customer has no e-mail address. Add one, or share the link "
                "by WhatsApp."
            )
        if message_id not in {message.id for message in written}:
            audit.record(session, now, staff.name, "PAYMENT_LINK_SENT", "PaymentLink", link_id, message_id=message_id)
        return messages.get(session, message_id)


def _require_sendable(detail: LinkDetail, link: PaymentLink, now: datetime) -> None:
    if link.status_at(now) is not LinkStatus.ACTIVE:
        raise ConflictError(f"Payment link {link.code} is {link.status_at(now)}: nobody could pay by it. Make a new one.")
    if not detail.asked:
        raise ConflictError(f"Payment link {link.code} asks for nothing now: all that it is for is paid.")


def _step(written: list[Message], today: str) -> str:
    """What makes the letter of a day one letter, and the one after a letter that was not sent another."""
    lost = sum(message.status in {"FAILED", "CANCELLED"} for message in written)
    return f"{today}.{lost}"


def _shown_now(services: ApiServices, session: Session, link_id: str) -> PaymentLinkShown:
    return _shown(services, tenants.branding(session), link_details.get(session, link_id))


def _shown(services: ApiServices, branding: Branding, detail: LinkDetail) -> PaymentLinkShown:
    link = detail.link
    is_payable = link.status is LinkStatus.ACTIVE and bool(detail.asked)
    return PaymentLinkShown(
        id=link.id,
        code=link.code,
        url=services.payment_page(link.code),
        type=link.type,
        status=link.status,
        customer_id=link.customer_id,
        invoice_id=link.invoice_id,
        invoice_number=detail.invoice_number,
        is_own=link.is_own,
        purpose=detail.purpose,
        amount=Amount.of(detail.asked),
        expires_at=link.expires_at,
        created_at=link.created_at,
        created_by=link.created_by,
        closed_at=link.closed_at,
        whatsapp_url=_whatsapp(services, branding, detail) if is_payable else None,
    )


def _whatsapp(services: ApiServices, branding: Branding, detail: LinkDetail) -> str:
    message = invitation(
        customer_name=detail.customer.name,
        business_name=branding.business_name,
        purpose=detail.purpose,
        amount=detail.asked,
        address=services.payment_page(detail.link.code),
        locale=branding.locale,
    )
    return whatsapp_url(detail.customer.phone, branding.locale, message)
