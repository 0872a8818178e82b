"""PayFast's handwriting: PHP's `urlencode`, and MD5 over `name=value` with the passphrase at the end or sorted in.

Written from PayFast's documents alone; nothing is shared with our gateway, so that each checks the other.
"""

import hashlib
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote

Pairs = list[tuple[str, str]]

# PHP's trim, without NUL, which PayFast refuses.
BLANKS = " \t\n\r\x0b"

# The fields that are documented. A shop's own (`submit`), and `setup` and `source` of PayFast's clients, are posted unsigned.
SIGNED = frozenset(
    (
        *("merchant_id", "merchant_key", "return_url", "cancel_url", "notify_url", "notify_method", "fica_idnumber"),
        *("name_first", "name_last", "email_address", "cell_number", "m_payment_id", "amount", "item_name", "item_description"),
        *(f"custom_{kind}{number}" for kind in ("int", "str") for number in range(1, 6)),
        *("email_confirmation", "confirmation_address", "currency", "payment_method"),
        *("subscription_type", "billing_date", "recurring_amount", "frequency", "cycles"),
        *("subscription_notify_email", "subscription_notify_webhook", "subscription_notify_buyer"),
    )
)


def php_encode(value: str) -> str:
    """A value as PHP's `urlencode` writes it; `-_.` and letters and digits stay, a space becomes `+`."""
    return quote(value, safe=" ").replace(" ", "+").replace("~", "%7E")


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """A form body, blank fields included."""
    return "&".join(f"{php_encode(name)}={php_encode(value)}" for name, value in pairs)


def decode(body: bytes) -> Pairs:
    """The fields of a form in the order they came, blank ones included.

    Raises:
        ValueError: it is not UTF-8, or has more fields than any form of PayFast's.
    """
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=100)


def form_signatures(pairs: Iterable[tuple[str, str]], passphrase: str) -> frozenset[str]:
    """Of a checkout: the documented fields in the order they were posted, trimmed, blank ones left out.

    There are two, because a `0` is signed by the documents and left out by the official SDK.
    """
    filled = [(name, value.strip(BLANKS)) for name, value in pairs if name in SIGNED and value.strip(BLANKS)]
    without_zeros = [(name, value) for name, value in filled if value != "0"]
    return frozenset(_digest(told, passphrase) for told in (filled, without_zeros))


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
