"""Dunning: the dated plan of an invoice's ladder, and which step comes next.

The policy itself is in `dunning_policy.py`; the hours and days that it keeps are in `sending_calendar.py`.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.calendar import local_day
from domain.dunning_ladder import Action
from domain.dunning_policy import DunningPolicy
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.sending_calendar import SendingCalendar

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with its date.

    Attributes:
        key: unique among all plans of the invoice, and names the step for ever (`3-final_warning`; `r2.3-final_warning` in
            the second plan, after the due day was extended or another policy applied).
        at: instant (UTC).
        letter: what is written; None: nothing.
        nominal_on: the local day that the policy's offset names.
        moved: why it is not on that day: `public holiday: Heroes' Day`; empty when it is.
    """

    key: str
    action: Action
    at: datetime
    letter: Letter | None = None
    nominal_on: date | None = None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step that was carried out, and when."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an invoice has been chased when it gets another plan under the same due day.

    Attributes:
        highest: the most severe action that was taken and still stands; None when none was.
        warned_at: when the last final warning was given.
        suspended_at: when the suspension that still stands was decided.
        spoken_until: the local day up to which the ladder has spoken: the later of the day on which the last step was taken
            and the day that the policy named for it (a reminder may have moved forward). None: only what is over counts.
    """

    now: datetime
    highest: Action | None = None
    warned_at: datetime | None = None
    suspended_at: datetime | None = None
    spoken_until: date | None = None


def letter_on(letter: Letter | None, due_on: date, day: date) -> Letter | None:
    """What is really written on a local day: a reminder that the invoice falls due is an overdue notice once it has."""
    return Letter.OVERDUE_NOTICE if letter is Letter.PAYMENT_REMINDER and day > due_on else letter


def date_steps(
    policy: DunningPolicy,
    due_on: date,
    calendar: SendingCalendar,
    *,
    round_: int = 1,
    warned_on: date | None = None,
    suspended_on: date | None = None,
) -> tuple[PlannedStep, ...]:
    """All of the policy's steps with their instants, one a day and in order.

    On working days only, a step before the due day moves to an earlier day, any other to a later one. A suspension stays as
    far behind the final warning as the policy says, and so does a write-off behind the suspension (or behind the warning,
    when the policy suspends nobody).

    Args:
        warned_on: the local day of a final warning that was given under an earlier plan.
        suspended_on: the local day of a suspension that was decided under an earlier plan.
    """
    given = {Action.FINAL_WARNING: warned_on, Action.SUSPEND: suspended_on}
    days = _days_before_due(policy, due_on, calendar)
    for index, step in enumerate(policy.steps):
        if step.offset_days >= 0:
            days.append(_day_from_due(policy, index, due_on + timedelta(days=step.offset_days), calendar, days, given))
    prefix = f"r{round_}." if round_ > 1 else ""
    return tuple(
        PlannedStep(
            key=f"{prefix}{index}-{step.action.value}",
            action=step.action,
            at=calendar.at(day, policy.send_at),
            letter=letter_on(step.letter, due_on, day),
            nominal_on=due_on + timedelta(days=step.offset_days),
            moved=moved,
        )
        for index, (step, (day, moved)) in enumerate(zip(policy.steps, days, strict=True))
    )


def plan_steps(
    policy: DunningPolicy, due_on: date, calendar: SendingCalendar, since: datetime, *, round_: int = 1
) -> tuple[PlannedStep, ...]:
    """The plan of an invoice that is new, or newly due; steps that would come before `since` are left out.

    Args:
        since: when the invoice was issued, or its due day extended.
        round_: counts the invoice's plans, from 1.
    """
    return tuple(step for step in date_steps(policy, due_on, calendar, round_=round_) if step.at > since)


def plan_again(
    policy: DunningPolicy, due_on: date, calendar: SendingCalendar, since: datetime, progress: Progress, *, round_: int
) -> tuple[PlannedStep, ...]:
    """The plan of an invoice to which another policy is applied while it is being chased.

    Nothing is said twice: a step whose day is over, or was spoken on, and which is no more severe than what was done already
    is left out, and once the customer is suspended nothing milder follows. What is more severe and overdue stays: `next_step`
    decides.
    """
    warned_on = local_day(progress.warned_at, calendar.zone) if progress.warned_at else None
    suspended_on = local_day(progress.suspended_at, calendar.zone) if progress.suspended_at else None
    dated = date_steps(policy, due_on, calendar, round_=round_, warned_on=warned_on, suspended_on=suspended_on)
    return tuple(step for step in dated if step.at > since and _adds_something(step, progress, calendar.zone))


def next_step(plan: tuple[PlannedStep, ...], taken: tuple[TakenStep, ...], now: datetime) -> PlannedStep | None:
    """The step to wait for, with the instant at which it may be taken; None when the ladder is at its end.

    Steps that were missed (the system was down) are not caught up letter by letter: the latest one that is due stands for
    those before it, one that comes within hours stands for it too, and a late one also stands for milder ones right after it.
    A suspension is never reached without a final warning when the policy has one, and comes no sooner after the warning than
    the policy's own gap; the same holds for a write-off after a suspension. The hour may be a quiet one when a step is late:
    who takes the step looks at the calendar (`SendingCalendar.next_open`), and asks again when it has opened.
    """
    times = {step.key: step.at for step in taken}
    last = max((index for index, step in enumerate(plan) if step.key in times), default=-1)
    ahead = plan[last + 1 :]
    if last >= 0:
        ahead = tuple(step for step in ahead if not _is_stood_for(step, plan[last], times[plan[last].key]))
    if not ahead:
        return None
    due = [step for step in ahead if step.at <= now]
    if not due:
        return _keep_distance(plan, times, ahead[0])
    step = _latest_without_skipping_a_milestone(due)
    return _keep_distance(plan, times, _stands_for(step, ahead[len(due) :], now) or step)


def late_milestone(plan: tuple[PlannedStep, ...], taken: tuple[TakenStep, ...], key: str) -> PlannedStep | None:
    """What was taken so late that a step of the plan keeps its distance behind it, on another day than planned; else None."""
    times = {step.key: step.at for step in taken}
    return next((_late_milestone(plan, times, step) for step in plan if step.key == key), None)


def is_pointless(state: InvoiceState) -> bool:
    """Whether chasing makes no sense any more, even when the step was due already (requirements L8)."""
    return state.is_closed


# What is done before each of these, if the policy has it, and gives the customer the policy's own time to react.
_COMES_AFTER = {Action.SUSPEND: (Action.FINAL_WARNING,), Action.WRITE_OFF: (Action.FINAL_WARNING, Action.SUSPEND)}
_IN_WORDS = {Action.FINAL_WARNING: "final warning", Action.SUSPEND: "suspension"}

# Steps in time are a day apart, or 23 hours where the clocks change: two that are nearer than this came together because
# one was late, and nobody is written to twice for it.
_TOGETHER = timedelta(hours=20)

# A step that was taken so little after its time was in time: what follows it must not drift out of the window by seconds.
_IN_TIME = timedelta(hours=1)

# Why a weekend is closed, day by day, is one reason.
_WEEKEND = {"Saturday": "weekend", "Sunday": "weekend"}

# A step's local day, and why it is not the one that its offset names.
_Day = tuple[date, str]


def _days_before_due(policy: DunningPolicy, due_on: date, calendar: SendingCalendar) -> list[_Day]:
    """The days of the steps before the due day: from the last one backwards, as each may push those before it."""
    days: list[_Day] = []
    for step in reversed([step for step in policy.steps if step.offset_days < 0]):
        nominal = due_on + timedelta(days=step.offset_days)
        usual = calendar.open_day_until(nominal)
        following = days[-1][0] if days else due_on
        if usual < following:
            days.append((usual, ", ".join(_closed_days(calendar, nominal, usual))))
        else:
            day = calendar.open_day_until(following - _DAY)
            closed = _closed_days(calendar, following - _DAY, day)
            days.append((day, ", ".join([f"the step after it is on {following}", *closed])))
    return days[::-1]


def _day_from_due(
    policy: DunningPolicy,
    index: int,
    nominal: date,
    calendar: SendingCalendar,
    days: list[_Day],
    given: dict[Action, date | None],
) -> _Day:
    """The day of a step on or after the due day, when those of the steps before it are known."""
    bounds = _kept_distance(policy, index, days, given)
    if index and days[index - 1][0] >= nominal:
        bounds.append((days[index - 1][0] + _DAY, f"the step before it is on {days[index - 1][0]}"))
    bound, why = max(bounds, key=lambda each: each[0], default=(nominal, ""))
    usual = calendar.open_day_from(nominal)
    if bound <= usual:
        return usual, ", ".join(_closed_days(calendar, nominal, usual))
    day = calendar.open_day_from(bound)
    return day, ", ".join([why, *_closed_days(calendar, bound, day)])


def _kept_distance(
    policy: DunningPolicy, index: int, days: list[_Day], given: dict[Action, date | None]
) -> list[tuple[date, str]]:
    """The earliest days on which a step may follow what it must stay behind, each with the reason in words."""
    step = policy.steps[index]
    earlier = [i for i in range(index) if policy.steps[i].action in _COMES_AFTER.get(step.action, ())]
    if not earlier:
        return []
    before = policy.steps[earlier[-1]]
    gap = step.offset_days - before.offset_days
    words = f"stays {gap} {'day' if gap == 1 else 'days'} behind the {_IN_WORDS[before.action]} of"
    return [(day + gap * _DAY, f"{words} {day}") for day in (days[earlier[-1]][0], given[before.action]) if day]


def _closed_days(calendar: SendingCalendar, first: date, until: date) -> list[str]:
    """Why nobody is written to on the days from `first` up to `until`, which is open: each reason once."""
    towards = _DAY if until > first else -_DAY
    passed = [first + count * towards for count in range(abs((until - first).days))]
    return list(dict.fromkeys(_WEEKEND.get(why, why) for day in passed if (why := calendar.why_closed(day))))


def _adds_something(step: PlannedStep, progress: Progress, zone: str) -> bool:
    """Whether a step of a new plan says more than was said already, or says it on a later day."""
    highest = progress.highest
    if highest is None or step.action.severity > highest.severity:
        return True
    if highest.severity >= Action.SUSPEND.severity or step.at <= progress.now:
        return False
    spoken_until, day = progress.spoken_until, local_day(step.at, zone)
    return spoken_until is None or min(day, step.nominal_on or day) > spoken_until


def _latest_without_skipping_a_milestone(due: list[PlannedStep]) -> PlannedStep:
    """Of the steps that are overdue, the latest; but never a suspension unwarned, nor a write-off without a suspension."""
    for milestone in (Action.FINAL_WARNING, Action.SUSPEND):
        passed = [step for step in due if step.action is milestone]
        if passed:
            return passed[-1]
    return due[-1]


def _stands_for(step: PlannedStep, later: tuple[PlannedStep, ...], now: datetime) -> PlannedStep | None:
    """The letter that comes within hours of a late one and says as much or more; None when there is none."""
    following = later[0] if later else step
    is_letter = step.action.severity <= following.action.severity < Action.SUSPEND.severity
    is_soon = following.at - now < _TOGETHER
    return following if later and is_letter and is_soon and _knows_days(following) else None


def _is_stood_for(step: PlannedStep, taken: PlannedStep, taken_at: datetime) -> bool:
    """Whether a step says less than the one before it, such as a final warning, that was late and came together with it."""
    return step.action.severity < taken.action.severity and step.at < taken_at + _TOGETHER and _knows_days(step)


def _knows_days(step: PlannedStep) -> bool:
    """False in plans of the first release: lifecycles that run by them are replayed, and must decide as they did then."""
    return step.nominal_on is not None


def _keep_distance(plan: tuple[PlannedStep, ...], times: dict[str, datetime], step: PlannedStep) -> PlannedStep:
    """The step, no sooner than the milestone before it allows."""
    before = _late_milestone(plan, times, step)
    return step if before is None else replace(step, at=step.at + (times[before.key] - before.at))


def _late_milestone(plan: tuple[PlannedStep, ...], times: dict[str, datetime], step: PlannedStep) -> PlannedStep | None:
    """What was taken so late that the step must keep its distance behind it; None: nothing was."""
    given = [earlier for earlier in plan if earlier.action in _COMES_AFTER.get(step.action, ()) and earlier.key in times]
    # The last one that was given, when the ladder has several: it is the one that says how long there is left.
    return next((earlier for earlier in given[-1:] if times[earlier.key] - earlier.at >= _IN_TIME), None)
