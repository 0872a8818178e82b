"""Yoco's messages: JSON without what belongs to a card, events, the words of a refusal, and Standard Webhooks signatures.

Everything that is read here has gone through `cards.py` before anybody sees it. What the fields mean is in `gateways/yoco.py`.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from domain.errors import InvalidInputError
from domain.money import LARGEST_AMOUNT_MINOR, Money
from gateways.base import GatewayAccount, GatewayError, Inbound, MalformedUpdateError
from gateways.cards import without_card_data
from gateways.words import readable

GATEWAY = "yoco"

LARGEST_MESSAGE = 64 * 1024
LONGEST_EVENT_ID = 200
LONGEST_WORD = 100
LONGEST_REASON = 300
LONGEST_SIGNATURES = 4096

# Yoco documents 3 minutes; each of its retries carries a new timestamp.
TOLERANCE = timedelta(minutes=3)

_WORD = re.compile(r"[!-~]+")
# No full stop: the signed text is `id.timestamp.body`, and must be cut in one way only.
_MESSAGE_ID = re.compile(r"[!-\-/-~]{1,200}")
_SECONDS = re.compile(r"[1-9][0-9]{8,10}")


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object as it may be kept, with no more of a card than `cards.py` lets pass; `text` is `fields` in ASCII."""

    fields: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event, from its body as it came or as it was kept.

    Attributes:
        id: the same for every resend, at most 200 characters.
        type: Yoco's word, such as `payment.succeeded`.
        checkout_id: the only sure link to what was asked for.
    """

    id: str
    type: str
    checkout_id: str
    payload: Mapping[str, Any]
    document: Document


def read_document(body: bytes, error: type[GatewayError] = MalformedUpdateError) -> Document:
    """The JSON object in `body`.

    Raises:
        MalformedUpdateError: (or `error`) it is none, or is too long or too deep.
    """
    if len(body) > LARGEST_MESSAGE:
        raise error(GATEWAY, f"The message has {len(body)} bytes; at most {LARGEST_MESSAGE} are read.")
    try:
        # Numbers that are not whole stay text: no amount of Yoco's has a fraction, and none must be rounded.
        value = without_card_data(json.loads(body.decode("utf-8"), parse_float=str, parse_constant=str))
        text = json.dumps(value)
    except (ValueError, RecursionError) as unreadable:
        raise error(GATEWAY, "The message is not JSON in UTF-8.") from unreadable
    if not isinstance(value, dict):
        raise error(GATEWAY, "The message is JSON, but not an object.")
    return Document(value, text)


def read_event(body: bytes) -> Event:
    """One event; extra fields are left alone, because Yoco adds some.

    Raises:
        MalformedUpdateError: it is no event, or does not say which checkout it is about.
    """
    document = read_document(body)
    payload = document.fields.get("payload")
    metadata = payload.get("metadata") if isinstance(payload, dict) else None
    key, kind, checkout_id = event_id(document.fields), word(document.fields, "type"), word(metadata, "checkoutId")
    if not isinstance(payload, dict) or key is None or kind is None or checkout_id is None:
        raise MalformedUpdateError(GATEWAY, "The event lacks an id, a type or payload.metadata.checkoutId.")
    return Event(key, kind, checkout_id, payload, document)


def event_id(fields: Mapping[str, Any]) -> str | None:
    """The event's own id, cut to what the inbox takes."""
    value = fields.get("id")
    return value[:LONGEST_EVENT_ID] if isinstance(value, str) and _WORD.fullmatch(value) else None


def word(fields: Any, name: str) -> str | None:
    """The id or word in field `name`; None when there is none that can be stored."""
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_WORD and _WORD.fullmatch(value) else None


def money(fields: Mapping[str, Any]) -> Money | None:
    """`amount` cents of `currency`; None when either makes no sense."""
    amount, currency = fields.get("amount"), fields.get("currency")
    try:
        told = Money(amount, currency) if isinstance(amount, int) and isinstance(currency, str) else None
    except InvalidInputError:
        return None
    return told if told is not None and 0 <= told.minor <= LARGEST_AMOUNT_MINOR else None


def words_of(body: bytes) -> str | None:
    """What Yoco says went wrong. The shape of its errors is not documented: three names are known from its own clients."""
    try:
        fields = read_document(body, GatewayError).fields
    except GatewayError:
        return None
    for name in ("errorMessage", "description", "displayMessage"):
        told = fields.get(name)
        if isinstance(told, str) and (reason := readable(told, LONGEST_REASON)):
            return reason
    return None


def is_page(body: bytes) -> bool:
    """Whether a web page came where JSON belongs: something that stands before Yoco answered, not Yoco."""
    return body.lstrip().startswith(b"<")


def signature_fault(inbound: Inbound, secrets: Sequence[Webhook]) -> str | None:
    """Why an event is not to be believed, as the end of a sentence; None when one of `secrets` signed it within 3 minutes.

    The library's own check reads the wall clock, allows 5 minutes and stumbles over entries it does not know.
    """
    message_id = inbound.headers.get("webhook-id", "")
    seconds = inbound.headers.get("webhook-timestamp", "")
    signatures = inbound.headers.get("webhook-signature", "")
    if not (message_id and seconds and signatures):
        return "lacks webhook-id, webhook-timestamp or webhook-signature"
    if not _MESSAGE_ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds) or len(signatures) > LONGEST_SIGNATURES:
        return "has webhook headers that Yoco does not send"
    signed_at = datetime.fromtimestamp(int(seconds), UTC)
    if abs(inbound.received_at - signed_at) > TOLERANCE:
        return f"was signed more than {TOLERANCE.seconds // 60} minutes from when it came"
    try:
        text = inbound.body.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8"
    claimed = [entry.encode("utf-8", "replace") for entry in signatures.split() if entry.startswith("v1,")]
    expected = [secret.sign(message_id, signed_at, text).encode("ascii") for secret in secrets]
    if any(hmac.compare_digest(one, other) for one in claimed for other in expected):
        return None
    return "was not signed with its webhook secret"


def webhook_secrets(account: GatewayAccount) -> list[Webhook]:
    """What may have signed the account's events: every secret that it has, since registering again gives another.

    Raises:
        InvalidInputError: there is none, or one is not what Yoco issues.
    """
    try:
        return [Webhook(secret) for secret in credential(account, "webhook_secret").split()]
    except (ValueError, EmptyWebhookSecretError):
        raise InvalidInputError(
            "webhook_secret", f"Account {account.id} has one that is not whsec_ and base64; enter it as Yoco showed it."
        ) from None


def credential(account: GatewayAccount, name: str) -> str:
    """What the provider issued under `name`.

    Raises:
        InvalidInputError: the account has none.
    """
    text = account.credentials.get(name, "").strip()
    if not text:
        raise InvalidInputError(name, f"Account {account.id} has no {name}; enter what Yoco issued for it.")
    return text
