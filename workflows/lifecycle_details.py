"""What the Temporal UI shows of an invoice's lifecycle: what happened, what it waits for, and what comes next."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lifecycles import Waiting
    from domain.dunning import PlannedStep
    from domain.moves import Move, MoveKind
    from domain.timeline_steps import step_name

_MOVED = {
    MoveKind.VOID: "void",
    MoveKind.WRITE_OFF: "written off",
    MoveKind.EXTEND: "due {} now",
    MoveKind.PAUSE: "paused until {}",
    MoveKind.RESUME: "chased again: the pause was ended",
    MoveKind.DISPUTE: "disputed",
    MoveKind.RESOLVE: "chased again: the dispute was resolved",
    MoveKind.REAPPLY_POLICY: "chased by the dunning policy of today",
}


def local(instant: datetime, zone: str) -> str:
    """An instant as people at the business read it: `Mon 2026-11-30 09:00`."""
    return f"{instant.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def in_words(step: PlannedStep) -> str:
    """What a step does: `Final Warning`, `Suspension`."""
    return step_name(step.action, step.letter)


def moved(move: Move) -> str:
    """What staff did, with the move's id, under which the database has who did it and why: `due 2026-12-20 now (mov_…)`."""
    return f"{_MOVED[move.kind].format(move.day)} ({move.id})"


def what_is_next(step: PlannedStep | None, waiting: Waiting | None, zone: str) -> str:
    """The next step with its time, or what is waited for."""
    if waiting is not None:
        until = f"; chased again at {local(waiting.until, zone)}" if waiting.until else ""
        return f"not chased: {waiting.why}{until}"
    if step is None:
        return "waiting for payment"
    why = f" ({step.moved})" if step.moved else ""
    return f"next: {in_words(step)} at {local(step.at, zone)}{why}"


def details(headline: str, happened: Iterable[str], what: str, zone: str) -> str:
    """Markdown for the current details."""
    lines = "\n".join(f"- {line}" for line in happened)
    return f"{headline}\n\n{lines or 'Nothing happened yet.'}\n\n**{what}** (times in {zone})"
