"""What a gateway keeps: told, agreed or published, and never guessed where no rate is known (requirements P13)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError
from domain.fees import FeeRate, agreed_rates, estimate
from domain.money import Money
from domain.payment import PaymentMethod

amounts = st.builds(Money, st.integers(1, 10**9), st.just("ZAR"))
rates = st.builds(FeeRate, st.integers(0, 10_000), st.integers(0, 10**6))


@given(rates, amounts)
def test_a_fee_is_never_below_zero_nor_more_than_the_amount(rate: FeeRate, amount: Money) -> None:
    assert Money.zero("ZAR") <= rate.of(amount) <= amount


@given(rates, amounts, amounts)
def test_more_money_is_never_a_smaller_fee(rate: FeeRate, one: Money, other: Money) -> None:
    assert rate.of(min(one, other)) <= rate.of(max(one, other))


@pytest.mark.parametrize(
    ("method", "brand", "fee"),
    [
        (PaymentMethod.YOCO, None, 3030),
        (PaymentMethod.YOCO, "visa", 3030),
        (PaymentMethod.YOCO, "AMEX", 3580),
        (PaymentMethod.YOCO, "American Express", 3580),
        (PaymentMethod.PAYFAST, None, 3030),
    ],
)
def test_the_published_rate_of_a_thousand_rand(method: PaymentMethod, brand: str | None, fee: int) -> None:
    """2.95 % + R0.80, and 3.5 % + R0.80 for the brand that is always charged as international."""
    assert estimate(method, Money(100_000, "ZAR"), card_brand=brand) == Money(fee, "ZAR")


@pytest.mark.parametrize("method", [PaymentMethod.OZOW, PaymentMethod.PAYNOW_ECOCASH, PaymentMethod.CASH, PaymentMethod.CREDIT])
def test_a_rate_that_nobody_knows_is_not_guessed(method: PaymentMethod) -> None:
    assert estimate(method, Money(100_000, "ZAR")) is None


def test_what_was_agreed_goes_before_what_is_published_whatever_the_card() -> None:
    agreed = {"YOCO": {"basis_points": 250, "fixed_minor": 0}, "OZOW": {"basis_points": 100}}
    assert estimate(PaymentMethod.YOCO, Money(100_000, "ZAR"), card_brand="amex", agreed=agreed) == Money(2500, "ZAR")
    assert estimate(PaymentMethod.OZOW, Money(100_000, "ZAR"), agreed=agreed) == Money(1000, "ZAR")
    assert estimate(PaymentMethod.PAYFAST, Money(100_000, "ZAR"), agreed=agreed) == Money(3030, "ZAR")


def test_an_agreement_is_read_by_method() -> None:
    assert agreed_rates("yoco", {"YOCO": {"basis_points": 250, "fixed_minor": 100}}) == {"YOCO": FeeRate(250, 100)}
    assert agreed_rates("yoco", {}) == {}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"OZOW": {"basis_points": 100}}, "OZOW"),
        ({"YOCO": {"basis_points": -1}}, "YOCO.basis_points"),
        ({"YOCO": {"basis_points": 10_001}}, "YOCO.basis_points"),
        ({"YOCO": {"basis_points": 1, "fixed_minor": -1}}, "YOCO.fixed_minor"),
    ],
)
def test_a_rate_that_no_gateway_takes_is_refused_by_name(data: dict[str, dict[str, int]], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        agreed_rates("yoco", data)
    assert refused.value.field == field
