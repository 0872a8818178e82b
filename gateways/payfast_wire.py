"""PayFast's messages: three signatures that cover different fields in different orders, and how an ITN is read.

All are MD5 over `name=value` joined by `&`, each value encoded as PHP's `urlencode` does it, with the passphrase where the
account has one. A checkout covers what is not blank in the documented order, an ITN covers everything in the order it arrived,
an API call covers everything sorted by name. What the fields mean is in `gateways/payfast.py`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote_plus, unquote_plus

from domain.errors import InvalidInputError
from domain.money import Money
from gateways.base import MalformedUpdateError

Pairs = Sequence[tuple[str, str]]

LARGEST_MESSAGE = 64 * 1024
MOST_FIELDS = 100

# What PHP's trim takes off, which PayFast does before it checks; a non-breaking space is not among it.
_TRIMMED = " \t\n\r\v"

_FIELD_NAME = re.compile(r"[A-Za-z0-9_]+")
_CONTROL_BYTE = re.compile(rb"[\x00-\x20\x7f]")

# The documents' order, which is not alphabetical. PayFast prints it table by table and never as one list.
FIELD_ORDER = (
    "merchant_id",
    "merchant_key",
    "return_url",
    "cancel_url",
    "notify_url",
    "name_first",
    "name_last",
    "email_address",
    "cell_number",
    "m_payment_id",
    "amount",
    "item_name",
    "item_description",
    *(f"custom_int{number}" for number in range(1, 6)),
    *(f"custom_str{number}" for number in range(1, 6)),
    "email_confirmation",
    "confirmation_address",
    "payment_method",
)


def urlencode(value: str) -> str:
    """`value` as PHP's `urlencode` writes it: upper-case hex, a space as `+`, and `~` encoded as well."""
    return quote_plus(value).replace("~", "%7E")


def checkout_signature(pairs: Pairs, passphrase: str = "") -> str:
    """The signature of a checkout form: fields in the order given, trimmed, blank ones skipped. 32 lower-case hex digits."""
    trimmed = [(name, value.strip(_TRIMMED)) for name, value in pairs]
    return _digest([(name, value) for name, value in trimmed if value], passphrase)


def itn_signature(pairs: Pairs, passphrase: str = "") -> str:
    """The signature of an ITN: fields in the order they arrived, blank ones included."""
    return _digest(pairs, passphrase)


def api_signature(fields: Mapping[str, str], passphrase: str = "") -> str:
    """The signature of an API call: headers, query and body together, and the passphrase sorted in among them."""
    signed = {**fields, "passphrase": passphrase} if passphrase else fields
    return _digest(sorted(signed.items()), "")


def _digest(pairs: Iterable[tuple[str, str]], passphrase: str) -> str:
    signed = [*pairs, ("passphrase", passphrase)] if passphrase else pairs
    text = "&".join(f"{name}={urlencode(value)}" for name, value in signed)
    # PayFast knows no other digest; what an ITN proves rests on its server's confirmation as well.
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


class Itn:
    """One instant transaction notification, as far as its signature goes: what follows `signature` is not read.

    Attributes:
        pairs: the signed fields in the order they came, each decoded once.
        signed_part: the same as bytes, untouched: what PayFast wants back when it is asked to confirm.

    Raises:
        MalformedUpdateError: the body is no form in UTF-8, or is larger than any ITN.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        segments = _segments(body)
        names = [segment.partition(b"=")[0] for segment in segments]
        end = names.index(b"signature") if b"signature" in names else len(segments)
        self.signed_part = b"&".join(segments[:end])
        self.pairs = [_decoded(segment) for segment in segments[:end]]
        self._claimed = _decoded(segments[end])[1] if end < len(segments) else ""

    def get(self, name: str) -> str | None:
        """The trimmed value of `name`, None when it is absent or blank; refused when the field is there twice."""
        found = [value for given, value in self.pairs if given == name]
        if len(found) > 1:
            raise MalformedUpdateError("payfast", f"The message has the field {name} {len(found)} times.")
        return (found[0].strip() or None) if found else None

    def require(self, name: str) -> str:
        """The trimmed value of `name`; refused when it is absent, blank or there twice."""
        value = self.get(name)
        if value is None:
            raise MalformedUpdateError("payfast", f"The message has no {name}.")
        return value

    def amount(self, name: str, currency: str) -> Money | None:
        """The amount in field `name`; None when it is absent or makes no sense."""
        try:
            return Money.parse(self.get(name) or "", currency)
        except InvalidInputError:
            return None

    def is_signed(self, passphrase: str) -> bool:
        """Whether the signature is the one of the fields before it; compared in constant time."""
        expected = itn_signature(self.pairs, passphrase)
        return hmac.compare_digest(self._claimed.strip().lower().encode("utf-8"), expected.encode("ascii"))

    @property
    def raw(self) -> str:
        """The message as it came."""
        return self._body.decode("utf-8")


def _segments(body: bytes) -> list[bytes]:
    if not body or len(body) > LARGEST_MESSAGE:
        raise MalformedUpdateError("payfast", f"The message has {len(body)} bytes; from 1 to {LARGEST_MESSAGE} are read.")
    segments = body.split(b"&")
    if len(segments) > MOST_FIELDS or _CONTROL_BYTE.search(body):
        raise MalformedUpdateError("payfast", f"The message is not a form of at most {MOST_FIELDS} fields.")
    return segments


def _decoded(segment: bytes) -> tuple[str, str]:
    """One field. A name is never encoded, and one that is could hide another field behind the same signature."""
    try:
        name, equals, value = segment.decode("utf-8").partition("=")
        decoded = unquote_plus(value, errors="strict")
    except ValueError as unreadable:
        raise MalformedUpdateError("payfast", "The message is not a form in UTF-8.") from unreadable
    if not equals or not _FIELD_NAME.fullmatch(name) or "\x00" in decoded:
        raise MalformedUpdateError("payfast", "The message is not a form of PayFast's.")
    return name, decoded
