"""The page on which a payer pays: what Paynow hosts at the `browserurl` of a transaction."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader

from dev.simulators.paynow_book import Book, Transaction
from dev.simulators.paynow_desk import Desk
from dev.simulators.paynow_wire import decode, fields_of

DECISIONS = {"pay": "Paid", "cancel": "Cancelled"}

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def page_router(book: Book, desk: Desk) -> APIRouter:
    """The hosted page. Its address may have more behind the number, as Paynow adds the payer's e-mail there."""
    router = APIRouter()

    @router.get("/payment/confirmpayment/{number}")
    @router.get("/payment/confirmpayment/{number}/{rest:path}")
    async def show(number: str) -> Response:
        transaction = book.numbered(number)
        return _missing(number) if transaction is None else _page(transaction)

    @router.post("/payment/confirmpayment/{number}")
    @router.post("/payment/confirmpayment/{number}/{rest:path}")
    async def decide(number: str, request: Request) -> Response:
        transaction = book.numbered(number)
        if transaction is None:
            return _missing(number)
        status = DECISIONS.get(fields_of(decode(await request.body())).get("decision", ""))
        # A second press, or the back button, finds the payment decided and changes nothing.
        if status is not None and transaction.is_unpaid:
            desk.move(transaction, status)
        if transaction.is_unpaid or not _may_return(transaction):
            return _page(transaction)
        return RedirectResponse(transaction.returnurl, status_code=303)

    return router


def _page(transaction: Transaction) -> HTMLResponse:
    template = _PAGES.get_template("paynow_confirm.html")
    return HTMLResponse(template.render(transaction=transaction, may_return=_may_return(transaction)))


def _missing(number: str) -> HTMLResponse:
    return HTMLResponse(_PAGES.get_template("paynow_missing.html").render(number=number), status_code=404)


def _may_return(transaction: Transaction) -> bool:
    return transaction.returnurl.startswith(("http://", "https://"))
