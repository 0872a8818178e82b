"""The cards that the simulator's page takes: Yoco's test cards, and how wrong input is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# Number, brand, whether its bank declines it.
TEST_CARDS = (
    ("4111111111111111", "visa", False),
    ("5555555555554444", "mastercard", False),
    ("4000000000000002", "visa", True),
)

_EXPIRY = re.compile(r"\s*(0?[1-9]|1[0-2])\s*/\s*(?:20)?([0-9]{2})\s*")
_CVC = re.compile(r"\s*[0-9]{3,4}\s*")


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was typed in; of its number only the end is kept."""

    scheme: str
    last_four: str
    expiry_month: int
    expiry_year: int
    is_declined: bool = False

    def told(self) -> dict[str, object]:
        """As events tell of it."""
        return {
            "expiryMonth": self.expiry_month,
            "expiryYear": self.expiry_year,
            "maskedCard": f"{'*' * 12}{self.last_four}",
            "scheme": self.scheme,
        }


def default_card() -> Card:
    """The card of a payer who is moved from outside."""
    number, scheme, _ = TEST_CARDS[0]
    return Card(scheme, number[-4:], 12, (datetime.now(UTC).year + 1) % 100)


def read_card(typed: Mapping[str, str]) -> tuple[Card | None, dict[str, str]]:
    """The card in `number`, `expiry` and `cvc`, or what is wrong with each of them."""
    number = re.sub(r"[ -]", "", typed.get("number", ""))
    known = next((card for card in TEST_CARDS if card[0] == number), None)
    expiry = _EXPIRY.fullmatch(typed.get("expiry", ""))
    wrong = {}
    if not _is_number(number):
        wrong["number"] = "This is not a card number; check its digits."
    elif known is None:
        wrong["number"] = "No bank stands behind this card here; use one of the test cards below."
    if expiry is None:
        wrong["expiry"] = "Enter month and year, such as 08/29."
    elif _is_past(int(expiry[1]), int(expiry[2])):
        wrong["expiry"] = "This card has expired."
    if not _CVC.fullmatch(typed.get("cvc", "")):
        wrong["cvc"] = "Enter the 3 or 4 digits beside the signature."
    if wrong or known is None or expiry is None:
        return None, wrong
    return Card(known[1], number[-4:], int(expiry[1]), int(expiry[2]), known[2]), {}


def _is_past(month: int, year: int) -> bool:
    today = datetime.now(UTC)
    return (year, month) < (today.year % 100, today.month)


def _is_number(number: str) -> bool:
    if not re.fullmatch(r"[0-9]{13,19}", number):
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
