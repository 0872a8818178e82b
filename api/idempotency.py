"""`Idempotency-Key`: the same POST sent again gets the first answer and does nothing; the key with another body is refused."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.services import ApiServices
from persistence import idempotency
from persistence.idempotency import StoredAnswer

REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text that is unique to this request; send the same one when you send the request again.",
    ),
]


async def once(
    services: ApiServices, scope: str, key: str | None, request: BaseModel, work: Callable[[], Awaitable[StoredAnswer]]
) -> JSONResponse:
    """Do `work` at most once per scope and key, and store its answer.

    Args:
        services: of this process.
        scope: whose keys they are and for what, such as `ten_…/billing-runs`.
        key: None when the caller sent none; then `work` is simply done.
        request: what was asked; another one with the same key is refused.
        work: what to do; when it raises, the key is free again.
    """
    if key is None:
        return _response(await work())
    fingerprint = hashlib.sha256(json.dumps(request.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
    stored = await asyncio.to_thread(_begin, services, scope, key, fingerprint)
    if stored is not None:
        return _response(stored, replayed=True)
    try:
        answer = await work()
    except Exception:
        await asyncio.to_thread(_release, services, scope, key)
        raise
    await asyncio.to_thread(_finish, services, scope, key, answer)
    return _response(answer)


def _begin(services: ApiServices, scope: str, key: str, fingerprint: str) -> StoredAnswer | None:
    with services.database.system() as session:
        return idempotency.begin(session, scope, key, fingerprint, services.clock())


def _finish(services: ApiServices, scope: str, key: str, answer: StoredAnswer) -> None:
    with services.database.system() as session:
        idempotency.finish(session, scope, key, answer)


def _release(services: ApiServices, scope: str, key: str) -> None:
    with services.database.system() as session:
        idempotency.release(session, scope, key)


def _response(answer: StoredAnswer, *, replayed: bool = False) -> JSONResponse:
    return JSONResponse(answer.body, answer.status, headers={REPLAYED_HEADER: "true"} if replayed else None)


def answer(status: int, body: BaseModel) -> StoredAnswer:
    """An answer that can be stored."""
    dumped: dict[str, Any] = body.model_dump(mode="json")
    return StoredAnswer(status, dumped)
