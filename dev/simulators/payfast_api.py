"""PayFast's API: transaction history as CSV, queries and refunds, each call signed in its headers.

The history's columns are those of a live answer that is quoted in public code. The shapes of `process/query` and `refunds` are
our reading of the documents, as far as these tell them.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from dev.simulators.faults import Fault, Faults
from dev.simulators.incoming import read_json
from dev.simulators.payfast_book import JOHANNESBURG, Book, Config, Payment
from dev.simulators.payfast_wire import api_signature
from dev.simulators.serving import serve

SIGNED_HEADERS = ("merchant-id", "version", "timestamp")
MOST_ROWS = 1000
_CENTS = re.compile(r"[0-9]{1,12}")
CUSTOM = (
    *("custom str1", "custom int1", "custom str2", "custom int2", "custom str3"),
    *("custom str4", "custom str5", "custom int3", "custom int4", "custom int5"),
)
HEADER = (
    *("Date", "Type", "Sign", "Party", "Name", "Description", "Currency", "Funding Type", "Batch ID", "Gross", "Fee", "Net"),
    *("Balance", "M Payment ID", "PF Payment ID", *CUSTOM),
)


def api_router(config: Config, book: Book, faults: Faults) -> APIRouter:
    """The API, which PayFast serves at a host of its own."""
    router = APIRouter()

    @router.get("/ping")
    async def ping(request: Request) -> Response:
        return _answer(200, "API V1") if await _caller(request, config) else _unauthorised()

    @router.get("/transactions/history")
    @router.get("/transactions/history/{period}")
    async def transactions(request: Request, period: str = "") -> Response:
        caller = await _caller(request, config)
        query = dict(request.query_params)
        return await serve(request, faults, "history", lambda fault: _history(book, caller, period, query, fault))

    @router.get("/process/query/{number}")
    async def process_query(request: Request, number: str) -> Response:
        payment = book.of(await _caller(request, config), number)
        return _answer(200, _told(payment)) if payment else await _refusal(request, config)

    @router.get("/refunds/{number}")
    @router.get("/refunds/query/{number}")
    async def refund_query(request: Request, number: str) -> Response:
        payment = book.of(await _caller(request, config), number)
        return _answer(200, _refundable(payment)) if payment else await _refusal(request, config)

    @router.post("/refunds/{number}")
    async def refund(request: Request, number: str) -> Response:
        payment = book.of(await _caller(request, config), number)
        if payment is None:
            return await _refusal(request, config)
        response = _refund(payment, read_json(await request.body() or b"{}"))
        book.save()
        return response

    return router


async def _caller(request: Request, config: Config) -> str:
    """The merchant who signed this call; empty when nobody did. `testing` is not part of what is signed."""
    headers = {name: request.headers.get(name, "") for name in SIGNED_HEADERS}
    query = {name: value for name, value in request.query_params.items() if name != "testing"}
    try:
        datetime.fromisoformat(headers["timestamp"])
        told = read_json(await request.body() or b"{}")
    except ValueError:
        return ""
    merchant = config.merchants.get(headers["merchant-id"])
    if merchant is None or headers["version"] != "v1" or not isinstance(told, dict):
        return ""
    signed = {**headers, **query, **{name: _as_text(value) for name, value in told.items()}}
    expected = api_signature(signed, merchant.passphrase)
    return merchant.id if request.headers.get("signature", "") == expected else ""


def _as_text(value: object) -> str:
    """A field of a JSON body as PHP, in which PayFast's clients are written, makes text of it."""
    if value is None or isinstance(value, bool):
        return "1" if value else ""
    return str(value)


async def _refusal(request: Request, config: Config) -> Response:
    return _failed(404, "No record found.") if await _caller(request, config) else _unauthorised()


