"""Events as Yoco sends them, signed by the `standardwebhooks` library and not by us."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook

from gateways.base import Inbound
from tests.gateways.yoco_script import WEBHOOK_SECRET

NOW = datetime(2026, 7, 6, 8, 30, tzinfo=UTC)

PAYMENT: dict[str, Any] = {
    "id": "evt_sample",
    "type": "payment.succeeded",
    "createdDate": "2026-07-06T08:29:58.000Z",
    "payload": {
        "id": "p_bx4bY9JA6r4UwAKFyAjHY2bE",
        "type": "payment",
        "createdDate": "2026-07-06T08:29:57.000Z",
        "amount": 900,
        "currency": "ZAR",
        "paymentMethodDetails": {
            "type": "card",
            "card": {"expiryMonth": 2, "expiryYear": 30, "maskedCard": "************1111", "scheme": "visa"},
        },
        "status": "succeeded",
        "mode": "live",
        "metadata": {"checkoutId": "ch_9LVKD8GnAj7f39DFbn4F16bE"},
    },
}
REFUND: dict[str, Any] = {
    "id": "evt_refund",
    "type": "refund.succeeded",
    "createdDate": "2026-07-07T08:30:00.000Z",
    "payload": {
        "id": "rfd_ZgjMZb2A8VpSAZBte6ku1w6E",
        "type": "refund",
        "createdDate": "2026-07-07T08:30:00.000Z",
        "amount": 900,
        "currency": "ZAR",
        "paymentId": "p_bx4bY9JA6r4UwAKFyAjHY2bE",
        "status": "succeeded",
        "mode": "live",
        "metadata": {"checkoutId": "ch_9LVKD8GnAj7f39DFbn4F16bE"},
    },
}


def changed(event: Mapping[str, Any], payload: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A copy of `event` with other fields, in itself and in its payload."""
    made = copy.deepcopy(dict(event)) | fields
    made["payload"] |= payload or {}
    return made


def body_of(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def signature(body: bytes, secret: str = WEBHOOK_SECRET, signed_at: datetime = NOW, message_id: str = "evt_sample") -> str:
    """The library's signature."""
    return Webhook(secret).sign(message_id, signed_at, body.decode())


def sent(body: bytes, signatures: str | None = None, signed_at: datetime = NOW, late: timedelta = timedelta()) -> Inbound:
    """`body` as it arrives `late` after it was signed; `signatures` stands in for the right one."""
    headers = {
        "content-type": "application/json",
        "webhook-id": "evt_sample",
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": signature(body, signed_at=signed_at) if signatures is None else signatures,
    }
    return Inbound(body, headers, "127.0.0.1", signed_at + late)
