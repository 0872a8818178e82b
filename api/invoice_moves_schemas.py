"""What staff send to move an invoice. Days are local days of the business; reasons are for staff and stand in the audit log."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LONGEST_REASON = 500

Reason = Annotated[str, Field(min_length=3, max_length=LONGEST_REASON)]


class MoveWithReason(BaseModel):
    """A move that must say why."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["It was issued twice."])


class MoveWithoutReason(BaseModel):
    """A move that may say why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=LONGEST_REASON)


class ExtendRequest(MoveWithReason):
    """The new due day: later than the one that the invoice has, not over, and at most a year away."""

    due_on: date = Field(examples=["2026-12-15"])


class PauseRequest(MoveWithReason):
    """The last day of a pause: not over, and no further away than the invoice's policy allows."""

    until: date = Field(examples=["2026-12-04"])
