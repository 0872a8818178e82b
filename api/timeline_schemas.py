"""What the API shows of a timeline: each entry a sentence with its time, actor and reason, and what it is about."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel

from api.schemas import Amount
from api.timeline_words import LocalWords
from domain.happenings import Kind
from domain.timeline import Entry

AfterPosition = Annotated[
    str | None, Query(max_length=120, description="The `next` of the page before; upcoming entries are on the first page only.")
]


class ReferencesShown(BaseModel):
    """What an entry is about, to be opened; null where it is about no such thing."""

    invoice_id: str | None
    invoice_number: str | None
    payment_id: str | None
    link_id: str | None
    message_id: str | None
    hold_id: str | None
    block_id: str | None
    move_id: str | None
    review_id: str | None
    policy_id: str | None
    credit_note: str | None


class EntryShown(BaseModel):
    """One line of a timeline.

    `at` is UTC; `local_day` and `local_time` (hours and minutes) are those of the business. All three are null for what
    stands until somebody ends it. `actor` is a staff member's name, `payer` or `system`; `reason` is what staff wrote, or
    why the system did it, and may be empty.
    """

    id: str
    at: datetime | None
    local_day: date | None
    local_time: str | None
    kind: Kind
    title: str
    actor: str
    reason: str
    amount: Amount | None
    references: ReferencesShown

    @classmethod
    def of(cls, entry: Entry, words: LocalWords) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            local_day=words.local_day(entry.at) if entry.at else None,
            local_time=words.local_time(entry.at) if entry.at else None,
            kind=entry.kind,
            title=entry.title,
            actor=entry.actor,
            reason=entry.reason,
            amount=Amount.of(entry.amount) if entry.amount is not None else None,
            references=ReferencesShown.model_validate(entry.references, from_attributes=True),
        )


class TimelineShown(BaseModel):
    """What will happen, soonest first, and what happened, newest first; `next` is what to send as `after` for older entries."""

    upcoming: list[EntryShown]
    items: list[EntryShown]
    next: str | None
