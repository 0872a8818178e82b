"""Paynow's messages as Paynow writes them: order, hash and percent-encoding of the captures.

Its server is a .NET one, which writes hex digits in lower case (`%3a`), a space as `+`, and leaves `-_.!*()` alone.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

Pairs = list[tuple[str, str]]

_ESCAPE = re.compile("%[0-9A-F]{2}|%7E|~")


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to a merchant.

    Attributes:
        pairs: its fields in wire order.
        key: what signs it; errors are not signed.
        earlier: the status before the one it tells, for the fault that turns the order around.
    """

    pairs: Pairs
    key: str | None = None
    earlier: str = ""

    def body(self) -> str:
        """The message as it goes over the wire."""
        if self.key is None:
            return encode(self.pairs)
        return encode([*self.pairs, ("hash", hash_of(self.pairs, self.key))])


def refusal(reason: str) -> Reply:
    """An error message. Names are in lower case, because the official clients look nowhere else."""
    return Reply([("status", "Error"), ("error", reason)])


def hash_of(pairs: Iterable[tuple[str, str]], key: str) -> str:
    """SHA-512 over the values except the hash, in the order given, and the key in lower case: upper-case hex."""
    digest = hashlib.sha512()
    for name, value in pairs:
        if name.lower() != "hash":
            digest.update(value.encode("utf-8"))
    digest.update(key.lower().encode("utf-8"))
    return digest.hexdigest().upper()


def encode(pairs: Pairs) -> str:
    """A form body in Paynow's handwriting."""
    return "&".join(f"{name}={_escape(value)}" for name, value in pairs)


def decode(body: bytes) -> Pairs:
    """The fields of a request in the order they came, each decoded once, empty ones included.

    Raises:
        ValueError: it is not UTF-8.
    """
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=100)


def fields_of(pairs: Pairs) -> dict[str, str]:
    """Trimmed values by lower-case name; the first of a name counts."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name.lower(), value.strip())
    return fields


def _escape(value: str) -> str:
    quoted = quote(value, safe="-_.!*() ").replace(" ", "+").replace("~", "%7e")
    return _ESCAPE.sub(lambda escape: escape.group().lower(), quoted)
