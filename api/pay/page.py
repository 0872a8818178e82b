"""The page behind a payment link: what is owed and to whom, how to pay, and the outcome without reloading."""

import asyncio
from pathlib import Path

import structlog
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError

from api.pay.checkout import open_link
from api.services import ApiServices, Services
from domain.errors import NotFoundError
from domain.invoice import InvoiceState
from domain.payment import PaymentMethod
from persistence import customers, invoices, tenants
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
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

log = structlog.get_logger(__name__)


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The page's own script and style."""
    if name not in _STATIC:
        raise NotFoundError("file", name)
    return Response((_HERE / "static" / name).read_bytes(), media_type=_STATIC[name], headers={"Cache-Control": "max-age=300"})


@router.get("/{token}")
async def pay_page(token: str, services: Services) -> HTMLResponse:
    """The page itself; people are told on a page too that a link opens nothing, or that we cannot look just now."""
    headers = {"Content-Security-Policy": _POLICY}
    try:
        return HTMLResponse(await asyncio.to_thread(_page, services, token), headers=headers)
    except NotFoundError:
        return HTMLResponse(_templates.get_template("unknown.html").render(), 404, headers)
    except OperationalError as error:
        log.error("the database does not answer", error=str(error.orig))  # noqa: TRY400 - its traceback tells no more
        return HTMLResponse(_templates.get_template("away.html").render(), 503, {**headers, "Retry-After": "60"})


def _page(services: ApiServices, token: str) -> str:
    link = open_link(services, token)
    with services.database.tenant(link.tenant_id) as session:
        detail = invoices.get(session, link.invoice_id)
        invoice = detail.invoice
        branding = tenants.branding(session)
        gateways = tenants.gateways_for(session, invoice.amount_due.currency)
        customer = customers.get(session, invoice.customer_id)
        lines = [(line.description, write_money(line.gross, branding.locale)) for line in invoices.lines(session, invoice.id)]
    return _templates.get_template("pay.html").render(
        token=token,
        branding=branding,
        customer_name=customer.name,
        number=invoice.number,
        is_open=invoice.state is InvoiceState.OPEN,
        is_paid=invoice.state is InvoiceState.PAID,
        amount_due=write_money(invoice.amount_due, branding.locale),
        total=write_money(invoice.total, branding.locale),
        due_on=write_day(invoice.due_on, branding.locale),
        lines=lines,
        methods=[method for method in PaymentMethod if method.gateway in gateways],
    )
