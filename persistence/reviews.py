"""Needs review: what a person must look at, because no rule can decide it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ids import Prefix
from persistence.columns import new_id
from persistence.models import ReviewRow


@dataclass(frozen=True, slots=True)
class Review:
    """An open question about a payment; `reason` is a word for machines, `explanation` a sentence for people."""

    id: str
    payment_id: str
    reason: str
    explanation: str
    opened_at: datetime


def open_for(session: Session, payment_id: str, reason: str, explanation: str, now: datetime) -> None:
    """Ask a person to look; once per payment and reason."""
    session.execute(
        insert(ReviewRow)
        .values(id=new_id(Prefix.REVIEW), payment_id=payment_id, reason=reason, explanation=explanation, opened_at=now)
        .on_conflict_do_nothing()
    )


def unresolved(session: Session, *, after: str | None, limit: int) -> list[Review]:
    """Open questions, oldest first."""
    statement = select(ReviewRow).where(ReviewRow.resolved_at.is_(None)).order_by(ReviewRow.id).limit(limit)
    if after:
        statement = statement.where(ReviewRow.id > after)
    return [Review(row.id, row.payment_id, row.reason, row.explanation, row.opened_at) for row in session.scalars(statement)]
