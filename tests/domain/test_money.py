"""Money is whole minor units of a known currency, rounded in one way, and never lost in a split (pains 11)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError
from domain.money import MINOR_DIGITS, Money, minor_digits, round_half_away, total
from tests.domain.strategies import currencies, dollars, minors, moneys


@given(moneys)
def test_decimal_text_reads_back_as_the_same_money(money: Money) -> None:
    assert Money.parse(money.decimal(), money.currency) == money


@given(moneys)
def test_decimal_text_is_exactly_the_minor_units_shifted(money: Money) -> None:
    assert Decimal(money.decimal()) == Decimal(money.minor).scaleb(-minor_digits(money.currency))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25", "USD", 2500),
        ("12.5", "USD", 1250),
        ("25.00", "USD", 2500),
        ("25.0000", "USD", 2500),
        ("0.29", "USD", 29),  # int(0.29 * 100) is 28
        ("1.15", "ZAR", 115),  # int(1.15 * 100) is 114
        ("-0.01", "ZWG", -1),
        ("-0", "USD", 0),
        (" 7.10 ", "USD", 710),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("9999999999999999.99", "USD", 999999999999999999),
    ],
)
def test_amounts_as_people_and_gateways_write_them(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "1,000.00",
        "1e3",
        "NaN",
        "Infinity",
        "+5",
        ".5",
        "5.",
        "--5",
        "5 USD",
        "0x10",
        "1_000",
        "5.00\n5",
        "\u0662\u0665.\u0660\u0660",
        "\uff15",
    ],
)
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"is not an amount such as 25\.00") as refusal:
        Money.parse(text, "USD")
    assert refusal.value.field == "amount"


@pytest.mark.parametrize(("text", "currency"), [("0.001", "USD"), ("12.345", "ZAR"), ("0.5", "JPY"), ("1.00000001", "USD")])
def test_a_fraction_of_a_cent_is_refused_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(InvalidInputError, match=f"finer than the smallest unit of {currency}"):
        Money.parse(text, currency)


@pytest.mark.parametrize("amount", [1.0, 0.1, True, False, "100", None, Decimal(1)])
def test_only_whole_numbers_are_amounts(amount: Any) -> None:
    with pytest.raises(InvalidInputError, match="not a whole number of minor units"):
        Money(amount, "USD")


@pytest.mark.parametrize("factor", [1.5, 0.1])
def test_a_float_cannot_creep_in_by_multiplication(factor: Any) -> None:
    with pytest.raises(InvalidInputError, match="not a whole number of minor units"):
        Money(100, "USD") * factor


@pytest.mark.parametrize("currency", ["usd", "XXX", "", "ZWL", "US$"])
def test_an_unknown_currency_is_refused_with_those_that_are_known(currency: str) -> None:
    with pytest.raises(InvalidInputError, match=r"use one of BWP, EUR, GBP, JPY, USD, ZAR, ZWG\.") as refusal:
        Money(1, currency)
    assert refusal.value.field == "currency"
    with pytest.raises(InvalidInputError):
        Money.parse("1", currency)


@given(minors, minors)
def test_two_currencies_are_never_reckoned_together(first: int, second: int) -> None:
    one, other = Money(first, "USD"), Money(second, "ZAR")
    for reckon in (
        lambda: one + other,
        lambda: one - other,
        lambda: one < other,
        lambda: one <= other,
        lambda: min(one, other),
    ):
        with pytest.raises(InvalidInputError, match="cannot be reckoned together"):
            reckon()
    assert one != other


@given(dollars, dollars)
def test_reckoning_is_that_of_whole_numbers(one: Money, other: Money) -> None:
    assert one + other == other + one == Money(one.minor + other.minor, "USD")
    assert one - other == one + -other
    assert one * 3 == one + one + one
    assert (one < other, one <= other, one > other) == (
        one.minor < other.minor,
        one.minor <= other.minor,
        one.minor > other.minor,
    )
    assert bool(one) == (one != Money.zero("USD"))


@given(st.lists(dollars))
def test_a_total_is_the_sum_and_zero_of_nothing(amounts: list[Money]) -> None:
    assert total(amounts, "USD") == Money(sum(amount.minor for amount in amounts), "USD")


@given(st.integers(-(10**18), 10**18), st.integers(-(10**6), 10**6).filter(bool))
def test_halves_are_rounded_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    rounded = round_half_away(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"), [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (4, 3, 1), (5, 3, 2), (-1, 2, -1), (0, 7, 0)]
)
def test_the_rounding_rule_by_example(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_away(numerator, denominator) == rounded


@given(moneys, st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_is_the_exact_share_rounded_once(money: Money, numerator: int, denominator: int) -> None:
    exact = Fraction(money.minor * numerator, denominator)
    rounded = Fraction(money.share(numerator, denominator).minor)
    assert abs(rounded - exact) <= Fraction(1, 2)
    assert money.share(denominator, denominator) == money


def test_a_share_agrees_with_the_commercial_rounding_of_decimals() -> None:
    cents = range(-1050, 1051)
    by_decimal = [int((Decimal(cent) * 15 / 100).quantize(Decimal(1), ROUND_HALF_UP)) for cent in cents]
    assert [Money(cent, "ZAR").share(15, 100).minor for cent in cents] == by_decimal


weights = st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(any)


@given(moneys, weights)
def test_a_split_loses_and_makes_no_cent(money: Money, parts: list[int]) -> None:
    split = money.split(parts)
    assert len(split) == len(parts)
    assert total(split, money.currency) == money


@given(moneys, weights)
def test_each_part_of_a_split_is_less_than_a_cent_from_its_share(money: Money, parts: list[int]) -> None:
    for part, weight in zip(money.split(parts), parts, strict=True):
        assert abs(part.minor - Fraction(money.minor * weight, sum(parts))) < 1


@given(moneys, weights)
def test_a_split_of_what_is_owed_the_other_way_mirrors_it(money: Money, parts: list[int]) -> None:
    assert (-money).split(parts) == [-part for part in money.split(parts)]


def test_odd_cents_go_to_the_largest_remainders_and_then_to_the_first() -> None:
    assert Money(100, "USD").split([1, 1, 1]) == [Money(34, "USD"), Money(33, "USD"), Money(33, "USD")]
    assert Money(10, "USD").split([1, 0, 2]) == [Money(3, "USD"), Money(0, "USD"), Money(7, "USD")]


@pytest.mark.parametrize("bad", [[], [0, 0], [3, -1]])
def test_a_split_needs_weights(bad: list[int]) -> None:
    with pytest.raises(InvalidInputError, match="at least one weight must be above zero and none below"):
        Money(100, "USD").split(bad)


@given(currencies)
def test_every_currency_prints_all_of_its_digits(currency: str) -> None:
    fraction = Money(1, currency).decimal().partition(".")[2]
    assert len(fraction) == MINOR_DIGITS[currency]
    assert str(Money(-123450, currency)).startswith(f"{currency} -123")
