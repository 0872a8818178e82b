"""What may be kept of a card: its brand and its last four digits, and nothing else.

Made for values as they come out of JSON. Nothing here knows a provider; Paynow's forms have their own list in `paynow_wire.py`.
"""

import re
from typing import Any

LONGEST_BRAND = 20

# Alone, or in the groups that are printed on cards; longer runs of digits are other things.
_NUMBER = re.compile(
    r"(?<![0-9])(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{5})(?![0-9])"
)
_LAST_FOUR = re.compile(r"[0-9]{4}\Z")

_CARDS = frozenset({"card", "carddetails"})
_SECRETS = frozenset({"cvc", "cvv", "cvv2", "pan", "cardnumber", "cardholder", "cardholdername", "nameoncard"})


def without_card_data(value: Any) -> Any:
    """`value` with each `card` in it reduced to brand and last four, and card numbers elsewhere masked.

    The order of fields stays. A number that is masked becomes text. What was reduced once is left as it is the next time.
    """
    if isinstance(value, dict):
        return {
            masked(name): _reduced(item) if name.lower() in _CARDS else without_card_data(item)
            for name, item in value.items()
            if name.lower() not in _SECRETS and not name.lower().startswith("expiry")
        }
    if isinstance(value, list):
        return [without_card_data(item) for item in value]
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
        return value if masked(text) == text else masked(text)
    return value


def masked(text: str) -> str:
    """`text` with all but the last four digits of each card number in it starred."""
    return _NUMBER.sub(lambda found: _starred(found[0][-4:]) if _is_card_number(found[0]) else found[0], text)


def brand_of(card: Any) -> str | None:
    """The `scheme` of a card as Yoco writes it (`visa`), cut to what has room; None when it tells none."""
    scheme = card.get("scheme") if isinstance(card, dict) else None
    if not isinstance(scheme, str) or not scheme.isprintable():
        return None
    return masked(scheme).strip()[:LONGEST_BRAND] or None


def last_four_of(card: Any) -> str | None:
    """The four digits at the end of `maskedCard`; None when there are none."""
    number = card.get("maskedCard") if isinstance(card, dict) else None
    found = _LAST_FOUR.search(number.strip()) if isinstance(number, str) else None
    return found[0] if found else None


def _reduced(card: Any) -> dict[str, str]:
    brand, last_four = brand_of(card), last_four_of(card)
    reduced = {"scheme": brand, "maskedCard": _starred(last_four) if last_four else None}
    return {name: told for name, told in reduced.items() if told is not None}


def _starred(last_four: str) -> str:
    return f"{'*' * 12}{last_four}"


def _is_card_number(text: str) -> bool:
    """Whether the digits of `text` have the check digit of a card number (ISO/IEC 7812, Luhn)."""
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004 - 5 doubled has two digits
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
