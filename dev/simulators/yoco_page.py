"""The page on which a payer pays by card: what Yoco hosts at the `redirectUrl` of a checkout."""

from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader

from dev.simulators.yoco_book import Book, Checkout
from dev.simulators.yoco_cards import TEST_CARDS, read_card
from dev.simulators.yoco_desk import Desk

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def page_router(book: Book, desk: Desk) -> APIRouter:
    """The hosted page. `decision` is `pay` or `cancel`; without one it is a payment, as pressing Enter in a field is."""
    router = APIRouter()

    @router.get("/checkout/{checkout_id}")
    async def show(checkout_id: str) -> Response:
        checkout = book.checkout(checkout_id)
        if checkout is None:
            return _missing()
        desk.open_page(checkout)
        return _page(checkout)

    @router.post("/checkout/{checkout_id}")
    async def decide(checkout_id: str, request: Request) -> Response:
        checkout = book.checkout(checkout_id)
        if checkout is None:
            return _missing()
        typed = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        # A second press, or the back button, finds the checkout paid and charges nothing.
        if checkout.is_paid:
            return _leave(checkout, "successUrl")
        if typed.get("decision") == "cancel":
            return _leave(checkout, "failureUrl" if checkout.declines else "cancelUrl")
        return _charge(desk, checkout, typed)

    return router


def _charge(desk: Desk, checkout: Checkout, typed: dict[str, str]) -> Response:
    card, wrong = read_card(typed)
    if card is None:
        return _page(checkout, wrong, status=422)
    if desk.charge(checkout, card):
        return _leave(checkout, "successUrl")
    return _page(checkout, {"card": "Your bank declined this card. Try another one, or go back to the merchant."})


def _leave(checkout: Checkout, name: str) -> Response:
    """Send the payer to the merchant's address of that name, where there is one."""
    address = checkout.asked.get(name)
    return RedirectResponse(address, status_code=303) if address else _page(checkout)


def _page(checkout: Checkout, wrong: dict[str, str] | None = None, status: int = 200) -> HTMLResponse:
    template = _PAGES.get_template("yoco_checkout.html")
    total = f"{checkout.amount // 100}.{checkout.amount % 100:02d}"
    body = template.render(checkout=checkout, total=total, wrong=wrong or {}, cards=TEST_CARDS)
    return HTMLResponse(body, status_code=status)


def _missing() -> HTMLResponse:
    return HTMLResponse(_PAGES.get_template("yoco_missing.html").render(), status_code=404)
