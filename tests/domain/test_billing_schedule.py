"""A month is billed once, on its day or its last one, at the hour that is meant, whatever clocks and calendars do (pains 9)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.billing_schedule import BillingTimes, CalendarEntry, format_time, parse_time
from domain.calendar import Period, local_day
from domain.errors import InvalidInputError

HARARE = "Africa/Harare"
NEW_YORK = "America/New_York"
LONDON = "Europe/London"
ZONES = (
    HARARE,
    "Africa/Johannesburg",
    NEW_YORK,
    LONDON,
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Cairo",
    "Asia/Beirut",
)

schedules = st.builds(
    BillingTimes, st.integers(1, 31), st.times().map(lambda at: at.replace(second=0, microsecond=0)), st.integers(-1, 1)
)
zones = st.sampled_from(ZONES)
# Hours of 2026 to 2089.
instants = st.integers(0, 64 * 365 * 24).map(lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


def at(hour: int, minute: int = 0) -> time:
    return time(hour, minute)


def days(
    times: BillingTimes, months: int, zone: str = HARARE, after: datetime = datetime(2027, 12, 31, tzinfo=UTC)
) -> list[str]:
    return [due.day.isoformat() for due in islice(times.upcoming(after, zone), months)]


def test_the_31st_is_the_last_day_of_every_month_in_leap_years_and_others() -> None:
    assert days(BillingTimes(31, at(4), 0), 15) == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
        "2028-05-31",
        "2028-06-30",
        "2028-07-31",
        "2028-08-31",
        "2028-09-30",
        "2028-10-31",
        "2028-11-30",
        "2028-12-31",
        "2029-01-31",
        "2029-02-28",
    ]


@pytest.mark.parametrize(("day", "leap", "common"), [(28, 28, 28), (29, 29, 28), (30, 29, 28), (31, 29, 28)])
def test_a_day_that_february_does_not_have_is_its_last_day(day: int, leap: int, common: int) -> None:
    times = BillingTimes(day, at(4), 0)
    assert times.due_in(Period(2028, 2), HARARE).day == date(2028, 2, leap)
    assert times.due_in(Period(2027, 2), HARARE).day == date(2027, 2, common)
    assert times.due_in(Period(2100, 2), HARARE).day == date(2100, 2, common), "2100 is no leap year"


@pytest.mark.parametrize(
    ("month_offset", "periods"),
    [(-1, ["2026-11", "2026-12"]), (0, ["2026-12", "2027-01"]), (1, ["2027-01", "2027-02"])],
)
def test_the_month_before_the_days_own_or_the_next_is_billed_over_the_turn_of_the_year_too(
    month_offset: int, periods: list[str]
) -> None:
    found = islice(BillingTimes(1, at(4), month_offset).upcoming(datetime(2026, 11, 22, tzinfo=UTC), HARARE), 2)
    assert [str(due.period) for due in found] == periods


def test_the_month_is_the_one_that_people_have_not_the_one_in_utc() -> None:
    """Harare is two hours ahead: its first of December begins while it is still November in UTC."""
    times = BillingTimes(1, at(0, 30), 0)
    due = times.due_in(Period(2026, 12), HARARE)
    assert due.at == datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    assert str(times.period_at(due.at, HARARE)) == str(due.period) == "2026-12"


def test_a_time_that_has_just_come_is_the_last_one_and_no_longer_the_next() -> None:
    times = BillingTimes(1, at(4), 0)
    now = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert times.latest(now, HARARE).at == now
    assert times.latest(now - timedelta(seconds=1), HARARE).day == date(2026, 11, 1)
    assert next(times.upcoming(now, HARARE)).day == date(2027, 1, 1)
    assert next(times.upcoming(now - timedelta(seconds=1), HARARE)).at == now


@given(schedules, zones, instants)
def test_every_month_is_billed_exactly_once_in_order(times: BillingTimes, zone: str, now: datetime) -> None:
    due = list(islice(times.upcoming(now, zone), 30))
    assert due[0].at > now
    for one, other in pairwise(due):
        assert other.at > one.at
        assert other.period.months_since(one.period.first_day) == 1


@given(schedules, zones, instants)
def test_the_last_time_and_the_next_lie_on_either_side_of_now(times: BillingTimes, zone: str, now: datetime) -> None:
    last, following = times.latest(now, zone), next(times.upcoming(now, zone))
    assert last.at <= now < following.at
    assert following.period.months_since(last.period.first_day) == 1


@given(schedules, zones, instants)
def test_a_run_finds_its_month_from_the_time_that_was_meant(times: BillingTimes, zone: str, now: datetime) -> None:
    due = next(times.upcoming(now, zone))
    assert times.period_at(due.at, zone) == due.period


@given(schedules, zones)
@settings(max_examples=25)
def test_the_calendar_in_utc_has_each_time_once_and_no_other(times: BillingTimes, zone: str) -> None:
    entries = times.utc_calendar(zone, 2026, 2100)
    first, last = datetime(2025, 12, 31, 23, 59, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
    spelled_out = [
        datetime.combine(date(year, month, entry.day), entry.at, UTC)
        for entry in entries
        for year in entry.years
        for month in entry.months
    ]
    assert sorted(spelled_out) == [due.at for due in takewhile(lambda due: due.at < last, times.upcoming(first, zone))]


def test_the_calendar_of_a_plain_day_and_zone_is_one_entry() -> None:
    (entry,) = BillingTimes(1, at(4), 0).utc_calendar(HARARE, 2026, 2028)
    assert entry == CalendarEntry(1, at(2), tuple(range(1, 13)), (2026, 2027, 2028))


def test_the_calendar_of_month_ends_names_the_days_they_are() -> None:
    entries = BillingTimes(31, at(4), 0).utc_calendar(HARARE, 2026, 2029)
    years = (2026, 2027, 2028, 2029)
    assert sorted((entry.day, entry.months, entry.years) for entry in entries) == [
        (28, (2,), (2026, 2027, 2029)),
        (29, (2,), (2028,)),
        (30, (4, 6, 9, 11), years),
        (31, (1, 3, 5, 7, 8, 10, 12), years),
    ]


@pytest.mark.parametrize(
    ("zone", "month", "day_of_month", "hour", "utc", "shown"),
    [
        (NEW_YORK, Period(2030, 3), 10, at(2, 30), "07:30", "03:30"),
        ("Asia/Beirut", Period(2030, 3), 31, at(0), "22:00", "01:00"),
        ("Australia/Lord_Howe", Period(2027, 10), 3, at(2, 15), "15:45", "02:45"),
    ],
)
def test_an_hour_that_the_clocks_skip_is_as_much_later_as_they_skip(
    zone: str, month: Period, day_of_month: int, hour: time, utc: str, shown: str
) -> None:
    due = BillingTimes(day_of_month, hour, 0).due_in(month, zone)
    assert format_time(due.at.time()) == utc
    assert format_time(local_time(due.at, zone)) == shown


@pytest.mark.parametrize(
    ("zone", "month", "day_of_month", "hour", "utc"),
    [
        (NEW_YORK, Period(2026, 11), 1, at(1, 30), "05:30"),
        (LONDON, Period(2027, 10), 31, at(1), "00:00"),
    ],
)
def test_of_an_hour_that_the_clocks_show_twice_it_is_the_first(
    zone: str, month: Period, day_of_month: int, hour: time, utc: str
) -> None:
    times = BillingTimes(day_of_month, hour, 0)
    due = times.due_in(month, zone)
    assert format_time(due.at.time()) == utc
    second = due.at + timedelta(hours=1)
    assert local_time(second, zone) == hour
    assert times.latest(second, zone) == due
    assert next(times.upcoming(due.at, zone)).day.month != month.month


@given(schedules, zones, instants)
def test_but_for_skipped_hours_it_is_the_local_day_and_hour_that_were_meant(
    times: BillingTimes, zone: str, now: datetime
) -> None:
    for due in islice(times.upcoming(now, zone), 12):
        assert due.day.day == min(times.day_of_month, Period(due.day.year, due.day.month).days)
        if not is_skipped(due.day, times.at, zone):
            assert local_day(due.at, zone) == due.day
            assert local_time(due.at, zone) == times.at


def local_time(instant: datetime, zone: str) -> time:
    return instant.astimezone(ZoneInfo(zone)).time()


def is_skipped(day: date, hour: time, zone: str) -> bool:
    local = datetime.combine(day, hour, ZoneInfo(zone))
    return local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None)


@given(st.times().map(lambda found: found.replace(second=0, microsecond=0)))
def test_a_time_of_day_reads_as_it_is_written(found: time) -> None:
    assert parse_time(format_time(found)) == found


@pytest.mark.parametrize("text", ["", "4:00", "04:60", "24:00", "04.00", "04:00:00", " 04:00", "04:00 ", "noon", "0٤:00"])
def test_what_is_no_time_of_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match="such as 04:00") as refused:
        parse_time(text)
    assert refused.value.field == "at"
