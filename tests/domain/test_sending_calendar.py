"""When people may be written to: inside the window, on open days, whatever the clocks do (pains 7, 9; requirements L6)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.dunning_policy import OFFICE_HOURS, SendWindow, default_policy
from domain.sending_calendar import SendingCalendar
from public_holidays import public_holidays
from tests.domain.dunning_cases import DAY, Case, cases, every_day, local, noteworthy_days, windows, zones

MINUTE = timedelta(minutes=1)
# From an afternoon before a noteworthy day to the afternoon after it, or any time.
instants = st.builds(
    lambda day, seconds: datetime.combine(day, time.min, tzinfo=UTC) + timedelta(seconds=seconds),
    noteworthy_days | st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    st.integers(-12 * 3600, 36 * 3600),
)
OFFICE = SendingCalendar("Africa/Harare", OFFICE_HOURS, working_days_only=True, holidays={date(2026, 8, 10): "Heroes' Day"})


def calendar(zone: str, opens: str, closes: str) -> SendingCalendar:
    return SendingCalendar(zone, SendWindow(time.fromisoformat(opens), time.fromisoformat(closes)), working_days_only=False)


def first_open_minute(kept: SendingCalendar, after: datetime, days: int) -> datetime | None:
    """Found by looking at every minute, by another road than the calendar's own: the clock on the wall alone."""
    minute = after.replace(second=0, microsecond=0)
    for _ in range(days * 24 * 60):
        shown = minute.astimezone(ZoneInfo(kept.zone))
        is_open_day = not kept.working_days_only or (shown.weekday() < 5 and shown.date() not in kept.holidays)
        if is_open_day and kept.window.opens <= shown.time() <= kept.window.closes:
            return max(minute, after)
        minute += MINUTE
    return None


@settings(max_examples=60)
@given(instants, windows, zones)
def test_the_next_open_instant_is_open_and_no_minute_before_it_is(instant: datetime, window: SendWindow, zone: str) -> None:
    kept = SendingCalendar(zone, window, working_days_only=False)
    opens = kept.next_open(instant)
    assert opens == first_open_minute(kept, instant, 4)
    assert kept.is_open(opens)


@pytest.mark.parametrize(
    ("zone", "opens", "closes", "after", "expected"),
    [
        # New York skips 02:00 to 03:00 on 8 March. The window is skipped; all but five minutes of it; its beginning.
        ("America/New_York", "02:15", "02:45", "2026-03-08 05:00", "2026-03-09 06:15"),
        ("America/New_York", "02:15", "03:05", "2026-03-08 05:00", "2026-03-08 07:00"),
        ("America/New_York", "02:30", "09:00", "2026-03-08 05:00", "2026-03-08 07:00"),
        # It shows 01:00 to 02:00 twice on 1 November: the window opens twice, or opens again as the clocks go back.
        ("America/New_York", "01:15", "01:45", "2026-11-01 05:50", "2026-11-01 06:15"),
        ("America/New_York", "00:30", "01:30", "2026-11-01 05:45", "2026-11-01 06:00"),
        # Cairo skips 00:00 to 01:00 on 24 April, and shows 23:00 to 24:00 twice on 29 October.
        ("Africa/Cairo", "00:15", "00:45", "2026-04-23 12:00", "2026-04-24 21:15"),
        ("Africa/Cairo", "00:30", "05:00", "2026-04-23 12:00", "2026-04-23 22:00"),
        ("Africa/Cairo", "22:00", "23:10", "2026-10-29 20:30", "2026-10-29 21:00"),
        # Lord Howe skips half an hour on 4 October.
        ("Australia/Lord_Howe", "02:05", "02:25", "2026-10-03 12:00", "2026-10-04 15:05"),
        ("Australia/Lord_Howe", "02:05", "02:40", "2026-10-03 12:00", "2026-10-03 15:30"),
    ],
)
def test_a_window_that_the_clocks_skip_or_show_twice_opens_when_clocks_on_the_wall_say_so(
    zone: str, opens: str, closes: str, after: str, expected: str
) -> None:
    kept = calendar(zone, opens, closes)
    instant = datetime.fromisoformat(f"{after}Z")
    assert kept.next_open(instant) == datetime.fromisoformat(f"{expected}Z") == first_open_minute(kept, instant, 4)


def test_the_evening_of_a_holiday_is_not_taken_for_the_hour_that_the_clocks_skip_after_it() -> None:
    """Cairo skips 00:30 on 24 April; half past midnight by its new time is still the evening of the 23rd, a holiday."""
    window = SendWindow(time(0, 30), time(23, 45))
    kept = SendingCalendar("Africa/Cairo", window, working_days_only=True, holidays={date(2026, 4, 23): "A Day"})
    assert kept.next_open(local(date(2026, 4, 23), 12, zone="Africa/Cairo")) == local(date(2026, 4, 24), 1, zone="Africa/Cairo")


@settings(max_examples=40)
@given(cases(), st.integers(0, 24 * 60))
def test_on_working_days_only_the_next_open_instant_skips_weekends_and_holidays(case: Case, minutes: int) -> None:
    instant = local(case.due_on, 0, zone=case.calendar.zone) + minutes * MINUTE
    opens = case.calendar.next_open(instant)
    found = first_open_minute(case.calendar, instant, 5)
    assert opens == found if found else opens > instant + 4 * DAY
    assert case.calendar.is_open(opens)
    assert case.calendar.next_open(opens) == opens


