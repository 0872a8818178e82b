"""Who is not billed while suspended or closed (requirements L4, pains 15)."""

from collections.abc import Collection
from datetime import date

import pytest

from domain.billing import Billable, has_something_due, why_withheld
from domain.standing import HoldReason
from tests.domain.test_billing import NOVEMBER, charge, subscription


@pytest.mark.parametrize(
    ("holds", "bills", "why"),
    [
        ((), True, None),
        ((), False, None),
        ((HoldReason.OVERDUE, HoldReason.MANUAL), True, None),
        (
            (HoldReason.OVERDUE, HoldReason.MANUAL),
            False,
            "The account is suspended (MANUAL, OVERDUE), and the policy bills nobody who is suspended.",
        ),
        ((HoldReason.CLOSED,), True, "The account is closed."),
        ((HoldReason.CLOSED, HoldReason.OVERDUE), False, "The account is closed."),
    ],
)
def test_the_closed_are_never_billed_and_the_suspended_as_the_policy_says(
    holds: Collection[HoldReason], bills: bool, why: str | None
) -> None:
    assert why_withheld(holds, bills_while_suspended=bills) == why


def test_only_what_falls_into_the_period_or_was_left_before_it_is_due() -> None:
    nothing = Billable("cus_1", None, (), ())
    assert not has_something_due(nothing, NOVEMBER)
    assert has_something_due(Billable("cus_1", None, (subscription(),), ()), NOVEMBER)
    assert not has_something_due(Billable("cus_1", None, (subscription(ends_on=date(2026, 10, 31)),), ()), NOVEMBER)
    assert has_something_due(Billable("cus_1", None, (), (charge(100, charge_on=date(2026, 3, 1)),)), NOVEMBER)
    assert has_something_due(Billable("cus_1", None, (), (charge(100, charge_on=NOVEMBER.last_day),)), NOVEMBER)
    assert not has_something_due(Billable("cus_1", None, (), (charge(100, charge_on=date(2026, 12, 1)),)), NOVEMBER)
