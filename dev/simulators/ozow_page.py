"""What the payer's browser sees: the posted form that opens a payment, the page itself, and the way back to the merchant."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader

from dev.simulators.ozow_book import Book, Config, PaymentRequest, Transaction
from dev.simulators.ozow_desk import Desk
from dev.simulators.ozow_wire import RefusedError, from_form, pressed, signed
from dev.simulators.serving import base_url

BANKS = ("Absa", "Capitec", "FNB", "Nedbank", "Standard Bank", "TymeBank")
OUTCOMES = ("Complete", "Cancelled", "Error", "Abandoned", "PendingInvestigation")

# The documents name the addresses, not which statuses lead where: whatever is not paid or cancelled is an error to the browser.
WAYS_BACK = {"Complete": "SuccessUrl", "Cancelled": "CancelUrl"}
OTHER_WAY_BACK = "ErrorUrl"

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def page_router(config: Config, book: Book, desk: Desk) -> APIRouter:
    """The hosted page at `/{paymentRequestId}/Secure`, and `/` for a merchant's own form."""
    router = APIRouter()

    @router.post("/")
    async def open_payment(request: Request) -> Response:
        try:
            made = desk.request(from_form(await request.body()), base_url(request))
        except RefusedError as refused:
            return _html("ozow_refused.html", 400, reason=str(refused))
        return RedirectResponse(made.url, status_code=302)

    @router.get("/{request_id}/Secure")
    async def show(request_id: str) -> Response:
        found = book.requested(request_id)
        return _missing(request_id) if found is None else _page(config, found)

    @router.post("/{request_id}/Secure")
    async def decide(request_id: str, request: Request) -> Response:
        found = book.requested(request_id)
        if found is None:
            return _missing(request_id)
        form = pressed(await request.body())
        # A second press, or the back button, finds the payment made and changes nothing.
        tried = None if _is_decided(found) else _act(desk, found, form)
        return _page(config, found) if tried is None else _back(config, found, tried)

    return router


def _act(desk: Desk, request: PaymentRequest, form: dict[str, str]) -> Transaction | None:
    """Do what was pressed; the try when it has come to a result, None while the payer stays on the page."""
    decision, newest = form.get("decision", ""), request.newest
    if decision == "cancel":
        desk.cancel(request)
        return request.newest
    if request.is_test and decision in OUTCOMES:
        tried = desk.begin(request, "Test bank")
        desk.move(request, tried, decision)
        return tried
    if decision == "approve" and newest is not None and newest.is_open:
        desk.move(request, newest, "Complete")
        return newest
    if decision == "bank" and form.get("bank") in BANKS:
        desk.begin(request, form["bank"])
    return None


def _page(config: Config, request: PaymentRequest) -> Response:
    newest = request.newest
    if newest is not None and _is_decided(request):
        return _back(config, request, newest)
    return _html("ozow_pay.html", request=request, newest=newest, banks=BANKS, outcomes=OUTCOMES)


def _back(config: Config, request: PaymentRequest, tried: Transaction) -> Response:
    """A page that posts the same fields as the notification to the merchant through the payer's browser."""
    url = request.fields.get(WAYS_BACK.get(tried.status, OTHER_WAY_BACK), "")
    key = config.sites[request.fields["SiteCode"]].private_key
    may_go = url.startswith(("http://", "https://"))
    return _html(
        "ozow_back.html", request=request, tried=tried, url=url if may_go else "", fields=signed(request.message(tried), key)
    )


def _is_decided(request: PaymentRequest) -> bool:
    """Paid, or with the bank to be found out: then the page lets nobody try again."""
    newest = request.newest
    return newest is not None and newest.status in {"Complete", "PendingInvestigation"}


def _missing(request_id: str) -> HTMLResponse:
    return _html("ozow_refused.html", 404, reason=f"There is no payment {request_id}.")


def _html(template: str, status_code: int = 200, **facts: object) -> HTMLResponse:
    return HTMLResponse(_PAGES.get_template(template).render(**facts), status_code=status_code)
