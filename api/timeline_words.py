"""How a timeline writes amounts, days and hours: as the letters do, for the business's locale and by its clocks."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain import calendar
from domain.money import Money
from wording import write_day, write_money


@dataclass(frozen=True, slots=True)
class LocalWords:
    """Args: locale: such as `en_ZW`; zone: IANA name."""

    locale: str
    zone: str

    def money(self, amount: Money) -> str:
        return write_money(amount, self.locale)

    def local_day(self, instant: datetime) -> date:
        return calendar.local_day(instant, self.zone)

    def local_time(self, instant: datetime) -> str:
        """`09:00`."""
        return f"{instant.astimezone(ZoneInfo(self.zone)):%H:%M}"

    def day(self, day: date) -> str:
        """`November 30, 2026`."""
        return write_day(day, self.locale)

    def weekday(self, day: date) -> str:
        """`Monday, November 30, 2026`."""
        return f"{day:%A}, {self.day(day)}"

    def moment(self, instant: datetime) -> str:
        """`Monday, November 30, 2026 at 09:00`."""
        return f"{self.weekday(self.local_day(instant))} at {self.local_time(instant)}"
