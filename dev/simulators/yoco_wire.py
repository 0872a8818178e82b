"""Yoco's JSON and the signature of its events, made from the documents: Standard Webhooks, without the library of that name."""

import base64
import hashlib
import hmac
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dev.simulators.yoco_book import Checkout

_LETTERS = string.ascii_letters + string.digits

# What a merchant may send beside amount and currency; the reply has all of them, null where nothing was sent.
ASKED = (
    "externalId",
    "clientReferenceId",
    "successUrl",
    "cancelUrl",
    "failureUrl",
    "metadata",
    "totalDiscount",
    "totalTaxAmount",
    "subtotalAmount",
    "lineItems",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer of the API."""

    status: int
    fields: Mapping[str, Any]

    def body(self) -> str:
        return json.dumps(self.fields, separators=(",", ":"))


class RefusedError(Exception):
    """The request is answered with an error of this HTTP status, code and text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(
            status,
            {
                "errorType": "invalid_request_error",
                "errorCode": code,
                "errorMessage": message,
                "description": message,
                "displayMessage": message,
            },
        )


def new_id(prefix: str) -> str:
    """An id in Yoco's form: the kind, and 24 letters and digits."""
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(24))}"


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checkout_fields(checkout: Checkout) -> dict[str, Any]:
    """A checkout as POST and GET answer it."""
    return {
        "id": checkout.id,
        "redirectUrl": checkout.page_url,
        "status": checkout.status,
        "amount": checkout.amount,
        "currency": checkout.currency,
        "paymentId": checkout.payment_id,
        "processingMode": checkout.mode,
        "merchantId": checkout.merchant_id,
        **{name: checkout.asked.get(name) for name in ASKED},
    }


def payment_event(checkout: Checkout, event_type: str, payment_id: str) -> dict[str, Any]:
    """`payment.succeeded`, or `payment.failed` as third parties have seen it."""
    failed = event_type == "payment.failed"
    payload = {
        "id": payment_id,
        "type": "payment",
        "createdDate": now_text(),
        "amount": checkout.amount,
        "currency": checkout.currency,
        "paymentMethodDetails": {"type": "card", "card": checkout.card or {}},
        "status": "failed" if failed else "succeeded",
        "mode": checkout.mode,
        "metadata": {"checkoutId": checkout.id},
    }
    return _envelope(event_type, payload | ({"failureReason": "card_declined"} if failed else {}))


def refund_event(checkout: Checkout, event_type: str, refund_id: str, amount: int) -> dict[str, Any]:
    """`refund.succeeded` or `refund.failed` of `amount` cents."""
    failed = event_type == "refund.failed"
    payload = {
        "id": refund_id,
        "type": "refund",
        "createdDate": now_text(),
        "amount": amount,
        "currency": checkout.currency,
        "paymentId": checkout.payment_id,
        "status": "failed" if failed else "succeeded",
        "mode": checkout.mode,
        "metadata": {"checkoutId": checkout.id},
        "refundableAmount": checkout.amount - checkout.refunded,
    }
    return _envelope(event_type, payload | ({"failureReason": "insufficient_balance"} if failed else {}))


def signed(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    """The `webhook-signature` of `body`: HMAC-SHA256 over id, time and body under the decoded secret, in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{message_id}.{seconds}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode('ascii')}"


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode('ascii')}"


def _envelope(event_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"id": new_id("evt"), "type": event_type, "createdDate": now_text(), "payload": payload}
