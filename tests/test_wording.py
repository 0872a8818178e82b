"""Money and days as people there write them."""

import re
from datetime import date

import pytest

from domain.money import MINOR_DIGITS, Money
from wording import write_day, write_money


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(2500, "USD"), "$25.00"),
        (Money(123450, "ZAR"), "R1,234.50"),
        (Money(2500, "ZWG"), "ZiG 25.00"),
        (Money(123456789, "ZWG"), "ZiG 1,234,567.89"),
        (Money(1250, "JPY"), "¥1,250"),
        (Money(0, "USD"), "$0.00"),
        (Money(-105, "USD"), "-$1.05"),
        (Money(10**15 - 1, "USD"), "$9,999,999,999,999.99"),
    ],
)
@pytest.mark.parametrize("locale", ["en", "en_ZW", "en_ZA", "en-ZA"])
def test_money_is_written_as_english_readers_there_write_it(amount: Money, written: str, locale: str) -> None:
    assert write_money(amount, locale) == written


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_every_currency_that_is_billed_can_be_written(currency: str) -> None:
    assert re.search(r"\D1", write_money(Money(10 ** MINOR_DIGITS[currency], currency), "en"))


def test_another_language_keeps_its_own_separators() -> None:
    assert write_money(Money(123450, "EUR"), "de_DE") == "€1.234,50"


def test_days_are_written_with_the_month_in_words() -> None:
    assert write_day(date(2026, 11, 21), "en_ZA") == "November 21, 2026"
    assert write_day(date(2027, 1, 1), "en_ZW") == "January 1, 2027"
