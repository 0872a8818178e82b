"""Ozow's messages: the fields that are hashed and their order, the hash, the bank reference, notifications and JSON answers.

The hash is SHA-512 over the values in a fixed order, without separators, followed by the private key, all of it in lower case.
Unlike other providers Ozow hashes a fixed list of fields: what else arrives is not covered and counts for nothing. Values are
joined without a mark, so that one genuine message can be cut into other fields and still verify: what moves money is confirmed
by asking Ozow. What the fields mean is in `gateways/ozow.py`.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from domain.errors import InvalidInputError
from domain.money import Money
from gateways.base import GatewayOutcomeUnknownError, MalformedUpdateError
from gateways.words import readable

LARGEST_MESSAGE = 64 * 1024
MOST_FIELDS = 100

# The table of the payment request, as far as its fields are hashed. Of `AllowVariableAmount` only `true` would be.
REQUEST_ORDER = (
    "SiteCode",
    "CountryCode",
    "CurrencyCode",
    "Amount",
    "TransactionReference",
    "BankReference",
    "Optional1",
    "Optional2",
    "Optional3",
    "Optional4",
    "Optional5",
    "Customer",
    "CancelUrl",
    "ErrorUrl",
    "SuccessUrl",
    "NotifyUrl",
    "IsTest",
)

NOTIFICATION_ORDER = (
    "SiteCode",
    "TransactionId",
    "TransactionReference",
    "Amount",
    "Status",
    "Optional1",
    "Optional2",
    "Optional3",
    "Optional4",
    "Optional5",
    "CurrencyCode",
    "IsTest",
    "StatusMessage",
)

HASH_DIGITS = 128
LONGEST_WORD = 100
LONGEST_REASON = 300
LONGEST_BANK_REFERENCE = 20


def hash_values(values: Iterable[str], private_key: str) -> str:
    """The hash of `values` under the private key: 128 lower-case hex digits."""
    text = ("".join(values) + private_key).lower()
    return hashlib.sha512(text.encode("utf-8")).hexdigest()


def request_hash(fields: Mapping[str, str], private_key: str) -> str:
    """The `HashCheck` of a payment request: over the fields that are sent, in the order of the table, not of `fields`."""
    return hash_values((fields[name] for name in REQUEST_ORDER if name in fields), private_key)


class Notification:
    """One posted notification, its documented fields by name in any letter case; others are passed over.

    Raises:
        MalformedUpdateError: too long, too many fields, not UTF-8, with NUL, or a documented field twice.
    """

    def __init__(self, body: bytes) -> None:
        pairs = _decoded(body)
        self._body = body
        self._fields: dict[str, str] = {}
        documented = {name.lower() for name in (*NOTIFICATION_ORDER, "Hash")}
        for name in documented:
            values = [value for given, value in pairs if given.strip().lower() == name]
            if len(values) > 1:
                raise MalformedUpdateError("ozow", f"The notification has the field {name} {len(values)} times.")
            if values:
                self._fields[name] = values[0]

    def get(self, name: str) -> str | None:
        """The trimmed value of `name`, None when it is absent or empty."""
        return self._fields.get(name.lower(), "").strip() or None

    def require(self, name: str) -> str:
        """The trimmed value of `name`; refused when it is absent or empty."""
        value = self.get(name)
        if value is None:
            raise MalformedUpdateError("ozow", f"The notification has no {name}.")
        return value

    def is_signed(self, private_key: str) -> bool:
        """Whether its hash is that of its documented fields.

        Some merchants saw hashes whose leading zeros were lost, which padding makes good and which weakens nothing. A
        notification without IsTest is hashed as if it said `false`, as Ozow's own plugin does.
        """
        claimed = (self.get("Hash") or "").lower()
        if not claimed:
            return False
        values = [self._fields.get(name.lower(), "false" if name == "IsTest" else "") for name in NOTIFICATION_ORDER]
        expected = hash_values(values, private_key)
        # Bytes, because comparing text in constant time refuses anything that is not ASCII.
        return hmac.compare_digest(claimed.zfill(HASH_DIGITS).encode("utf-8"), expected.encode("utf-8"))

    @property
    def raw(self) -> str:
        return self._body.decode("utf-8")


class Answer:
    """One JSON object of an answer, its fields by name in any letter case; numbers are the text that was sent."""

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise GatewayOutcomeUnknownError("ozow", "The answer is not made of objects with fields.")
        self._fields = {name.lower(): field for name, field in value.items()}

    def get(self, name: str) -> str | None:
        """The trimmed text of a field, booleans as `true` and `false`; None when it is absent, null, empty or a structure."""
        value = self._fields.get(name.lower())
        if isinstance(value, bool):
            return "true" if value else "false"
        return (value.strip() or None) if isinstance(value, str) else None

    def require(self, name: str) -> str:
        """The text of a field; without it the answer tells nothing."""
        value = self.get(name)
        if value is None:
            raise GatewayOutcomeUnknownError("ozow", f"The answer has no {name}.")
        return value

    def word(self, name: str) -> str:
        """The id or word in a field; one that nobody could print or store makes no sense."""
        value = self.require(name)
        if len(value) > LONGEST_WORD or not value.isprintable():
            raise GatewayOutcomeUnknownError("ozow", f"The answer's {name} is too long or cannot be printed.")
        return value

    def reason(self, name: str) -> str | None:
        """What people are to read in a field, cleaned and cut; None when there is nothing to read."""
        return readable(self.get(name) or "", LONGEST_REASON) or None


def read_json(body: bytes) -> Any:
    """An answer's JSON. Numbers stay text: an amount must never pass through a float.

    Raises:
        GatewayOutcomeUnknownError: it is not JSON, such as the page of a firewall.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as unreadable:
        raise GatewayOutcomeUnknownError("ozow", "The answer is not JSON; nothing can be told from it.") from unreadable


