"""Days, periods and instants: a due date is a local day in the tenant's zone, an event is an instant in UTC."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.errors import InvalidInputError

_PERIOD_TEXT = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One calendar month that is billed, written `2026-11`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Raises: InvalidInputError: not a month such as `2026-11`."""
        match = _PERIOD_TEXT.fullmatch(text)
        if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 2000:  # noqa: PLR2004 - months of this century
            raise InvalidInputError("period", f"{text!r} is not a month such as 2026-11.")
        return cls(int(match[1]), int(match[2]))

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    @property
    def days(self) -> int:
        return self.last_day.day

    def months_since(self, day: date) -> int:
        """Whole calendar months from the month of `day` to this one; negative when this one is earlier."""
        return (self.year - day.year) * 12 + self.month - day.month

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day that people in `zone` (IANA name) have at `instant`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def local_instant(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) at which clocks in `zone` show `at` on `day`.

    A time that the clocks skip is taken at the moment after the gap; one that they show twice at its first showing.
    """
    # fold=0: in a gap the offset before the change applies, so the instant lies after the gap; of two showings it is the first.
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def due_day(issued_on: date, terms_days: int) -> date:
    """The last day on which an invoice issued on `issued_on` is paid in time."""
    return issued_on + timedelta(days=terms_days)
