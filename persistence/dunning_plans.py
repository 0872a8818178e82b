"""An invoice's dated plan as it is stored: made once, so that what was promised does not move with a library's release."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.dunning import PlannedStep, plan_steps
from domain.dunning_ladder import Action
from domain.letters import Letter
from domain.sending_calendar import SendingCalendar
from persistence import tenants
from persistence.invoices import InvoiceDetail


def to_data(plan: Iterable[PlannedStep]) -> list[dict[str, Any]]:
    """What `from_data` reads; instants in UTC, days as ISO 8601."""
    return [
        {
            "key": step.key,
            "action": step.action.value,
            "at": step.at.isoformat(),
            "letter": step.letter.value if step.letter else None,
            "nominal_on": step.nominal_on.isoformat() if step.nominal_on else None,
            "moved": step.moved,
        }
        for step in plan
    ]


def from_data(data: Iterable[Mapping[str, Any]]) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(
            step["key"],
            Action(step["action"]),
            datetime.fromisoformat(step["at"]),
            Letter(step["letter"]) if step["letter"] else None,
            date.fromisoformat(step["nominal_on"]) if step["nominal_on"] else None,
            step["moved"],
        )
        for step in data
    )


def of(session: Session, detail: InvoiceDetail) -> tuple[PlannedStep, ...]:
    """An invoice's plan; of one that was issued before plans were stored, what its policy says (which knew no holidays)."""
    if detail.stored_plan is not None:
        return from_data(detail.stored_plan)
    calendar = SendingCalendar.of(detail.policy, tenants.current(session).time_zone, {})
    return plan_steps(detail.policy, detail.invoice.due_on, calendar, detail.issued_at)


def action_of(key: str) -> Action:
    """What the step of any plan does, by its key: `r2.3-final_warning`."""
    return Action(key.rpartition("-")[2])
