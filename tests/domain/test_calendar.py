"""Periods end where months end, and a local time is one instant, whatever clocks do there (pains 9)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import Period, due_day, local_day, local_instant
from domain.errors import InvalidInputError
from tests.domain.strategies import days, periods

ZONES = ["Africa/Harare", "Africa/Johannesburg", "Europe/London", "America/New_York"]
zones = st.sampled_from(ZONES)
times = st.times()


@given(periods)
def test_a_period_is_a_whole_month(period: Period) -> None:
    assert period.first_day.day == 1
    assert (period.last_day + timedelta(days=1)).day == 1
    assert (period.last_day - period.first_day).days + 1 == period.days
    assert (period.last_day.year, period.last_day.month) == (period.year, period.month)


@given(periods)
def test_a_period_reads_back_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(periods, periods)
def test_written_periods_sort_as_they_follow_each_other(one: Period, other: Period) -> None:
    assert (one < other) == (str(one) < str(other)) == (one.first_day < other.first_day)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026/11", "2026-11-01", "1999-12", "2026-11\n"]
)
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a month such as 2026-11"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("period", "days_"), [("2024-02", 29), ("2026-02", 28), ("2100-02", 28), ("2000-02", 29), ("2026-04", 30)]
)
def test_leap_years_count(period: str, days_: int) -> None:
    assert Period.parse(period).days == days_


@given(periods, days)
def test_months_are_counted_by_the_calendar_whatever_the_day(period: Period, day: date) -> None:
    months = period.months_since(day)
    assert period.months_since(day.replace(day=1)) == months
    earlier = (period.year * 12 + period.month - 1) - months
    assert (earlier // 12, earlier % 12 + 1) == (day.year, day.month)


def test_months_are_negative_before_the_start() -> None:
    assert Period(2026, 11).months_since(date(2026, 12, 1)) == -1
    assert Period(2026, 11).months_since(date(2026, 11, 30)) == 0
    assert Period(2027, 1).months_since(date(2026, 11, 30)) == 2


@given(days, times, zones)
def test_a_local_time_is_shown_by_the_clocks_at_its_instant(day: date, at: time, zone: str) -> None:
    instant = local_instant(day, at, zone)
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = datetime.combine(day, at)
    assert instant.tzinfo is UTC
    # In a gap of an hour the clocks never show it; the instant then lies after the gap.
    assert shown in {wanted, wanted + timedelta(hours=1)}
    assert local_day(instant, zone) == shown.date()


@given(days, st.times(min_value=time(3)), zones)
def test_from_three_in_the_morning_on_no_clock_skips_anything(day: date, at: time, zone: str) -> None:
    assert local_instant(day, at, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.combine(day, at)


@given(days, times)
def test_harare_and_johannesburg_are_two_hours_ahead_all_year(day: date, at: time) -> None:
    wanted = (datetime.combine(day, at) - timedelta(hours=2)).replace(tzinfo=UTC)
    assert local_instant(day, at, "Africa/Harare") == wanted
    assert local_instant(day, at, "Africa/Johannesburg") == wanted


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        # Clocks go from 01:00 to 02:00 in London and from 02:00 to 03:00 in New York: 01:30 and 02:30 are skipped.
        ("Europe/London", date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        # They go back: 01:30 is shown twice, and the first showing counts.
        ("Europe/London", date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        # Nine o'clock is an hour earlier in UTC once it is summer.
        ("Europe/London", date(2026, 3, 28), time(9), datetime(2026, 3, 28, 9, tzinfo=UTC)),
        ("Europe/London", date(2026, 3, 29), time(9), datetime(2026, 3, 29, 8, tzinfo=UTC)),
    ],
)
def test_days_on_which_clocks_change(zone: str, day: date, at: time, instant: datetime) -> None:
    assert local_instant(day, at, zone) == instant


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Africa/Harare", datetime(2026, 10, 31, 21, 59, tzinfo=UTC), date(2026, 10, 31)),
        ("Africa/Harare", datetime(2026, 10, 31, 22, 0, tzinfo=UTC), date(2026, 11, 1)),
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC), date(2026, 10, 31)),
    ],
)
def test_the_day_is_the_one_that_people_there_have(zone: str, instant: datetime, day: date) -> None:
    assert local_day(instant, zone) == day


@given(days, zones)
def test_one_day_follows_another_in_every_zone(day: date, zone: str) -> None:
    """No billing day is missing or doubled when clocks change."""
    noons = [local_instant(day + timedelta(days=step), time(12), zone) for step in range(3)]
    assert [local_day(noon, zone) for noon in noons] == [day + timedelta(days=step) for step in range(3)]
    assert timedelta(hours=23) <= noons[1] - noons[0] <= timedelta(hours=25)


def test_terms_are_counted_in_days_over_month_and_year_ends() -> None:
    assert due_day(date(2026, 11, 1), 14) == date(2026, 11, 15)
    assert due_day(date(2026, 12, 25), 14) == date(2027, 1, 8)
    assert due_day(date(2026, 11, 1), 0) == date(2026, 11, 1)
