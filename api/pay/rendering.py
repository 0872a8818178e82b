"""How the payer's pages are made: templates, and headers under which nothing from elsewhere runs on them."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError

from domain.letters import Branding

HERE = Path(__file__).parent

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
)
_NONCE_BYTES = 16
# Perceived brightness (ITU-R BT.601, 0 to 255) from which on dark text reads better than white.
_BRIGHT = 150
_DARK_TEXT, _LIGHT_TEXT = "#111827", "#ffffff"

log = structlog.get_logger(__name__)


def render(
    template: str,
    status: int = 200,
    *,
    branding: Branding | None = None,
    form_action: str = "'self'",
    headers: dict[str, str] | None = None,
    **facts: object,
) -> HTMLResponse:
    """A page.

    Args:
        template: its file name.
        status: of HTTP.
        branding: of the business whose page it is; None for a page of nobody's.
        form_action: where its forms may be posted to.
        headers: besides the content security policy.
        facts: what the template tells.
    """
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    if branding is not None:
        facts = {**facts, "branding": branding, "on_brand": text_on(branding.colour)}
    policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce, form_action=form_action)}
    return HTMLResponse(_templates.get_template(template).render(nonce=nonce, **facts), status, {**policy, **(headers or {})})


def away(error: OperationalError | None = None) -> HTMLResponse:
    """The page for when we cannot look just now; `error` says that it is the database that does not answer."""
    if error is not None:
        log.error("the database does not answer", error=str(error.orig))
    return render("away.html", 503, headers={"Retry-After": "60"})


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a content security policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def text_on(colour: str) -> str:
    """The colour of text that can be read on `colour` (`#rrggbb`)."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return _DARK_TEXT if 299 * red + 587 * green + 114 * blue >= _BRIGHT * 1000 else _LIGHT_TEXT
