"""Web addresses that letters lead to."""

import re
from urllib.parse import urlsplit

from domain.errors import InvalidInputError


def require_web_address(field: str, address: str) -> None:
    """Refuse what is not an absolute http(s) address: a letter's link must lead somewhere, and must not run anything.

    Raises:
        InvalidInputError: names `field`.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r'[\s<>"\x00-\x1f\x7f]', address)
    except ValueError:
        good = False
    if not good:
        raise InvalidInputError(field, f"{address!r} is not a web address such as https://pay.example.com/abc.")
