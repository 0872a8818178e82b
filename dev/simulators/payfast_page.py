"""The pages at PayFast's own host: where a form is posted, where the buyer pays, and where an ITN is confirmed."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader

from dev.simulators.faults import Fault, Faults
from dev.simulators.payfast_book import OPEN, Book, Payment
from dev.simulators.payfast_courier import Courier
from dev.simulators.payfast_desk import ABANDONED, Desk, RefusedError
from dev.simulators.payfast_wire import decode
from dev.simulators.serving import serve

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def page_router(book: Book, desk: Desk, courier: Courier, faults: Faults) -> APIRouter:
    """What browsers visit, and the one address that merchants' servers call."""
    router = APIRouter()

    @router.post("/eng/process")
    async def process(request: Request) -> Response:
        form = await request.body()
        return await serve(request, faults, "process", lambda _: _begin(desk, form))

    @router.get("/eng/process")
    async def process_link(request: Request) -> Response:
        form = request.scope["query_string"]
        return await serve(request, faults, "process", lambda _: _begin(desk, form))

    @router.get("/eng/process/payment/{guid}")
    async def show(guid: str) -> Response:
        payment = book.find(guid)
        return _missing() if payment is None else _page(payment)

    @router.post("/eng/process/payment/{guid}")
    async def decide(guid: str, request: Request) -> Response:
        payment = book.find(guid)
        if payment is None:
            return _missing()
        try:
            pressed = dict(decode(await request.body()))
        except ValueError:
            return _refused(400, "The form could not be read.")
        # A second press, or the back button, finds the payment decided and changes nothing.
        if pressed.get("decision") == "pay" and desk.pay(payment, pressed.get("method", "")):
            await courier.tell(payment)
        if pressed.get("decision") == "cancel":
            desk.cancel(payment)
        address = _way_back(payment)
        return RedirectResponse(address, status_code=303) if address else _page(payment)

    @router.post("/eng/query/validate")
    async def validate(request: Request) -> Response:
        notification = await request.body()
        return await serve(request, faults, "validate", lambda fault: _validate(desk, notification, fault))

    return router


def _begin(desk: Desk, form: bytes) -> Response:
    try:
        payment = desk.begin(form)
    except RefusedError as refused:
        return _refused(400, *refused.reasons)
    return RedirectResponse(f"/eng/process/payment/{payment.guid}", status_code=303)


def _validate(desk: Desk, notification: bytes, fault: Fault | None) -> Response:
    is_ours = desk.knows(notification) and not (fault is not None and fault.kind == "invalid")
    return Response("VALID" if is_ours else "INVALID", media_type="text/plain")


def _page(payment: Payment) -> HTMLResponse:
    template = _PAGES.get_template("payfast_pay.html")
    return HTMLResponse(template.render(payment=payment, is_open=payment.status == OPEN, way_back=_way_back(payment)))


def _missing() -> HTMLResponse:
    return _refused(404, "There is no such payment. Go back to the merchant and start again.")


def _refused(status: int, *reasons: str) -> HTMLResponse:
    return HTMLResponse(_PAGES.get_template("payfast_refused.html").render(reasons=reasons), status_code=status)


def _way_back(payment: Payment) -> str:
    """Where the buyer goes now; empty while the payment is open, or when the merchant gave no web address."""
    if payment.status == OPEN:
        return ""
    address = payment.fields.get("cancel_url" if payment.status == ABANDONED else "return_url", "")
    return address if address.startswith(("http://", "https://")) else ""
