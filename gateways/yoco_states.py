"""What Yoco's words mean for the money: a checkout that was asked for, and an event whose signature was checked."""

from collections.abc import Mapping
from typing import Any

from domain.payment import Outcome
from gateways.base import GatewayAccount, PaymentState
from gateways.cards import brand_of, last_four_of
from gateways.yoco_wire import Event, credential, money, word

LONGEST_STATUS = 60

# That a checkout has a paymentId is seen on unpaid ones too and means nothing. A word that is not listed is UNKNOWN.
OUTCOMES = {
    "completed": Outcome.PAID,
    "created": Outcome.PENDING,
    "started": Outcome.PENDING,
    "processing": Outcome.PENDING,
    "expired": Outcome.DECLINED,
}


def checkout_state(account: GatewayAccount, fields: Mapping[str, Any], text: str) -> PaymentState:
    """How a checkout stands that was asked for; `text` is what may be kept of the answer.

    Its `paymentId` may be that of a try that was declined: only events name the payment surely.
    """
    status = status_of(fields)
    return PaymentState(
        OUTCOMES.get((status or "").lower(), Outcome.UNKNOWN),
        reference=_echo(fields),
        gateway_status=status,
        amount=money(fields),
        is_other_mode=_is_other_mode(account, fields.get("processingMode")),
        raw=text,
    )


def event_state(account: GatewayAccount, event: Event) -> PaymentState:
    """What an event tells. A refund of a part is a refund as well: the amount says how much, and a person sees to the rest."""
    details = event.payload.get("paymentMethodDetails")
    card = details.get("card") if isinstance(details, dict) else None
    is_refund = event.type.startswith("refund.")
    return PaymentState(
        _outcome(event),
        gateway_reference=word(event.payload, "paymentId" if is_refund else "id"),
        gateway_status=event.type[:LONGEST_STATUS],
        amount=money(event.payload),
        card_brand=brand_of(card),
        card_last_four=last_four_of(card),
        is_other_mode=_is_other_mode(account, event.payload.get("mode")),
        raw=event.document.text,
    )


def _outcome(event: Event) -> Outcome:
    succeeded = event.payload.get("status") == "succeeded"
    match event.type:
        case "payment.succeeded" if succeeded:
            return Outcome.PAID
        case "payment.failed" if not succeeded:
            return Outcome.DECLINED
        case "refund.succeeded":
            return Outcome.REFUNDED
        case _:
            return Outcome.UNKNOWN


def _is_other_mode(account: GatewayAccount, mode: Any) -> bool:
    """Whether `mode` is another than that of the account's key; what tells no mode is taken to be of the key's."""
    ours = "test" if credential(account, "secret_key").startswith("sk_test_") else "live"
    return mode is not None and mode != ours


def _echo(fields: Mapping[str, Any]) -> str | None:
    reference = fields.get("externalId")
    return reference if isinstance(reference, str) and reference and reference.isprintable() else None


def status_of(fields: Mapping[str, Any]) -> str | None:
    """The status of a checkout in Yoco's word."""
    status = word(fields, "status")
    return status[:LONGEST_STATUS] if status else None
