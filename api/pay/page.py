"""The page behind a payment link: who asks, for what, how to pay, and the outcome without reloading."""

import asyncio
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.exc import OperationalError

from api.pay.opening import open_link
from api.pay.page_facts import PageFacts, read_facts
from api.pay.page_words import Back
from api.pay.rendering import HERE, away, render
from api.pay.status import look
from api.services import ApiServices, Services
from domain.errors import NotFoundError

router = APIRouter(prefix="/pay", tags=["paying"], include_in_schema=False)

_STATIC = {"pay.js": "text/javascript", "handover.js": "text/javascript", "pay.css": "text/css"}

# How long the page itself waits for a gateway when a browser without JavaScript has it ask.
PATIENCE = timedelta(seconds=4)


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The pages' own scripts and style."""
    if name not in _STATIC:
        raise NotFoundError("file", name)
    return Response((HERE / "static" / name).read_bytes(), media_type=_STATIC[name], headers={"Cache-Control": "max-age=300"})


@router.get("/{code}")
async def pay_page(
    code: str, services: Services, back: str | None = None, look_first: Annotated[str | None, Query(alias="look")] = None
) -> HTMLResponse:
    """The page itself; people are told on a page too that a link opens nothing, or that we cannot look just now.

    Args:
        code: of the link.
        services: of this process.
        back: how a gateway's page says that it went (`paid`, `cancelled`, `failed`); it decides nothing.
        look_first: `now` has the gateway asked before the page is made, for browsers whose pages cannot ask themselves.
    """
    try:
        facts = await _facts(services, code, Back.of(back), looks_first=look_first == "now")
    except NotFoundError:
        return render("unknown.html", 404)
    except OperationalError as error:
        return away(error)
    return render("pay.html", facts.http_status, branding=facts.branding, page=facts)


@router.post("/{code}")
def come_back(code: str, back: str | None = None) -> Response:
    """Take a payer whose browser a gateway has post a form to the return address (Ozow); what the form says is not read."""
    word = Back.of(back)
    return RedirectResponse(f"/pay/{quote(code, safe='')}" + (f"?back={word}" if word else ""), 303)


async def _facts(services: ApiServices, code: str, back: Back | None, *, looks_first: bool) -> PageFacts:
    opened = await asyncio.to_thread(open_link, services, code)
    if looks_first:
        await look(services, opened, PATIENCE)
    return await asyncio.to_thread(read_facts, services, opened, back, has_looked=looks_first)
