"""Stored answers to requests that carry an `Idempotency-Key`: the same request gets the same answer and does nothing twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import ConflictError
from persistence.models import IdempotencyRow

# A request that has not answered by then died with its process; the same key may be tried again. The longest is a checkout:
# 40 s for asking the gateway of an earlier attempt, 40 s for opening its own.
ABANDONED_AFTER = timedelta(seconds=120)
_STILL_WORKING = "The first request with this Idempotency-Key is still being worked on: ask again in a moment."


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered the first time."""

    status: int
    body: dict[str, Any]


class KeyReusedError(ConflictError):
    """The key came before with another request."""


class StillWorkingError(ConflictError):
    """The first request with this key has not been answered yet."""


def begin(system: Session, scope: str, key: str, request_hash: str, now: datetime) -> StoredAnswer | None:
    """Claim a key for this request; the stored answer when it was answered before.

    Raises:
        KeyReusedError: the key was used for another request.
        StillWorkingError: the same request is being worked on.
    """
    system.execute(
        delete(IdempotencyRow).where(
            IdempotencyRow.scope == scope,
            IdempotencyRow.key == key,
            IdempotencyRow.status.is_(None),
            IdempotencyRow.created_at < now - ABANDONED_AFTER,
        )
    )
    claimed = system.scalar(
        insert(IdempotencyRow)
        .values(scope=scope, key=key, request_hash=request_hash, created_at=now)
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.key)
    )
    if claimed is not None:
        return None
    row = system.scalars(select(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key)).one_or_none()
    if row is None:
        # Released between the two statements: the first request failed, and this one may simply be sent again.
        raise StillWorkingError(_STILL_WORKING)
    if row.request_hash != request_hash:
        raise KeyReusedError(f"The Idempotency-Key {key!r} was used for another request: use a new key for a new request.")
    if row.status is None or row.body is None:
        raise StillWorkingError(_STILL_WORKING)
    return StoredAnswer(row.status, row.body)


def finish(system: Session, scope: str, key: str, answer: StoredAnswer) -> None:
    row = system.scalars(select(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key)).one()
    row.status, row.body = answer.status, answer.body


def release(system: Session, scope: str, key: str) -> None:
    """Forget a claim whose request failed before it did anything, so that it can be made again."""
    system.execute(
        delete(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key, IdempotencyRow.status.is_(None))
    )
