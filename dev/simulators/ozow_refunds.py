"""Refunds at Ozow: a bearer token for a site, refunds of complete transactions, and their notifications.

A refund is paid out at once and told as complete; Ozow's float that must be filled before is taken to be always full.
"""

import secrets
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from dev.simulators.ozow_book import Book, Config, PaymentRequest, Site, Transaction
from dev.simulators.ozow_courier import Courier
from dev.simulators.ozow_wire import AMOUNT, RefusedError, as_text, hash_of, parsed, pressed

COMPLETE = "1"
LONGEST_REASON = 500
LIFETIME_SECONDS = 3600


class Till:
    """Gives money back, and tells the merchant."""

    def __init__(self, config: Config, book: Book, courier: Courier) -> None:
        self._config = config
        self._book = book
        self._courier = courier
        self._tokens: dict[str, Site] = {}

    def token(self, site: Site) -> str:
        """A bearer token; it is forgotten when the simulator stops."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = site
        return token

    def holder(self, authorization: str) -> Site | None:
        scheme, _, token = authorization.partition(" ")
        return self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None

    def refund(self, site: Site, order: dict[str, Any]) -> dict[str, Any]:
        """One entry of the reply: without a `refundId` it failed, and `errors` say why."""
        fields = {name: as_text(value) for name, value in order.items() if value is not None}
        told = {"transactionId": fields.get("transactionId"), "refundAmount": fields.get("amount")}
        try:
            request, transaction, amount = self._checked(site, fields)
        except RefusedError as refused:
            return {"refundId": None, **told, "errors": [str(refused)]}
        transaction.refunded = f"{Decimal(transaction.refunded) + amount:.2f}"
        refund_id = str(uuid.uuid4())
        self._book.save()
        body = self._notification(site, request, transaction, refund_id, f"{amount:.2f}")
        self._courier.send(fields.get("notifyUrl", ""), [body], transaction.posted)
        return {"refundId": refund_id, **told, "errors": []}

    def _checked(self, site: Site, fields: dict[str, str]) -> tuple[PaymentRequest, Transaction, Decimal]:
        text = "".join(fields.get(name, "") for name in ("transactionId", "amount", "refundReason", "notifyUrl"))
        if fields.get("hashCheck", "").lower() != hash_of(text, site.private_key):
            raise RefusedError("HashCheck value has failed.")
        if len(fields.get("refundReason", "")) > LONGEST_REASON:
            raise RefusedError(f"refundReason has more than {LONGEST_REASON} characters.")
        found = self._book.tried(fields.get("transactionId", ""))
        if found is None or found[0].fields["SiteCode"] != site.site_code or found[1].status != "Complete":
            raise RefusedError("The transaction was not found, or was not paid.")
        request, transaction = found
        if not AMOUNT.fullmatch(fields.get("amount", "")):
            raise RefusedError("amount is not a valid amount.")
        amount = Decimal(fields["amount"])
        if not 0 < amount <= Decimal(request.amount) - Decimal(transaction.refunded):
            raise RefusedError("The refund is more than what is left of the payment.")
        return request, transaction, amount

    def _notification(self, site: Site, request: PaymentRequest, transaction: Transaction, refund_id: str, amount: str) -> str:
        fields = {
            "RefundId": refund_id,
            "TransactionId": transaction.id,
            "CurrencyCode": request.fields["CurrencyCode"],
            "Amount": amount,
            "Status": COMPLETE,
            "BankName": transaction.bank,
            "AccountNumber": "******1234",
            "StatusMessage": "",
        }
        return urlencode({**fields, "Hash": hash_of("".join(fields.values()), site.private_key)})


def refund_router(till: Till, keyed: Callable[[Request], Site | None]) -> APIRouter:
    """`/token` and `/secure/refunds/submit`.

    Args:
        keyed: the site of a request's ApiKey.
    """
    router = APIRouter()

    @router.post("/token")
    async def token(request: Request) -> Response:
        site, fields = keyed(request), pressed(await request.body())
        if site is None or (fields.get("grant_type"), fields.get("sitecode")) != ("password", site.site_code):
            return JSONResponse({"error": "invalid_grant"}, status_code=401)
        return JSONResponse({"access_token": till.token(site), "token_type": "bearer", "expires_in": LIFETIME_SECONDS})

    @router.post("/secure/refunds/submit")
    async def submit(request: Request) -> Response:
        site = till.holder(request.headers.get("authorization", ""))
        if site is None:
            return JSONResponse({"message": "Authorization has been denied for this request."}, status_code=401)
        try:
            orders = parsed(await request.body())
        except RefusedError as refused:
            return JSONResponse({"message": str(refused)}, status_code=400)
        if not isinstance(orders, list) or not all(isinstance(order, dict) for order in orders):
            return JSONResponse({"message": "The request is not an array of refunds."}, status_code=400)
        return JSONResponse([till.refund(site, order) for order in orders])

    return router
