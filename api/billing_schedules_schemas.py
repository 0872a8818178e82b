"""What the API of billing schedules takes and gives, as JSON."""

from datetime import date, datetime
from itertools import islice
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.reasons import Reason, on_one_line
from domain.billing_schedule import LONGEST_CATCH_UP_HOURS, BillingTimes, Due, format_time, parse_time
from persistence.billing_runs import BillingRunState
from persistence.billing_schedules import ScheduleTerms, StoredSchedule

UPCOMING_SHOWN = 5
USUAL_CATCH_UP_HOURS = 72


class BillingScheduleRequest(BaseModel):
    """When a month is billed by itself.

    - `day_of_month`: 1 to 31; in a month that has no such day, its last day: 31 is the last day of every month.
    - `at`: a time of day in the business's zone.
    - `month_offset`: which month is billed: -1 the one before, 0 the one that the day is in, 1 the next one.
    - `catch_up_hours`: how late it may still bill when nothing ran at its time.

    A month is billed by one run: of two schedules that bill the same month, the earlier one does it.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60), BeforeValidator(on_one_line)] = Field(examples=["Monthly"])
    day_of_month: int = Field(strict=True, ge=1, le=31, examples=[1])
    at: str = Field(examples=["04:00"])
    month_offset: int = Field(default=0, strict=True, ge=-1, le=1)
    catch_up_hours: int = Field(default=USUAL_CATCH_UP_HOURS, strict=True, ge=1, le=LONGEST_CATCH_UP_HOURS)

    def terms(self) -> ScheduleTerms:
        """Raises: InvalidInputError: `at` is not a time of day."""
        times = BillingTimes(self.day_of_month, parse_time(self.at), self.month_offset)
        return ScheduleTerms(self.name, times, self.catch_up_hours)


class PauseRequest(BaseModel):
    """Why a schedule is paused."""

    model_config = ConfigDict(extra="forbid")

    note: Reason = Field(examples=["Prices for 2027 are not agreed yet."])


class DueShown(BaseModel):
    """A time at which a schedule bills, the local day that it is, and the month that it bills then."""

    at: datetime
    day: date
    period: str

    @classmethod
    def of(cls, due: Due) -> Self:
        return cls(at=due.at, day=due.day, period=str(due.period))


class ScheduledRunShown(BaseModel):
    """The run that bills a month, whoever started it."""

    id: str
    status: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, run: BillingRunState) -> Self:
        return cls(
            id=run.id, status=run.status, started_by=run.started_by, started_at=run.started_at, finished_at=run.finished_at
        )


class LastDueShown(DueShown):
    """The last time at which a schedule was to bill, and the run that bills that month.

    `is_missed`: there is none, and the schedule will not make up for it: start a billing run for the month.
    """

    run: ScheduledRunShown | None
    is_missed: bool


class InTemporalShown(BaseModel):
    """The schedule in Temporal; where it is not in line with what is shown here, `notice` says what becomes of that."""

    schedule_id: str
    url: str
    is_in_line: bool
    notice: str | None


class BillingScheduleShown(BaseModel):
    """A schedule with its next times; while it is paused it has none."""

    id: str
    name: str
    day_of_month: int
    at: str
    time_zone: str
    month_offset: int
    catch_up_hours: int
    is_paused: bool
    note: str
    upcoming: list[DueShown]
    last_due: LastDueShown | None
    temporal: InTemporalShown
    created_by: str
    created_at: datetime

    @classmethod
    def of(
        cls, schedule: StoredSchedule, zone: str, now: datetime, last_due: LastDueShown | None, temporal: InTemporalShown
    ) -> Self:
        terms = schedule.terms
        upcoming = [] if schedule.is_paused else islice(terms.times.upcoming(now, zone), UPCOMING_SHOWN)
        return cls(
            id=schedule.id,
            name=terms.name,
            day_of_month=terms.times.day_of_month,
            at=format_time(terms.times.at),
            time_zone=zone,
            month_offset=terms.times.month_offset,
            catch_up_hours=terms.catch_up_hours,
            is_paused=schedule.is_paused,
            note=schedule.note,
            upcoming=[DueShown.of(due) for due in upcoming],
            last_due=last_due,
            temporal=temporal,
            created_by=schedule.created_by,
            created_at=schedule.created_at,
        )
