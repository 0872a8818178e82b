"""Stored answers to requests that carry an `Idempotency-Key`: the same request gets the same answer and does nothing twice.

A key also names what its request makes, before that is made: a request that is sent again goes on with that very thing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import ConflictError
from persistence.models import IdempotencyRow

# A request that has not answered by then died with its process; the same key may be tried again. The longest is a checkout:
# 40 s for asking the gateway of an earlier attempt, 40 s for opening its own.
ABANDONED_AFTER = timedelta(seconds=120)
_STILL_WORKING = "The first request with this Idempotency-Key is still being worked on: ask again in a moment."

# What the body of a row holds until it holds the answer.
_THING_ID = "thing_id"
_IS_PAUSED = "is_paused"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered the first time."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """The key is this request's now: it is to be done, or taken up where an earlier one left it.

    Attributes:
        thing_id: of what the request makes; the same for every request with this key. None for one that makes nothing new.
        is_first: no earlier request with this key can have made it.
    """

    thing_id: str | None
    is_first: bool


class KeyReusedError(ConflictError):
    """The key came before with another request."""


class StillWorkingError(ConflictError):
    """The first request with this key has not been answered yet."""


def begin(
    system: Session, scope: str, key: str, request_hash: str, now: datetime, thing_id: str | None = None
) -> StoredAnswer | Claim:
    """Claim a key for this request; the stored answer when it was answered before.

    Args:
        system: a session bound to no tenant.
        scope: whose keys they are and for what.
        key: what the caller sent.
        request_hash: of what was asked for.
        now: instant (UTC).
        thing_id: what the request is to make, unless an earlier one with this key has named it.

    Raises:
        KeyReusedError: the key was used for another request.
        StillWorkingError: the same request is being worked on.
    """
    claimed = system.scalar(
        insert(IdempotencyRow)
        .values(scope=scope, key=key, request_hash=request_hash, body={_THING_ID: thing_id}, created_at=now)
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.key)
    )
    if claimed is not None:
        return Claim(thing_id, is_first=True)
    row = system.scalars(
        select(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key).with_for_update()
    ).one_or_none()
    if row is None:
        # Released between the two statements: the first request failed, and this one may simply be sent again.
        raise StillWorkingError(_STILL_WORKING)
    if row.request_hash != request_hash:
        raise KeyReusedError(f"The Idempotency-Key {key!r} was used for another request: use a new key for a new request.")
    if row.status is not None:
        return StoredAnswer(row.status, row.body or {})
    left = row.body or {}
    if row.created_at >= now - ABANDONED_AFTER and not left.get(_IS_PAUSED):
        raise StillWorkingError(_STILL_WORKING)
    named = left.get(_THING_ID) or thing_id
    row.created_at, row.body = now, {_THING_ID: named}
    return Claim(named, is_first=False)


def remember(system: Session, scope: str, key: str, thing_id: str, *, is_paused: bool = False) -> None:
    """Store what the request has made, or found made.

    Args:
        system: a session bound to no tenant.
        scope, key: of the claim; one that was answered is left as it is.
        thing_id: with what the next request with this key goes on.
        is_paused: the request failed on its way: it may be sent again at once.
    """
    system.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.scope == scope, IdempotencyRow.key == key, IdempotencyRow.status.is_(None))
        .values(body={_THING_ID: thing_id, _IS_PAUSED: is_paused})
    )


def finish(system: Session, scope: str, key: str, answer: StoredAnswer) -> None:
    row = system.scalars(select(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key)).one()
    row.status, row.body = answer.status, answer.body


def release(system: Session, scope: str, key: str) -> None:
    """Forget a claim whose request failed before it did anything, so that it can be made again, or another one."""
    system.execute(
        delete(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key, IdempotencyRow.status.is_(None))
    )
