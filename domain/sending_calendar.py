"""When people may be written to: the local hours, working days and public holidays that a dunning policy keeps.

Which days are public holidays is handed in (`public_holidays.py` at the root asks a library).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from domain.calendar import local_day, local_instant
from domain.dunning_policy import DunningPolicy, SendWindow

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class SendingCalendar:
    """A policy's hours and days in a tenant's zone.

    Attributes:
        zone: IANA name.
        holidays: public holidays by day, with their names; only looked at when only working days count.
    """

    zone: str
    window: SendWindow
    working_days_only: bool
    holidays: Mapping[date, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, policy: DunningPolicy, zone: str, holidays: Mapping[date, str]) -> "SendingCalendar":
        return cls(zone, policy.window, policy.working_days_only, holidays)

    def why_closed(self, day: date) -> str | None:
        """Why nobody is written to on a local day: `public holiday: Heroes' Day`, `Saturday`; None on a day that is open."""
        if self.working_days_only and day in self.holidays:
            return f"public holiday: {self.holidays[day]}"
        if self.working_days_only and day.weekday() >= _SATURDAY:
            return f"{day:%A}"
        return None if self._openings(day) else "the clocks skip the send window"

    def open_day_from(self, day: date) -> date:
        """The first open day that is not before `day`."""
        while self.why_closed(day) is not None:
            day += _DAY
        return day

    def open_day_until(self, day: date) -> date:
        """The last open day that is not after `day`."""
        while self.why_closed(day) is not None:
            day -= _DAY
        return day

    def is_open(self, instant: datetime) -> bool:
        """Whether people may be written to at an instant."""
        return self._holds(instant) and self.why_closed(local_day(instant, self.zone)) is None

    def next_open(self, instant: datetime) -> datetime:
        """The first instant from `instant` on at which people may be written to (UTC); itself when they may now."""
        if self.is_open(instant):
            return instant
        day = local_day(instant, self.zone)
        while True:
            if self.why_closed(day) is None:
                later = [opening for opening in self._openings(day) if opening >= instant]
                if later:
                    return later[0]
            day += _DAY

    def at(self, day: date, hour: time) -> datetime:
        """The instant (UTC) at which clocks show `hour` on an open day; the first of two.

        Where the clocks skip it, as much later as they skip, or when the window has closed by then, the moment it opened.
        """
        instant = local_instant(day, hour, self.zone)
        if self._holds(instant) and local_day(instant, self.zone) == day:
            return instant
        return next(iter(self._openings(day)), instant)

    def _openings(self, day: date) -> list[datetime]:
        """The instants (UTC) of a local day at which the window opens, in order; empty where the clocks skip all of it.

        One on nearly all days. Clocks that are put forward may open it late, and clocks that are put back may open it twice.
        """
        begins = local_instant(day, time.min, self.zone)
        ends = local_instant(day + _DAY, time.min, self.zone)
        opens = datetime.combine(day, self.window.opens, tzinfo=ZoneInfo(self.zone))
        candidates = {opens.astimezone(UTC), opens.replace(fold=1).astimezone(UTC), self._change(begins, ends)}
        return sorted(at for at in candidates if self._holds(at) and local_day(at, self.zone) == day)

    def _change(self, begins: datetime, ends: datetime) -> datetime:
        """The minute between two midnights at which the clocks change.

        `begins` when they do not: where the clocks skip midnight, that is when the day before ended with the change.
        """
        before = self._offset(begins)
        if before == self._offset(ends):
            return begins
        first, last = 1, int((ends - begins) / _MINUTE)
        while first < last:
            middle = (first + last) // 2
            if self._offset(begins + middle * _MINUTE) == before:
                first = middle + 1
            else:
                last = middle
        return begins + first * _MINUTE

    def _offset(self, instant: datetime) -> timedelta | None:
        return instant.astimezone(ZoneInfo(self.zone)).utcoffset()

    def _holds(self, instant: datetime) -> bool:
        return self.window.holds(instant.astimezone(ZoneInfo(self.zone)).time())
