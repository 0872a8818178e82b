"""Dunning: the policy that chases an invoice, as data; its dated plan; and which step comes next.

Offsets are ISO 8601 durations in days or weeks relative to the due day (`-P3D`, `P0D`, `P2W`); a step is taken at the policy's
local hour on that day in the tenant's zone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from domain.calendar import local_instant
from domain.errors import InvalidInputError
from domain.invoice import InvoiceState
from domain.letters import Letter

_OFFSET = re.compile(r"(?P<sign>[+-]?)P(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?")


class Action(StrEnum):
    """What a step does."""

    REMIND = "remind"
    OVERDUE_NOTICE = "overdue_notice"
    FINAL_WARNING = "final_warning"
    SUSPEND = "suspend"

    @property
    def letter(self) -> Letter:
        return _LETTERS[self]


_LETTERS = {
    Action.REMIND: Letter.PAYMENT_REMINDER,
    Action.OVERDUE_NOTICE: Letter.OVERDUE_NOTICE,
    Action.FINAL_WARNING: Letter.FINAL_WARNING,
    Action.SUSPEND: Letter.SUSPENSION_NOTICE,
}


@dataclass(frozen=True, slots=True)
class DunningStep:
    """One rung: `offset_days` after the due day (before it when negative), do `action`."""

    offset_days: int
    action: Action


@dataclass(frozen=True, slots=True)
class DunningPolicy:
    """A ladder of steps in the order of their days, taken at `send_at` local time."""

    steps: tuple[DunningStep, ...]
    send_at: time = time(9, 0)

    def __post_init__(self) -> None:
        _refuse_bad_ladder(self.steps)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "DunningPolicy":
        """Read `{"send_at": "09:00", "steps": [{"offset": "-P3D", "action": "remind"}, …]}`.

        Raises:
            InvalidInputError: names the step that is wrong and why.
        """
        steps = tuple(_read_step(index, step) for index, step in enumerate(data.get("steps", ())))
        try:
            send_at = time.fromisoformat(data.get("send_at", "09:00"))
        except (TypeError, ValueError):
            raise InvalidInputError("send_at", f"{data['send_at']!r} is not a time of day such as 09:00.") from None
        return cls(steps, send_at.replace(second=0, microsecond=0))

    def to_data(self) -> dict[str, Any]:
        """The same as `from_data` reads; kept with each invoice as its snapshot."""
        return {
            "send_at": self.send_at.isoformat("minutes"),
            "steps": [{"offset": format_offset(step.offset_days), "action": step.action.value} for step in self.steps],
        }


def default_policy() -> DunningPolicy:
    """Remind 3 days before; overdue notice on the due day and 7 days after; final warning at 14 days; suspend at 21."""
    return DunningPolicy(
        (
            DunningStep(-3, Action.REMIND),
            DunningStep(0, Action.OVERDUE_NOTICE),
            DunningStep(7, Action.OVERDUE_NOTICE),
            DunningStep(14, Action.FINAL_WARNING),
            DunningStep(21, Action.SUSPEND),
        )
    )


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with its date: `key` is unique in the invoice's plan and names the step for ever (`3-final_warning`)."""

    key: str
    action: Action
    at: datetime


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step that was carried out, and when."""

    key: str
    at: datetime


def plan_steps(policy: DunningPolicy, due_on: date, zone: str, issued_at: datetime) -> tuple[PlannedStep, ...]:
    """The policy's steps as instants (UTC); those that would come before the invoice itself are left out."""
    dated = (
        PlannedStep(
            f"{index}-{step.action.value}",
            step.action,
            local_instant(due_on + timedelta(days=step.offset_days), policy.send_at, zone),
        )
        for index, step in enumerate(policy.steps)
    )
    return tuple(step for step in dated if step.at > issued_at)


