"""How money and days are written for people, in the habits of the reader's locale; letters and pages use the same."""

from datetime import date
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from domain.errors import InvalidInputError
from domain.money import Money, minor_digits

# As people there write it. CLDR has `US$` and `ZWG` for Zimbabwe, which nobody reads on a till slip.
_SYMBOLS = {"USD": "$", "ZAR": "R", "ZWG": "ZiG ", "BWP": "P", "EUR": "€", "GBP": "£", "JPY": "¥"}

_DAY_PATTERN = "MMMM d, yyyy"


def write_money(amount: Money, locale: str) -> str:
    """`$25.00`, `R1,234.50`, `ZiG 25.00`: the local symbol, and all digits of the currency."""
    digits = minor_digits(amount.currency)
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    # Money.decimal() is exact text, so that no float and no second rounding comes between.
    number = format_decimal(
        (-amount if amount.minor < 0 else amount).decimal(), format=pattern, locale=_reading(locale), decimal_quantization=False
    )
    return f"{'-' if amount.minor < 0 else ''}{_SYMBOLS[amount.currency]}{number}"


def write_day(day: date, locale: str) -> str:
    """`November 21, 2026` (requirements M3)."""
    return format_date(day, _DAY_PATTERN, locale=_reading(locale))


def write_days(count: int) -> str:
    """`1 day`, `2 days`."""
    return f"{count} day" if count == 1 else f"{count} days"


@cache
def _reading(locale: str) -> Locale:
    """The locale whose habits the reader knows.

    English readers in South Africa write `R1,234.50` on invoices, whatever CLDR says of en_ZA (`R1 234,50`).
    """
    try:
        parsed = Locale.parse(locale, sep="-" if "-" in locale else "_")
    except (UnknownLocaleError, ValueError):
        raise InvalidInputError("locale", f"{locale!r} is not a locale such as en_ZW.") from None
    return Locale("en") if parsed.language == "en" else parsed
