"""What the properties of dunning are tried on: any policy that can be meant, calendars of many zones, and lives of invoices."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from domain.dunning import PlannedStep, TakenStep, next_step
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy, SendWindow, default_policy
from domain.sending_calendar import SendingCalendar

REMIND, NOTICE, WARN, SUSPEND, WRITE_OFF = Action
DAY = timedelta(days=1)
EVERY_DAY = replace(default_policy(), working_days_only=False)

# Without clock changes: Zimbabwe and South Africa. By an hour at night; by an hour at midnight; by half an hour.
ZONES = [
    "Africa/Harare",
    "Africa/Johannesburg",
    "Europe/London",
    "America/New_York",
    "Africa/Cairo",
    "Australia/Lord_Howe",
]
zones = st.sampled_from(ZONES)

# Clock changes of those zones, month ends, a leap day, the turn of a year, Easter.
_NOTEWORTHY = [
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 24), date(2026, 10, 29),
    date(2026, 4, 5), date(2026, 10, 4), date(2026, 1, 31), date(2028, 2, 29), date(2027, 2, 28), date(2026, 12, 31),
]  # fmt: skip
noteworthy_days = st.sampled_from(_NOTEWORTHY)
due_days = st.builds(lambda day, by: day - by * DAY, noteworthy_days, st.integers(0, 21)) | st.dates(
    date(2024, 1, 1), date(2030, 12, 31)
)
_NIGHT = (60, 240)  # when clocks change
_minutes = st.integers(0, 24 * 60 - 1) | st.integers(*_NIGHT)


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)


windows = st.sets(_minutes, min_size=2, max_size=2).map(lambda ends: SendWindow(_time(min(ends)), _time(max(ends))))


@st.composite
def ladders(draw: st.DrawFn) -> tuple[DunningStep, ...]:
    """Reminders before the due day, letters from it on, a suspension or none, a write-off or none."""
    steps = [DunningStep.usual(day, REMIND) for day in sorted(draw(st.sets(st.integers(-30, -1), max_size=3)))]
    if draw(st.booleans()):
        steps.append(DunningStep.usual(0, draw(st.sampled_from([REMIND, NOTICE]))))
    letters = draw(st.dictionaries(st.integers(1, 40), st.sampled_from([REMIND, NOTICE, WARN]), max_size=5))
    steps += [DunningStep.usual(*step) for step in sorted(letters.items())]
    for action in (SUSPEND, WRITE_OFF):
        if draw(st.booleans()):
            last = max([0, *(step.offset_days for step in steps)])
            step = DunningStep.usual(last + draw(st.integers(1, 10)), action)
            steps.append(replace(step, letter=None) if draw(st.booleans()) else step)
    return tuple(steps)


@st.composite
def policies(draw: st.DrawFn) -> DunningPolicy:
    """Any policy that can be meant."""
    window = draw(windows)
    opens, closes = (at.hour * 60 + at.minute for at in (window.opens, window.closes))
    return DunningPolicy(
        draw(ladders()),
        send_at=_time(draw(st.integers(opens, closes))),
        window=window,
        working_days_only=draw(st.booleans()),
        one_letter_a_day=draw(st.booleans()),
        longest_pause_days=draw(st.integers(1, 365)),
        lift_below=draw(st.dictionaries(st.sampled_from(["USD", "ZAR", "JPY"]), st.integers(0, 10**6))),
        bills_while_suspended=draw(st.booleans()),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A policy, the due day of an invoice, and the days and hours that are kept around it."""

    policy: DunningPolicy
    due_on: date
    calendar: SendingCalendar


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """With any days from two months before the due day on as public holidays, some of them in a row."""
    policy, due_on = draw(policies()), draw(due_days)
    days = draw(st.sets(st.integers(-60, 120), max_size=20))
    run = draw(st.integers(-60, 120))
    days |= set(range(run, run + draw(st.integers(0, 10))))
    holidays = {due_on + day * DAY: f"Day {day}" for day in days}
    return Case(policy, due_on, SendingCalendar.of(policy, draw(zones), holidays))


def every_day(zone: str = "Africa/Harare") -> SendingCalendar:
    """At any hour of any day."""
    return SendingCalendar(zone, SendWindow(), working_days_only=False)


def local(day: date, hour: int, minute: int = 0, zone: str = "Africa/Harare") -> datetime:
    """An instant (UTC) by a clock on a wall."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def climb(
    plan: tuple[PlannedStep, ...], calendar: SendingCalendar, start: datetime, downtime: Callable[[], timedelta]
) -> list[tuple[PlannedStep, datetime]]:
    """The steps as a lifecycle takes them, with the instants: it waits, is down for a while, and asks again when it is back.

    What is late waits until the calendar opens, and is asked for again then.
    """
    now, taken = start, list[tuple[PlannedStep, datetime]]()

    def ask() -> PlannedStep | None:
        return next_step(plan, tuple(TakenStep(step.key, at) for step, at in taken), now)

    while (step := ask()) is not None:
        if step.at > now:
            now = step.at + downtime()
        elif not calendar.is_open(now):
            now = calendar.next_open(now)
        else:
            taken.append((step, now))
    return taken