def next_step(plan: tuple[PlannedStep, ...], taken: tuple[TakenStep, ...], now: datetime) -> PlannedStep | None:
    """The step to wait for, with the instant at which it may be taken; None when the ladder is at its end.

    Steps that were missed (the system was down) are not caught up letter by letter: the latest one that is due stands for
    those before it. A suspension is never reached without a final warning when the policy has one, and comes no sooner
    after the warning than the policy's own gap.
    """
    times = {step.key: step.at for step in taken}
    last_taken = max((index for index, step in enumerate(plan) if step.key in times), default=-1)
    ahead = plan[last_taken + 1 :]
    if not ahead:
        return None
    due = [step for step in ahead if step.at <= now]
    step = ahead[0] if not due else _latest_without_skipping_a_warning(due)
    return _keep_distance_from_warning(plan, times, step)


def is_pointless(state: InvoiceState) -> bool:
    """Whether chasing makes no sense any more, even when the step was due already (requirements L8)."""
    return state.is_closed


def format_offset(days: int) -> str:
    """Days as an ISO 8601 duration: `-P3D`."""
    return f"{'-' if days < 0 else ''}P{abs(days)}D"


def parse_offset(text: str) -> int:
    """An ISO 8601 duration in weeks and days to days.

    Raises:
        InvalidInputError: anything else, such as hours or months, which a due day cannot be moved by.
    """
    match = _OFFSET.fullmatch(text)
    if match is None or (match["weeks"] is None and match["days"] is None):
        raise InvalidInputError("offset", f"{text!r} is not a number of days or weeks such as -P3D, P0D or P2W.")
    days = 7 * int(match["weeks"] or 0) + int(match["days"] or 0)
    return -days if match["sign"] == "-" else days


def _latest_without_skipping_a_warning(due: list[PlannedStep]) -> PlannedStep:
    warnings = [step for step in due if step.action is Action.FINAL_WARNING]
    return warnings[-1] if warnings else due[-1]


def _keep_distance_from_warning(plan: tuple[PlannedStep, ...], times: dict[str, datetime], step: PlannedStep) -> PlannedStep:
    if step.action is not Action.SUSPEND:
        return step
    given = [warning for warning in plan if warning.action is Action.FINAL_WARNING and warning.key in times]
    # From the last one that was given, when the ladder has several: it is the one that says how long there is left.
    earliest = [times[warning.key] + (step.at - warning.at) for warning in given[-1:]]
    return PlannedStep(step.key, step.action, max([step.at, *earliest]))


def _read_step(index: int, data: Any) -> DunningStep:
    field = f"steps[{index}]"
    if not isinstance(data, Mapping):
        raise InvalidInputError(field, f"{data!r} is not a step such as {{'offset': 'P7D', 'action': 'overdue_notice'}}.")
    try:
        action = Action(data["action"])
    except (KeyError, ValueError):
        known = ", ".join(action.value for action in Action)
        raise InvalidInputError(f"{field}.action", f"{data.get('action')!r} is not one of {known}.") from None
    try:
        return DunningStep(parse_offset(str(data.get("offset"))), action)
    except InvalidInputError as error:
        raise InvalidInputError(f"{field}.offset", error.message) from None


def _refuse_bad_ladder(steps: tuple[DunningStep, ...]) -> None:
    offsets = [step.offset_days for step in steps]
    if offsets != sorted(set(offsets)):
        raise InvalidInputError("steps", "each step must come on a later day than the one before it.")
    suspended = False
    for step in steps:
        if suspended:
            raise InvalidInputError("steps", "nothing can follow the suspension: it must be the last step.")
        suspended = step.action is Action.SUSPEND
        if suspended and step.offset_days <= 0:
            raise InvalidInputError("steps", "a suspension must come after the due day.")
        if step.action is Action.OVERDUE_NOTICE and step.offset_days < 0:
            raise InvalidInputError("steps", "an overdue notice cannot come before the due day.")
        # One on the due day could fall before the invoice itself, and would be left out: suspension without a warning.
        if step.action is Action.FINAL_WARNING and step.offset_days <= 0:
            raise InvalidInputError("steps", "a final warning must come after the due day.")
