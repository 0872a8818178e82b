"""The page behind a payment link: what is owed and to whom, how to pay, and the outcome without reloading."""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.pay.checkout import open_link
from api.services import ApiServices, Services
from domain.calendar import local_day
from domain.errors import NotFoundError
from domain.invoice import InvoiceState
from domain.payment import PaymentMethod
from persistence import attempts, customers, invoices, payments, tenants
from wording import write_day, write_money

router = APIRouter(prefix="/pay", tags=["paying"], include_in_schema=False)

_HERE = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STATIC = {"pay.js": "text/javascript", "pay.css": "text/css"}
# Nothing from elsewhere runs or loads on a page where people pay; forms and fetches go to us alone.
_POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_NONCE_BYTES = 16
# Perceived brightness (ITU-R BT.601, 0 to 255) from which on dark text reads better than white.
_BRIGHT = 150
_DARK_TEXT, _LIGHT_TEXT = "#111827", "#ffffff"

log = structlog.get_logger(__name__)


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The page's own script and style."""
    if name not in _STATIC:
        raise NotFoundError("file", name)
    return Response((_HERE / "static" / name).read_bytes(), media_type=_STATIC[name], headers={"Cache-Control": "max-age=300"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """The payment that is waited for, and what its payer was told to do; so a reload tells it again."""

    payment_id: str
    method_name: str
    instructions: str | None = None
    authorization_code: str | None = None
    redirect_url: str | None = None


@router.get("/{token}")
async def pay_page(token: str, services: Services) -> HTMLResponse:
    """The page itself; people are told on a page too that a link opens nothing, or that we cannot look just now."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    headers = {"Content-Security-Policy": _POLICY.format(nonce=nonce)}
    try:
        facts = await asyncio.to_thread(_facts, services, token)
    except NotFoundError:
        return HTMLResponse(_templates.get_template("unknown.html").render(), 404, headers)
    except OperationalError as error:
        log.error("the database does not answer", error=str(error.orig))  # noqa: TRY400 - its traceback tells no more
        return HTMLResponse(_templates.get_template("away.html").render(), 503, {**headers, "Retry-After": "60"})
    return HTMLResponse(_templates.get_template("pay.html").render(token=token, nonce=nonce, **facts), headers=headers)


def _facts(services: ApiServices, token: str) -> dict[str, Any]:
    """What the template tells."""
    link = open_link(services, token)
    with services.database.tenant(link.tenant_id) as session:
        invoice = invoices.get(session, link.invoice_id).invoice
        branding = tenants.branding(session)
        today = local_day(services.clock(), tenants.current(session).time_zone)
        gateways = tenants.gateways_for(session, invoice.amount_due.currency)
        customer = customers.get(session, invoice.customer_id)
        lines = [(line.description, write_money(line.gross, branding.locale)) for line in invoices.lines(session, invoice.id)]
        waiting = _waiting(session, invoice.id)
    is_open = invoice.state is InvoiceState.OPEN
    paid_already = invoice.total - invoice.amount_due
    return {
        "branding": branding,
        "on_brand": _text_on(branding.colour),
        "customer_name": customer.name,
        "gets_letters": bool(customer.email),
        "number": invoice.number,
        "is_open": is_open,
        "is_paid": invoice.state is InvoiceState.PAID,
        "is_overdue": is_open and today > invoice.due_on,
        "amount_due": write_money(invoice.amount_due, branding.locale),
        "already_paid": write_money(paid_already, branding.locale) if paid_already else None,
        "total": write_money(invoice.total, branding.locale),
        "due_on": write_day(invoice.due_on, branding.locale),
        "lines": lines,
        "methods": [method for method in PaymentMethod if method.gateway in gateways],
        "waiting": waiting if is_open else None,
    }


def _waiting(session: Session, invoice_id: str) -> Waiting | None:
    """The newest payment of which it is not known yet how it ends."""
    pending = payments.pending_of_invoice(session, invoice_id)
    if not pending:
        return None
    attempt = attempts.last(session, pending[-1].id)
    told = (attempt.checkout if attempt else None) or {}
    return Waiting(
        pending[-1].id,
        pending[-1].method.human_name,
        told.get("instructions"),
        told.get("authorization_code"),
        told.get("redirect_url"),
    )


def _text_on(colour: str) -> str:
    """The colour of text that can be read on `colour` (`#rrggbb`)."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return _DARK_TEXT if 299 * red + 587 * green + 114 * blue >= _BRIGHT * 1000 else _LIGHT_TEXT
