"""PayFast's handwriting: PHP's `urlencode`, and MD5 over `name=value` with the passphrase at the end or sorted in.

Written from PayFast's documents alone; nothing is shared with our gateway, so that each checks the other.
"""

import hashlib
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote

Pairs = list[tuple[str, str]]

# PHP's trim, without NUL, which PayFast refuses.
BLANKS = " \t\n\r\x0b"


def php_encode(value: str) -> str:
    """A value as PHP's `urlencode` writes it; `-_.` and letters and digits stay, a space becomes `+`."""
    return quote(value, safe=" ").replace(" ", "+").replace("~", "%7E")


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """A form body, blank fields included."""
    return "&".join(f"{name}={php_encode(value)}" for name, value in pairs)


def decode(body: bytes) -> Pairs:
    """The fields of a form in the order they came, blank ones included.

    Raises:
        ValueError: it is not UTF-8, or has more fields than any form of PayFast's.
    """
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=100)


def form_signature(pairs: Iterable[tuple[str, str]], passphrase: str) -> str:
    """Of a checkout: the fields as they were posted, trimmed, blank ones left out."""
    filled = [(name, value.strip(BLANKS)) for name, value in pairs if name != "signature" and value.strip(BLANKS)]
    return _digest(filled, passphrase)


def itn_signature(pairs: Iterable[tuple[str, str]], passphrase: str) -> str:
    """Of an ITN: every field as it is sent, blank ones too."""
    return _digest(pairs, passphrase)


def api_signature(fields: Mapping[str, str], passphrase: str) -> str:
    """Of an API call: all of it sorted by name, the passphrase among it."""
    signed = dict(fields) | ({"passphrase": passphrase} if passphrase else {})
    return _digest(sorted(signed.items()), "")


def _digest(pairs: Iterable[tuple[str, str]], passphrase: str) -> str:
    text = encode(pairs)
    if passphrase:
        text += f"&passphrase={php_encode(passphrase)}"
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()
