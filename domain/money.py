"""Money: integer minor units with an ISO 4217 currency, and the one rounding rule of the house (half away from zero)."""

import re
from dataclasses import dataclass

from domain.errors import InvalidInputError

# Minor digits by ISO 4217; a currency that is not listed is refused rather than guessed.
MINOR_DIGITS = {"USD": 2, "ZAR": 2, "ZWG": 2, "BWP": 2, "EUR": 2, "GBP": 2, "JPY": 0}

BASIS_POINTS = 10_000

# What fits the database's bigint with room for sums; anything near it is a slip of the pen.
LARGEST_AMOUNT_MINOR = 10**15

_DECIMAL_TEXT = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]{1,16})(?:\.(?P<fraction>[0-9]+))?")


def minor_digits(currency: str) -> int:
    """How many decimal digits `currency` has.

    Raises:
        InvalidInputError: the currency is not one that Dunlin knows.
    """
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        known = ", ".join(sorted(MINOR_DIGITS))
        raise InvalidInputError(
            "currency", f"{currency!r} is not a currency that Dunlin bills in; use one of {known}."
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency.

    Attributes:
        minor: the amount in minor units (cents); negative for what is owed the other way.
        currency: ISO 4217 code in capitals.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise InvalidInputError("amount", f"{self.minor!r} is not a whole number of minor units.")
        minor_digits(self.currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Decimal text (`25`, `12.5`, `25.00`) to minor units, exactly.

        Gateways and people write fewer digits than the currency has; more digits are taken only when they are zeros.

        Raises:
            InvalidInputError: not decimal text, or finer than the currency's smallest unit.
        """
        digits = minor_digits(currency)
        match = _DECIMAL_TEXT.fullmatch(text.strip())
        if match is None:
            raise InvalidInputError("amount", f"{text!r} is not an amount such as 25.00.")
        fraction = match["fraction"] or ""
        if fraction[digits:].strip("0"):
            raise InvalidInputError("amount", f"{text!r} is finer than the smallest unit of {currency}.")
        minor = int(match["whole"] + fraction[:digits].ljust(digits, "0"))
        return cls(-minor if match["sign"] else minor, currency)

    def decimal(self) -> str:
        """Plain decimal text with all of the currency's digits and no grouping: `1234.50`."""
        digits = minor_digits(self.currency)
        text = str(abs(self.minor)).rjust(digits + 1, "0")
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal()}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, numerator: int, denominator: int) -> "Money":
        """`numerator/denominator` of this amount, rounded by the house rule."""
        return Money(round_half_away(self.minor * numerator, denominator), self.currency)

    def split(self, weights: list[int]) -> "list[Money]":
        """Parts in proportion to `weights` that add up to exactly this amount.

        Largest remainder first, earlier parts before later ones: no cent is lost or made.

        Raises:
            InvalidInputError: no weights, a negative one, or all of them zero.
        """
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0:
            raise InvalidInputError("weights", "at least one weight must be above zero and none below.")
        sign = -1 if self.minor < 0 else 1
        quotients = [divmod(abs(self.minor) * weight, whole) for weight in weights]
        parts = [quotient for quotient, _ in quotients]
        by_remainder = sorted(range(len(weights)), key=lambda index: -quotients[index][1])
        for index in by_remainder[: abs(self.minor) - sum(parts)]:
            parts[index] += 1
        return [Money(sign * part, self.currency) for part in parts]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise InvalidInputError("currency", f"{self} and {other} cannot be reckoned together.")
        return other.minor


def round_half_away(numerator: int, denominator: int) -> int:
    """`numerator/denominator` to a whole number, halves away from zero: the only rounding in the house."""
    quotient, remainder = divmod(abs(numerator), abs(denominator))
    if 2 * remainder >= abs(denominator):
        quotient += 1
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def total(amounts: "list[Money]", currency: str) -> Money:
    """The sum of `amounts`, zero of `currency` when there are none."""
    return sum(amounts, start=Money.zero(currency))
