"""When a subscription is charged: once per interval, from its first month to its last day."""

from datetime import date, timedelta

import pytest
from hypothesis import given

from domain.calendar import Period
from domain.money import Money
from domain.subscription import Plan, Subscription
from tests.domain.strategies import periods, subscriptions


def subscribed(starts_on: date, ends_on: date | None = None, interval_months: int = 1) -> Subscription:
    plan = Plan("pln_1", "pos", "Point of sale", Money(10000, "USD"), interval_months, 1500)
    return Subscription("sub_1", "cus_1", plan, 1, starts_on, ends_on)


@given(subscriptions(), periods)
def test_active_days_are_the_days_of_the_period_within_the_subscription(item: Subscription, period: Period) -> None:
    month = [period.first_day + timedelta(days=day) for day in range(period.days)]
    counted = [day for day in month if item.starts_on <= day and (item.ends_on is None or day <= item.ends_on)]
    assert item.active_days(period) == len(counted)


@given(subscriptions(), periods)
def test_what_is_not_active_is_not_charged(item: Subscription, period: Period) -> None:
    if item.is_due_in(period):
        assert item.active_days(period) > 0
        assert period >= Period(item.starts_on.year, item.starts_on.month)


@pytest.mark.parametrize(
    ("interval", "months"),
    [(1, list(range(1, 13))), (3, [2, 5, 8, 11]), (6, [2, 8]), (12, [2])],
)
def test_an_interval_is_counted_from_the_month_in_which_it_starts(interval: int, months: list[int]) -> None:
    item = subscribed(date(2025, 2, 28), interval_months=interval)
    assert [month for month in range(1, 13) if item.is_due_in(Period(2026, month))] == months


def test_a_start_on_the_31st_charges_every_month_once() -> None:
    """The day of the month plays no part, so short months are neither skipped nor doubled."""
    item = subscribed(date(2026, 1, 31))
    due = [Period(2026, month) for month in range(1, 13) if item.is_due_in(Period(2026, month))]
    assert len(due) == 12


@pytest.mark.parametrize(
    ("period", "due"), [("2026-03", False), ("2026-04", True), ("2026-06", True), ("2026-07", False), ("2027-04", False)]
)
def test_the_months_of_start_and_end_are_charged_and_none_outside(period: str, due: bool) -> None:
    item = subscribed(date(2026, 4, 30), date(2026, 6, 1))
    assert item.is_due_in(Period.parse(period)) is due


def test_the_last_day_is_charged_and_the_next_is_not() -> None:
    item = subscribed(date(2026, 11, 10), date(2026, 11, 10))
    assert item.active_days(Period(2026, 11)) == 1
    assert item.active_days(Period(2026, 12)) == 0
