"""A payment's status only climbs; methods say what they need; unknown is not failed (pains 1, 5)."""

import pytest

from domain.payment import Outcome, PaymentMethod, PaymentStatus

PENDING, FAILED, SETTLED = PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.SETTLED


def test_the_ladder_has_exactly_three_climbs() -> None:
    climbs = {(lower, upper) for lower in PaymentStatus for upper in PaymentStatus if lower.may_become(upper)}
    assert climbs == {(PENDING, FAILED), (PENDING, SETTLED), (FAILED, SETTLED)}


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (PaymentMethod.PAYNOW_ECOCASH, "EcoCash"),
        (PaymentMethod.PAYNOW_ONEMONEY, "OneMoney"),
        (PaymentMethod.PAYNOW_INNBUCKS, "InnBucks"),
        (PaymentMethod.PAYNOW_VISA, "Visa"),
        (PaymentMethod.PAYNOW_MASTERCARD, "Mastercard"),
        (PaymentMethod.BANK_TRANSFER, "Bank Transfer"),
        (PaymentMethod.CASH, "Cash"),
        (PaymentMethod.CREDIT, "Account Credit"),
    ],
)
def test_people_are_told_the_name_they_know(method: PaymentMethod, name: str) -> None:
    assert method.human_name == name


def test_every_method_has_a_human_name() -> None:
    assert all(method.human_name for method in PaymentMethod)


def test_mobile_money_asks_a_phone_and_cards_do_not() -> None:
    assert {method for method in PaymentMethod if method.is_mobile_money} == {
        PaymentMethod.PAYNOW_ECOCASH,
        PaymentMethod.PAYNOW_ONEMONEY,
        PaymentMethod.PAYNOW_INNBUCKS,
    }


def test_what_staff_record_by_hand_goes_through_no_gateway() -> None:
    assert {method for method in PaymentMethod if method.gateway is None} == {
        PaymentMethod.BANK_TRANSFER,
        PaymentMethod.CASH,
        PaymentMethod.CREDIT,
    }
    assert PaymentMethod.PAYNOW_VISA.gateway == "paynow"


def test_unknown_pending_and_disputed_are_asked_about_again() -> None:
    assert {outcome for outcome in Outcome if not outcome.is_final} == {Outcome.PENDING, Outcome.DISPUTED, Outcome.UNKNOWN}