def money(amount: str | None, currency: str) -> Money | None:
    """`amount` as told; None where it was not told, cannot be read exactly, or is in a currency that nobody knows here."""
    try:
        return Money.parse(amount, currency.upper()) if amount else None
    except InvalidInputError:
        return None


def oldest_first(rows: list[Answer]) -> list[Answer]:
    """By the day and time of creation where every row tells one that can be read, else as they were listed."""
    try:
        created = [datetime.fromisoformat(row.get("createdDate") or "") for row in rows]
    except ValueError:
        return rows
    # Ozow's times name no zone; some may be told with one all the same.
    instants = [time if time.tzinfo else time.replace(tzinfo=UTC) for time in created]
    return [rows[place] for place in sorted(range(len(rows)), key=instants.__getitem__)]


def bank_reference(description: str, reference: str) -> str:
    """What the payer reads on the bank statement: whole words of the description, else the end of the reference.

    At most 20 letters, digits, spaces and dashes; letters that Ozow does not take lose their accents.
    """
    chosen = ""
    for word in _plain(description).split():
        if len(chosen) + 1 + len(word) > LONGEST_BANK_REFERENCE:
            break
        chosen = f"{chosen} {word}".strip()
    fallback = _plain(reference).replace(" ", "")[-LONGEST_BANK_REFERENCE:].strip("-")
    if not (chosen or fallback):
        raise InvalidInputError("description", "Ozow needs a description with letters or digits for the bank statement.")
    return chosen or fallback


def _decoded(body: bytes) -> list[tuple[str, str]]:
    if len(body) > LARGEST_MESSAGE:
        raise MalformedUpdateError("ozow", f"The notification has {len(body)} bytes; at most {LARGEST_MESSAGE} are read.")
    try:
        text = body.decode("utf-8").strip()
        pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as unreadable:
        raise MalformedUpdateError(
            "ozow", f"The notification is not a form of at most {MOST_FIELDS} fields in UTF-8."
        ) from unreadable
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise MalformedUpdateError("ozow", "The notification has a NUL in it, which no text has.")
    return pairs


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return " ".join(re.sub(r"[^A-Za-z0-9 -]", " ", letters).split())
