"""A customer's billing status follows from holds and debts, and money lifts only what debt had placed (pains 15)."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError
from domain.money import Money
from domain.standing import STAFF_REASONS, BillingStatus, HoldReason, SuspendingDebt, billing_status, is_back, suspends


@pytest.mark.parametrize(
    ("holds", "is_late", "status"),
    [
        ([], False, BillingStatus.ACTIVE),
        ([], True, BillingStatus.PAST_DUE),
        ([HoldReason.OVERDUE], False, BillingStatus.SUSPENDED),
        ([HoldReason.OVERDUE], True, BillingStatus.SUSPENDED),
        ([HoldReason.MANUAL, HoldReason.BREACH], False, BillingStatus.SUSPENDED),
        ([HoldReason.CLOSED], False, BillingStatus.CLOSED),
        ([HoldReason.OVERDUE, HoldReason.CLOSED], True, BillingStatus.CLOSED),
    ],
)
def test_a_hold_weighs_more_than_a_debt_and_a_closed_account_more_than_any_hold(
    holds: list[HoldReason], is_late: bool, status: BillingStatus
) -> None:
    assert billing_status(holds=holds, is_late=is_late) is status


@pytest.mark.parametrize("reason", [reason for reason in HoldReason if reason is not HoldReason.CLOSED])
def test_a_hold_of_any_reason_suspends(reason: HoldReason) -> None:
    assert billing_status(holds={reason}, is_late=False) is BillingStatus.SUSPENDED


def debt(due: int, lifts_below: int = 0, currency: str = "USD") -> SuspendingDebt:
    return SuspendingDebt(Money(due, currency), Money(lifts_below, currency))


@pytest.mark.parametrize(
    ("debts", "expected"),
    [
        ([], False),
        ([debt(0)], False),
        ([debt(1)], True),
        ([debt(0), debt(1)], True),
        # 5.00 is the threshold: 4.99 lifts, 5.00 does not.
        ([debt(499, 500)], False),
        ([debt(500, 500)], True),
        # Together they are more.
        ([debt(300, 500), debt(300, 500)], True),
        # The strictest policy among them counts: any debt suspends, or from 2.00 on.
        ([debt(300, 500), debt(1, 0)], True),
        ([debt(100, 500), debt(99, 200)], False),
        ([debt(100, 500), debt(100, 200)], True),
        # A zero threshold suspends over any debt, not over none.
        ([debt(0, 0), debt(0, 500)], False),
        # Each currency is reckoned for itself: 4.00 and 4.00 are no 8.00.
        ([debt(400, 500), debt(400, 500, "ZAR")], False),
        ([debt(400, 500), debt(500, 500, "ZAR")], True),
        ([debt(400, 500), debt(4, 5, "JPY")], False),
        ([debt(400, 500), debt(5, 5, "JPY")], True),
    ],
)
def test_what_is_left_suspends_from_the_strictest_threshold_of_its_currency_on(
    debts: list[SuspendingDebt], expected: bool
) -> None:
    assert {suspends(order) for order in permutations(debts)} == {expected}


@given(st.lists(st.builds(debt, st.integers(0, 1000), st.integers(0, 1000), st.sampled_from(["USD", "ZAR", "JPY"]))))
def test_paying_all_of_it_lifts_whatever_the_thresholds_and_without_thresholds_nothing_else_does(
    debts: list[SuspendingDebt],
) -> None:
    paid = [SuspendingDebt(Money(0, each.amount_due.currency), each.lifts_below) for each in debts]
    assert not suspends(paid)
    strict = [SuspendingDebt(each.amount_due, Money(0, each.amount_due.currency)) for each in debts]
    assert suspends(strict) is any(each.amount_due for each in debts)


@given(
    st.lists(st.builds(debt, st.integers(0, 1000), st.integers(0, 1000), st.sampled_from(["USD", "ZAR"])), min_size=1),
    st.integers(0, 1000),
    st.data(),
)
def test_a_payment_never_begins_a_suspension(debts: list[SuspendingDebt], paid: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(debts) - 1))
    before = debts[index]
    left = max(0, before.amount_due.minor - paid)
    after = [*debts[:index], debt(left, before.lifts_below.minor, before.amount_due.currency), *debts[index + 1 :]]
    assert suspends(debts) or not suspends(after)


def test_a_threshold_in_another_currency_than_the_debt_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cannot be reckoned together"):
        suspends([SuspendingDebt(Money(300, "USD"), Money(500, "JPY"))])


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        ([HoldReason.OVERDUE], [], True),
        ([HoldReason.OVERDUE, HoldReason.MANUAL], [], True),
        ([HoldReason.OVERDUE, HoldReason.MANUAL], [HoldReason.MANUAL], False),
        ([HoldReason.OVERDUE], [HoldReason.OVERDUE], False),
        ([], [], False),
        ([], [HoldReason.OVERDUE], False),
    ],
)
def test_a_customer_is_back_when_the_last_hold_is_lifted(before: list[HoldReason], after: list[HoldReason], back: bool) -> None:
    assert is_back(before, after) is back


def test_staff_place_any_hold_but_the_systems_own_and_each_reason_is_a_sentence() -> None:
    assert set(STAFF_REASONS) == set(HoldReason) - {HoldReason.OVERDUE}
    assert all(reason.in_words.endswith(".") for reason in HoldReason)
