"""Which payments can be taken back, and what a refusal tells the person who must find the way out."""

import pytest

from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.reversal import why_credit_is_missing, why_not, why_not_as_a_whole

RECORDED = [method for method in PaymentMethod if method.gateway is None]
GATEWAYS = [method for method in PaymentMethod if method.gateway is not None]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize("method", RECORDED)
def test_what_staff_recorded_can_be_reversed(method: PaymentMethod) -> None:
    assert why_not("pay_1", method, PaymentStatus.SETTLED, None, is_booked_by_staff=True) is None


@pytest.mark.parametrize("method", GATEWAYS)
@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_a_gateways_payment_can_be_reversed_only_when_the_gateway_says_that_the_money_is_gone(
    method: PaymentMethod, outcome: Outcome | None
) -> None:
    refusal = why_not("pay_1", method, PaymentStatus.SETTLED, outcome, is_booked_by_staff=False)
    if outcome in {Outcome.REFUNDED, Outcome.DISPUTED}:
        assert refusal is None
    else:
        assert refusal is not None
        assert method.human_name in refusal


@pytest.mark.parametrize("method", GATEWAYS)
def test_a_person_who_booked_a_gateways_money_may_have_been_wrong(method: PaymentMethod) -> None:
    assert why_not("pay_1", method, PaymentStatus.SETTLED, Outcome.PAID, is_booked_by_staff=True) is None


def test_of_what_was_given_back_in_part_the_refusal_says_what_to_do_instead() -> None:
    refusal = why_not_as_a_whole("pay_1", usd(2500), usd(1000))
    assert refusal is not None
    assert refusal.startswith("The gateway gave back USD 10.00 of payment pay_1 over USD 25.00")
    assert "refund the rest there too" in refusal


@pytest.mark.parametrize("given_back", [None, usd(2500), usd(2501)])
def test_what_was_given_back_whole_or_nobody_tells_how_much_of_is_in_nobodys_way(given_back: Money | None) -> None:
    assert why_not_as_a_whole("pay_1", usd(2500), given_back) is None


@pytest.mark.parametrize("status", [status for status in PaymentStatus if status is not PaymentStatus.SETTLED])
def test_only_what_is_settled_can_be_reversed(status: PaymentStatus) -> None:
    refusal = why_not("pay_1", PaymentMethod.CASH, status, None, is_booked_by_staff=True)
    assert refusal == f"Payment pay_1 is {status}: only a settled payment can be reversed."


@pytest.mark.parametrize("available", [500, 501])
def test_credit_that_is_still_there_is_in_nobodys_way(available: int) -> None:
    assert why_credit_is_missing("pay_1", usd(500), usd(available), []) is None


def test_credit_that_was_used_is_named_with_what_to_reverse_first_and_no_more_than_that() -> None:
    """5.00 of credit, of which 1.00 is left: the newest uses over 3.00 and 2.00 free enough, the older one may stay."""
    refusal = why_credit_is_missing(
        "pay_1", usd(500), usd(100), [("pay_4", usd(300)), ("pay_3", usd(200)), ("pay_2", usd(100))]
    )
    assert refusal == (
        "Payment pay_1 left USD 5.00 as credit, and USD 4.00 of it was used meanwhile: "
        "reverse pay_4 over USD 3.00 and pay_3 over USD 2.00 first."
    )
