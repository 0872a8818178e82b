"""Amounts and times as the tests of sentences write them: `USD 25.00`, `2026-11-30`; days are those of UTC."""

from datetime import date, datetime

from domain.money import Money


class PlainWords:
    def money(self, amount: Money) -> str:
        return str(amount)

    def local_day(self, instant: datetime) -> date:
        return instant.date()

    def day(self, day: date) -> str:
        return f"day {day.isoformat()}"

    def weekday(self, day: date) -> str:
        return f"{day:%A} {day.isoformat()}"

    def moment(self, instant: datetime) -> str:
        return f"{instant:%Y-%m-%d %H:%M}"