@given(cases())
def test_an_open_day_has_a_moment_at_which_people_may_be_written_to_and_a_closed_day_has_a_reason(case: Case) -> None:
    for offset in range(5):
        day = case.due_on + offset * DAY
        instant = case.calendar.at(day, case.policy.send_at)
        if case.calendar.why_closed(day) is None:
            assert case.calendar.is_open(instant)
            assert local_day(instant, case.calendar.zone) == day
        else:
            assert case.calendar.why_closed(day)
            assert not any(case.calendar.is_open(local(day, hour, 30, case.calendar.zone)) for hour in range(4, 24))


@given(cases())
def test_open_days_are_looked_for_from_a_day_forwards_and_up_to_a_day_backwards(case: Case) -> None:
    day, kept = case.due_on, case.calendar
    later, earlier = kept.open_day_from(day), kept.open_day_until(day)
    assert earlier <= day <= later
    assert kept.why_closed(earlier) is kept.why_closed(later) is None
    passed = [earlier + n * DAY for n in range(1, (later - earlier).days)]
    assert all(kept.why_closed(between) for between in passed if between != day or earlier < day < later)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 8, 7), None),
        (date(2026, 8, 8), "Saturday"),
        (date(2026, 8, 9), "Sunday"),
        (date(2026, 8, 10), "public holiday: Heroes' Day"),
        (date(2026, 8, 11), None),
    ],
)
def test_why_a_day_is_closed_in_words(day: date, why: str | None) -> None:
    assert OFFICE.why_closed(day) == why


def test_a_holiday_on_a_weekend_is_called_by_its_name() -> None:
    kept = SendingCalendar("Africa/Harare", OFFICE_HOURS, working_days_only=True, holidays={date(2026, 8, 8): "A Day"})
    assert kept.why_closed(date(2026, 8, 8)) == "public holiday: A Day"


def test_who_writes_on_any_day_writes_on_holidays_too() -> None:
    kept = SendingCalendar("Africa/Harare", OFFICE_HOURS, working_days_only=False, holidays=OFFICE.holidays)
    assert kept.why_closed(date(2026, 8, 8)) is kept.why_closed(date(2026, 8, 10)) is None


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (local(date(2026, 8, 7), 6, 59), local(date(2026, 8, 7), 8)),
        (local(date(2026, 8, 7), 8), local(date(2026, 8, 7), 8)),
        (local(date(2026, 8, 7), 12, 34), local(date(2026, 8, 7), 12, 34)),
        (local(date(2026, 8, 7), 17), local(date(2026, 8, 7), 17)),
        (local(date(2026, 8, 7), 17, 1), local(date(2026, 8, 11), 8)),
        (local(date(2026, 8, 8), 12), local(date(2026, 8, 11), 8)),
        (local(date(2026, 8, 10), 12), local(date(2026, 8, 11), 8)),
    ],
)
def test_what_is_late_on_friday_evening_waits_over_the_weekend_and_heroes_day(at: datetime, opens: datetime) -> None:
    assert OFFICE.next_open(at) == opens


def test_a_window_that_the_clocks_skip_makes_the_day_a_closed_one() -> None:
    kept = calendar("America/New_York", "02:15", "02:45")
    assert kept.why_closed(date(2026, 3, 8)) == "the clocks skip the send window"
    assert kept.why_closed(date(2026, 3, 7)) is kept.why_closed(date(2026, 3, 9)) is None
    assert kept.next_open(datetime(2026, 3, 8, 6, tzinfo=UTC)) == datetime(2026, 3, 9, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "closes", "at"),
    [
        # 02:30 is skipped: an hour later, by the same offset.
        (time(2, 30), "09:00", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        # 03:30 would be outside the window: the moment it opened, at 03:00.
        (time(2, 30), "03:05", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        (time(3, 5), "03:05", datetime(2026, 3, 8, 7, 5, tzinfo=UTC)),
    ],
)
def test_an_hour_that_the_clocks_skip_is_taken_later_or_when_the_window_opened(hour: time, closes: str, at: datetime) -> None:
    assert calendar("America/New_York", "02:15", closes).at(date(2026, 3, 8), hour) == at


def test_an_hour_that_the_clocks_show_twice_is_taken_at_its_first_showing() -> None:
    kept = calendar("America/New_York", "01:15", "01:45")
    assert kept.at(date(2026, 11, 1), time(1, 30)) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_at_any_hour_of_any_day_people_may_always_be_written_to() -> None:
    instant = datetime(2026, 12, 25, 22, 59, 59, 999999, tzinfo=UTC)
    assert every_day().next_open(instant) == instant


def test_the_calendar_of_a_policy_keeps_its_hours_and_days() -> None:
    holidays = public_holidays("ZA", 2026, 2026)
    kept = SendingCalendar.of(default_policy(), "Africa/Johannesburg", holidays)
    assert kept == SendingCalendar("Africa/Johannesburg", OFFICE_HOURS, working_days_only=True, holidays=holidays)
    assert kept.why_closed(date(2026, 4, 27)) == "public holiday: Freedom Day"
