"""A payment's status only climbs; methods say what they need; unknown is not failed (pains 1, 5)."""

import pytest

from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus, mismatch

PENDING, FAILED, SETTLED = PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.SETTLED
REVERSED = PaymentStatus.REVERSED


def test_a_status_only_climbs_and_only_what_was_settled_can_be_reversed() -> None:
    climbs = {(lower, upper) for lower in PaymentStatus for upper in PaymentStatus if lower.may_become(upper)}
    assert climbs == {(PENDING, FAILED), (PENDING, SETTLED), (FAILED, SETTLED), (SETTLED, REVERSED)}


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (PaymentMethod.PAYNOW_ECOCASH, "EcoCash"),
        (PaymentMethod.PAYNOW_ONEMONEY, "OneMoney"),
        (PaymentMethod.PAYNOW_INNBUCKS, "InnBucks"),
        (PaymentMethod.PAYNOW_VISA, "Visa"),
        (PaymentMethod.PAYNOW_MASTERCARD, "Mastercard"),
        (PaymentMethod.YOCO, "Card (Yoco)"),
        (PaymentMethod.PAYFAST, "PayFast"),
        (PaymentMethod.OZOW, "Instant EFT (Ozow)"),
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


ASKED = Money(4000, "USD")


@pytest.mark.parametrize("told_reference", ["gtx_1", None])
def test_a_gateways_word_fits_when_reference_and_amount_do(told_reference: str | None) -> None:
    assert mismatch("gtx_1", ASKED, told_reference, ASKED) is None


@pytest.mark.parametrize(
    ("told_reference", "told_amount", "reason"),
    [
        ("gtx_2", ASKED, "The gateway answered about gtx_2 when it was asked about gtx_1."),
        ("gtx_1", None, "The gateway says that gtx_1 is paid, but not how much."),
        ("gtx_1", Money(3999, "USD"), "The gateway received USD 39.99 for gtx_1, but USD 40.00 was asked for."),
        ("gtx_1", Money(4000, "ZWG"), "The gateway received ZWG 40.00 for gtx_1, but USD 40.00 was asked for."),
    ],
)
def test_another_reference_amount_or_currency_does_not_fit(told_reference: str, told_amount: Money | None, reason: str) -> None:
    """Pains 23: a word about something else never settles this."""
    assert mismatch("gtx_1", ASKED, told_reference, told_amount) == reason
