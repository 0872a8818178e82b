"""Dunning before anybody acts by it: all of a policy's steps with their dates, and why some would be left out."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.dunning import PlannedStep, Progress, date_steps, plan_again
from domain.dunning_ladder import Action
from domain.dunning_policy import DunningPolicy
from domain.sending_calendar import SendingCalendar

_NOUNS = {
    Action.REMIND: "reminder",
    Action.OVERDUE_NOTICE: "overdue notice",
    Action.FINAL_WARNING: "final warning",
    Action.SUSPEND: "suspension",
    Action.WRITE_OFF: "write-off",
}


@dataclass(frozen=True, slots=True)
class PreviewedStep:
    """A dated step; `left_out` says why it would not be taken, empty when it would."""

    step: PlannedStep
    left_out: str = ""


def preview_new(policy: DunningPolicy, due_on: date, calendar: SendingCalendar, since: datetime) -> tuple[PreviewedStep, ...]:
    """All steps of an invoice that is issued at `since` (UTC): `plan_steps` with those that it leaves out."""
    return tuple(
        PreviewedStep(step, "" if step.at > since else "would come before the invoice")
        for step in date_steps(policy, due_on, calendar)
    )


def preview_again(
    policy: DunningPolicy, due_on: date, calendar: SendingCalendar, since: datetime, progress: Progress, *, round_: int
) -> tuple[PreviewedStep, ...]:
    """All steps of an invoice to which another policy would be applied: `plan_again` with those that it leaves out."""
    kept = {step.key: step for step in plan_again(policy, due_on, calendar, since, progress, round_=round_)}
    return tuple(
        PreviewedStep(kept[step.key]) if step.key in kept else PreviewedStep(step, _why_left_out(step, since, progress))
        for step in date_steps(policy, due_on, calendar, round_=round_)
    )


def _why_left_out(step: PlannedStep, since: datetime, progress: Progress) -> str:
    if progress.highest is None or step.at <= since:
        return "would come before the invoice, or before its due day was extended"
    return f"says no more than the {_NOUNS[progress.highest]} that stands already"
