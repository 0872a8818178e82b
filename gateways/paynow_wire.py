"""Paynow's messages: ordered form fields, and the hash over their values.

The hash is SHA-512 over the decoded values in the order sent, followed by the integration key; names are not covered. One
genuine message can therefore be cut into other fields and still verify, which is why a message with a field twice is refused
here and why what moves money is confirmed by a poll. What the fields mean is in `gateways/paynow.py`.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlencode

from domain.errors import InvalidInputError
from domain.money import Money
from gateways.base import GatewayError, MalformedUpdateError
from gateways.cards import masked

Pairs = Sequence[tuple[str, str]]

LARGEST_MESSAGE = 64 * 1024
MOST_FIELDS = 100

# Names of a stored card or what was on it. We ask for no token, but one must not reach a log or a table if it comes.
CARD_FIELDS = frozenset({"token", "tokenexpiry", "paymentinstrument", "paymentinstrumentname"})


def hash_values(values: Iterable[str], key: str) -> str:
    """The hash of decoded `values` in message order under integration key `key`: 128 upper-case hex digits.

    The key is a GUID, whose letters Paynow hashes in lower case whatever was typed.
    """
    text = "".join(values) + key.strip().lower()
    return hashlib.sha512(text.encode("utf-8")).hexdigest().upper()


def sign_pairs(pairs: Pairs, key: str) -> list[tuple[str, str]]:
    """`pairs` in the same order with their hash at the end."""
    return [*pairs, ("hash", hash_values((value for _, value in pairs), key))]


def verify_pairs(pairs: Pairs, key: str) -> bool:
    """Whether `pairs` hold exactly one hash, and it is the hash of all their other values in the order they came."""
    claimed = [value for name, value in pairs if _is_hash(name)]
    if len(claimed) != 1:
        return False
    expected = hash_values((value for name, value in pairs if not _is_hash(name)), key)
    # Bytes, because comparing text in constant time refuses anything that is not ASCII.
    return hmac.compare_digest(claimed[0].strip().upper().encode("utf-8"), expected.encode("utf-8"))


def encode_pairs(pairs: Pairs) -> bytes:
    """`pairs` as a form body in UTF-8, in the same order."""
    return urlencode(pairs).encode("ascii")


def decode_pairs(body: bytes, error: type[GatewayError] = MalformedUpdateError) -> list[tuple[str, str]]:
    """The fields of a form body in the order they came, each decoded once; repeated and empty ones are kept.

    Raises:
        MalformedUpdateError: (or `error`) too long, too many fields, or not UTF-8.
    """
    if len(body) > LARGEST_MESSAGE:
        raise error("paynow", f"The message has {len(body)} bytes; at most {LARGEST_MESSAGE} are read.")
    try:
        text = body.decode("utf-8").strip()
        return parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as unreadable:
        raise error("paynow", f"The message is not a form of at most {MOST_FIELDS} fields in UTF-8.") from unreadable


class Message:
    """One inbound message, its fields looked up by name in any letter case.

    What makes no sense raises `error`: an update is then malformed, but a reply leaves the outcome of a request unknown.

    Attributes:
        pairs: the fields as they came, for the hash.
    """

    def __init__(self, body: bytes, error: type[GatewayError] = MalformedUpdateError) -> None:
        self._error = error
        self._body = body
        self.pairs = decode_pairs(body, error)
        if any("\x00" in name or "\x00" in value for name, value in self.pairs):
            raise error("paynow", "The message has a NUL in it, which no text has.")

    def get(self, name: str) -> str | None:
        """The trimmed value of `name`, None when it is absent or empty; refused when the field is there twice."""
        found = [value for given, value in self.pairs if given.strip().lower() == name]
        if len(found) > 1:
            raise self._error("paynow", f"The message has the field {name} {len(found)} times.")
        return (found[0].strip() or None) if found else None

    def require(self, name: str) -> str:
        """The trimmed value of `name`; refused when it is absent, empty or there twice."""
        value = self.get(name)
        if value is None:
            raise self._error("paynow", f"The message has no {name}.")
        return value

    def amount(self, name: str, currency: str) -> Money | None:
        """The amount in field `name`, None when it is absent; refused when it cannot be read exactly."""
        text = self.get(name)
        try:
            return Money.parse(text, currency) if text else None
        except InvalidInputError as unreadable:
            raise self._error("paynow", f"The message's {name} is no amount: {unreadable.message}") from unreadable

    def is_signed(self, key: str) -> bool:
        return verify_pairs(self.pairs, key)

    @property
    def raw(self) -> str:
        """The message as it came, fit to be kept: what belongs to a card is withheld, and card numbers elsewhere are masked."""
        kept = [(name, _without_card(name, value)) for name, value in self.pairs]
        return self._body.decode("utf-8") if kept == self.pairs else urlencode(kept)


def _without_card(name: str, value: str) -> str:
    if name.strip().lower() in CARD_FIELDS:
        return "withheld"
    # The digits of a hash may look like a card number by chance.
    return value if _is_hash(name) else masked(value)


def _is_hash(name: str) -> bool:
    return name.strip().lower() == "hash"
