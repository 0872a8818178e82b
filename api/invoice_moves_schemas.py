"""What staff send to move an invoice. Days are local days of the business; reasons are for staff and stand in the audit log."""

from pydantic import BaseModel, ConfigDict, Field

from api.days import Day
from api.reasons import Note, Reason


class MoveWithReason(BaseModel):
    """A move that must say why."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["It was issued twice."])


class MoveWithoutReason(BaseModel):
    """A move that may say why."""

    model_config = ConfigDict(extra="forbid")

    reason: Note = ""


class ExtendRequest(MoveWithReason):
    """The new due day: later than the one that the invoice has, not over, and at most a year away."""

    due_on: Day = Field(examples=["2026-12-15"])


class PauseRequest(MoveWithReason):
    """The last day of a pause: not over, and no further away than the invoice's policy allows."""

    until: Day = Field(examples=["2026-12-04"])
