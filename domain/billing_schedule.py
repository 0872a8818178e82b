"""When a business's months are billed by themselves: a day of the month and a time of day, in the business's zone.

A cron-like calendar knows no "last day of the month", and where clocks change, one in local time skips a month or bills it
twice. So what is due is found here, and `utc_calendar` spells it out in UTC, where no clock ever changes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import count

from domain.calendar import Period, local_day, local_instant
from domain.errors import InvalidInputError
from domain.quoting import quoted

# No two months of a schedule are closer: whoever was away for that long has one of them to make up for, not two.
LONGEST_CATCH_UP_HOURS = 28 * 24
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Due:
    """A time at which a schedule bills: the instant (UTC), the local day, and the month that is billed."""

    at: datetime
    day: date
    period: Period


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A time of day (UTC) on one day of some months of some years."""

    day: int
    at: time
    months: tuple[int, ...]
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BillingTimes:
    """The times at which a schedule bills.

    Attributes:
        day_of_month: 1 to 31; in a month that has no such day, its last day.
        at: the local time of day. On a day on which the clocks skip it, as much later; of two showings the first.
        month_offset: which month is billed: -1 the one before the day's, 0 the day's own, 1 the one after it.
    """

    day_of_month: int
    at: time
    month_offset: int

    def due_in(self, month: Period, zone: str) -> Due:
        """When the schedule bills in `month`; it bills once in every month."""
        day = month.first_day.replace(day=min(self.day_of_month, month.days))
        return Due(local_instant(day, self.at, zone), day, _shifted(month, self.month_offset))

    def upcoming(self, after: datetime, zone: str) -> Iterator[Due]:
        """The times after an instant, without end."""
        first = _shifted(_month_of(after, zone), -1)
        for months in count():
            due = self.due_in(_shifted(first, months), zone)
            if due.at > after:
                yield due

    def latest(self, until: datetime, zone: str) -> Due:
        """The last time that is not after an instant."""
        month = _month_of(until, zone)
        due = self.due_in(month, zone)
        return due if due.at <= until else self.due_in(_shifted(month, -1), zone)

    def period_at(self, instant: datetime, zone: str) -> Period:
        """The month that is billed by what was started for an instant, by the schedule or, at another time, by hand."""
        due = self.latest(instant, zone)
        return due.period if due.at == instant else _shifted(_month_of(instant, zone), self.month_offset)

    def utc_calendar(self, zone: str, first_year: int, last_year: int) -> list[CalendarEntry]:
        """All times in some years (of UTC, both included), as few entries as it takes."""
        around = (Period(first_year - 1, _DECEMBER), Period(last_year + 1, 1))
        years_of: dict[tuple[int, time, int], list[int]] = {}
        for instant in (self.due_in(month, zone).at for month in _months(*around)):
            if first_year <= instant.year <= last_year:
                years_of.setdefault((instant.day, instant.time(), instant.month), []).append(instant.year)
        months_of: dict[tuple[int, time, tuple[int, ...]], list[int]] = {}
        for (day, at, month), years in years_of.items():
            months_of.setdefault((day, at, tuple(years)), []).append(month)
        return [CalendarEntry(day, at, tuple(sorted(months)), years) for (day, at, years), months in months_of.items()]


def parse_time(text: str) -> time:
    """Raises: InvalidInputError: not a time of day such as `04:00`."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        raise InvalidInputError("at", f"{quoted(text)} is not a time of day such as 04:00, from 00:00 to 23:59.")
    return time(int(match[1]), int(match[2]))


def format_time(at: time) -> str:
    """As `parse_time` reads it."""
    return f"{at.hour:02d}:{at.minute:02d}"


def _month_of(instant: datetime, zone: str) -> Period:
    """The month that people in `zone` have at an instant."""
    day = local_day(instant, zone)
    return Period(day.year, day.month)


def _months(first: Period, last: Period) -> Iterable[Period]:
    return (_shifted(first, months) for months in range(last.months_since(first.first_day) + 1))


def _shifted(month: Period, months: int) -> Period:
    years, index = divmod(month.month - 1 + months, 12)
    return Period(month.year + years, index + 1)