def _history(book: Book, caller: str, period: str, query: dict[str, str], fault: Fault | None) -> Response:
    kind = fault.kind if fault else ""
    if not caller or kind == "unauthorised":
        return _unauthorised()
    if kind == "rate_limited":
        return _failed(429, "Too many requests.")
    try:
        first, last = _window(period, query)
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", MOST_ROWS)), MOST_ROWS)
    except (ValueError, KeyError, OverflowError):
        return _failed(400, "Invalid date, offset or limit.")
    rows = [row for row in _rows(book, caller) if first.isoformat() <= str(row[0])[:10] <= last.isoformat()]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *([] if kind == "empty" else sorted(rows)[offset : offset + limit])])
    return Response(text.getvalue(), media_type="text/csv")


def _window(period: str, query: dict[str, str]) -> tuple[date, date]:
    """The first and the last day that are asked for.

    Raises:
        ValueError, KeyError, OverflowError: a date is missing, is none, or its month or week ends after all dates.
    """
    if period == "monthly":
        first = date.fromisoformat(f"{query['date']}-01")
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if period == "weekly":
        day = date.fromisoformat(query["date"])
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    if period == "daily":
        day = date.fromisoformat(query["date"])
        return day, day
    if period:
        raise ValueError(period)
    today = datetime.now(JOHANNESBURG).date().isoformat()
    first, last = sorted(date.fromisoformat(query.get(name, today)) for name in ("from", "to"))
    return first, last


def _rows(book: Book, merchant_id: str) -> Iterator[tuple[str, ...]]:
    """Money that moved, in and out, each with thousands set off as PayFast writes them."""
    balance = Decimal(0)
    for payment in book:
        if payment.merchant_id != merchant_id or not payment.is_paid:
            continue
        moves = [(payment.paid_at, "FUNDS_RECEIVED", "CREDIT", payment.gross, payment.fee)]
        moves += [(at, "REFUND", "DEBIT", -Decimal(cents) / 100, Decimal("0.00")) for at, cents in payment.refunds]
        for at, kind, sign, gross, fee in moves:
            balance += gross + fee
            yield (
                *(at, kind, sign, payment.fields.get("email_address", ""), payment.fields["item_name"]),
                *(payment.fields.get("item_description", ""), "ZAR", payment.funding, ""),
                *(f"{amount:,.2f}" for amount in (gross, fee, gross + fee, balance)),
                *(payment.reference, str(payment.number)),
                *(payment.fields.get(name.replace(" ", "_"), "") for name in CUSTOM),
            )


def _told(payment: Payment) -> dict[str, Any]:
    return {
        "m_payment_id": payment.reference,
        "pf_payment_id": str(payment.number),
        "payment_status": payment.status,
        "amount": f"{payment.gross}",
    }


def _refundable(payment: Payment) -> dict[str, Any]:
    """Amounts in cents."""
    original = int(payment.gross * 100)
    left = original - sum(cents for _, cents in payment.refunds) if payment.is_paid else 0
    method = {"method": "PAYMENT_SOURCE" if left else "NOT_AVAILABLE"}
    status = "REFUNDABLE" if left else ("COMPLETED" if payment.refunds else "NOT_AVAILABLE")
    return {
        "amount_original": original,
        "amount_available_for_refund": left,
        "status": status,
        "refund_full": method,
        "refund_partial": method,
    }


def _refund(payment: Payment, order: dict[str, Any]) -> Response:
    if not _CENTS.fullmatch(str(order.get("amount"))):
        return _failed(400, "amount: a whole number of cents is required.")
    cents = int(order["amount"])
    left = _refundable(payment)["amount_available_for_refund"]
    if not order.get("reason"):
        return _failed(400, "reason: is required.")
    if not 0 < cents <= left:
        return _failed(400, f"amount: {cents} is not between 1 and the {left} that can be refunded.")
    payment.refunds.append((f"{datetime.now(JOHANNESBURG):%Y-%m-%d %H:%M:%S}", cents))
    return _answer(200, "Refund processed.")


def _unauthorised() -> Response:
    return _failed(401, "Merchant authorization failed.")


def _failed(code: int, words: str) -> Response:
    told = {"code": code, "status": "failed", "data": {"response": words, "message": False}}
    return JSONResponse(told, status_code=code)


def _answer(code: int, response: object) -> Response:
    return JSONResponse({"code": code, "status": "success", "data": {"response": response}}, status_code=code)
