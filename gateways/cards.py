"""What may be kept of a card: its brand and its last four digits, and nothing else.

Made for values as they come out of JSON. Nothing here knows a provider; `paynow_wire.py` has a list of field names of its own.
"""

import re
from typing import Any

LONGEST_BRAND = 20

LENGTHS = range(13, 20)

# A run of digits in any script, or the groups that are printed on cards, set apart by what people and forms put between them.
# A run may have an expiry glued on, or a `=` and the rest of a magnetic stripe; longer ones are other things.
_GAP = r"[\s._\u200b\u2010-\u2015-]{1,2}"
_NUMBER = re.compile(
    rf"(?<!\d)(?:\d{{13,25}}(?:=\d+)?|\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{1,4}}(?:{_GAP}\d{{1,3}})?"
    rf"|\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}})(?!\d)"
)
# A payment card's number before `1226`, `2612`, `122026` or `202612`, from 2020 to 2059.
_WITH_EXPIRY = (
    re.compile(r"([2-6][0-9]{12,18})(?:(?:0[1-9]|1[0-2])[2-5][0-9]|[2-5][0-9](?:0[1-9]|1[0-2]))"),
    re.compile(r"([2-6][0-9]{12,18})(?:(?:0[1-9]|1[0-2])20[2-5][0-9]|20[2-5][0-9](?:0[1-9]|1[0-2]))"),
)
_LAST_FOUR = re.compile(r"[0-9]{4}\Z")

# Names of fields in lower case, without what stands between their words.
_CARDS = frozenset({"card", "carddetails"})
_CODES = frozenset({"cvc", "cvv", "cvv2", "securitycode", "cardsecuritycode", "cardcvc", "cardcvv"})
_HOLDERS = frozenset({"pan", "cardnumber", "cardholder", "cardholdername", "nameoncard"})
_EXPIRY = re.compile(r"(?:card)?(?:expiry.*|exp(?:iration)?(?:date|month|year|mm|yy)?)")


def without_card_data(value: Any) -> Any:
    """`value` with each `card` in it reduced to brand and last four, and card numbers elsewhere masked.

    The order of fields stays. A number that is masked becomes text. What was reduced once is left as it is the next time.
    """
    if isinstance(value, dict):
        return {
            masked(name): _reduced(item) if _plain(name) in _CARDS else without_card_data(item)
            for name, item in value.items()
            if not _is_secret(_plain(name))
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
    """`text` with all but the last four digits of each card number in it starred, and without an expiry that is glued on."""
    kept, done, start = [], 0, 0
    while found := _NUMBER.search(text, start):
        number = _card_number_in(found[0])
        # What is no number may have one behind its first group.
        start = found.end() if number else found.start() + 1
        if number:
            kept += [text[done : found.start()], _starred(number[-4:])]
            done = found.end()
    return "".join([*kept, text[done:]])


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


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _is_secret(name: str) -> bool:
    return name in _CODES or name in _HOLDERS or _EXPIRY.fullmatch(name) is not None


def _card_number_in(text: str) -> str | None:
    """The digits of the card number that `text` begins with; behind it may stand an expiry, or a code as the last group."""
    groups = ["".join(str(int(digit)) for digit in group) for group in re.findall(r"\d+", text.partition("=")[0])]
    whole = "".join(groups)
    candidates = [whole, "".join(groups[:4])]
    if len(groups) == 1:
        candidates += [found[1] for found in (tail.fullmatch(whole) for tail in _WITH_EXPIRY) if found]
    return next((number for number in candidates if len(number) in LENGTHS and _has_check_digit(number)), None)


def _has_check_digit(number: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812, Luhn)."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004 - 5 doubled has two digits
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
