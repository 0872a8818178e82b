"""What the Temporal UI shows of an invoice's lifecycle: what happened, what it waits for, and what comes next."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lifecycles import Waiting
    from domain.dunning import PlannedStep


def local(instant: datetime, zone: str) -> str:
    """An instant as people at the business read it: `Mon 2026-11-30 09:00`."""
    return f"{instant.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def what_is_next(step: PlannedStep | None, waiting: Waiting | None, zone: str) -> str:
    """The next step with its time, or what is waited for."""
    if waiting is not None:
        until = f"; chased again at {local(waiting.until, zone)}" if waiting.until else ""
        return f"not chased: {waiting.why}{until}"
    if step is None:
        return "waiting for payment"
    moved = f" ({step.moved})" if step.moved else ""
    return f"next: {step.action.value} at {local(step.at, zone)}{moved}"


def details(headline: str, happened: Iterable[str], what: str, zone: str) -> str:
    """Markdown for the current details."""
    lines = "\n".join(f"- {line}" for line in happened)
    return f"{headline}\n\n{lines or 'Nothing happened yet.'}\n\n**{what}** (times in {zone})"
