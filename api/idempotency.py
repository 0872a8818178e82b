"""`Idempotency-Key`: the same POST sent again gets the first answer and does nothing; the key with another body is refused.

A POST that makes money rows goes on with what it made when it is sent again after an error, whatever the error was
(`once_making`). One that makes nothing, or finds by itself what it made, is simply done again (`once`).
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Protocol, TypeVar

from fastapi import Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.services import ApiServices
from domain.errors import DunlinError
from domain.ids import Prefix
from persistence import idempotency
from persistence.columns import new_id
from persistence.idempotency import Claim, StoredAnswer

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


class Made(Protocol):
    """A stored thing with an id of its own."""

    @property
    def id(self) -> str: ...


Thing = TypeVar("Thing", bound=Made)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Making(Generic[Thing]):
    """How a request makes a thing and sees it through.

    Attributes:
        prefix: what the thing's id begins with.
        begin: stores the thing under the id that it is given, in one transaction, or finds the one that was stored under it;
            may instead return another thing that serves as well.
        go_on: does what is left to do, from wherever the thing stands; harmless when repeated.
    """

    prefix: Prefix
    begin: Callable[[str], Awaitable[Thing]]
    go_on: Callable[[Thing], Awaitable[StoredAnswer]]


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
    sent = _SentKey(services, scope, key)
    claim = await sent.begin(request, None)
    if isinstance(claim, StoredAnswer):
        return _response(claim, replayed=True)
    try:
        answer = await work()
    except Exception:
        await sent.release()
        raise
    await sent.finish(answer)
    return _response(answer)


async def once_making(
    services: ApiServices, scope: str, key: str | None, request: BaseModel, making: Making[Thing]
) -> JSONResponse:
    """Make a thing at most once per scope and key, see it through, and store the answer.

    The key names the thing before it is made. So the same request, sent again after an error or after the death of this
    process, finds what the first one made and goes on with it. A request that was refused before it made anything leaves its
    key free.

    Args:
        services: of this process.
        scope: whose keys they are and for what, such as `ten_…/payments`.
        key: None when the caller sent none; then the thing is simply made.
        request: what was asked; another one with the same key is refused.
        making: how it is made.
    """
    named = new_id(making.prefix)
    if key is None:
        return _response(await making.go_on(await making.begin(named)))
    sent = _SentKey(services, scope, key)
    claim = await sent.begin(request, named)
    if isinstance(claim, StoredAnswer):
        return _response(claim, replayed=True)
    thing_id, may_be_made = claim.thing_id or named, not claim.is_first
    try:
        thing = await making.begin(thing_id)
        may_be_made = True
        if thing.id != thing_id:
            thing_id = thing.id
            await sent.remember(thing_id, is_paused=False)
        answer = await making.go_on(thing)
    except Exception as error:
        # Of an error that is none of ours nobody knows whether it came before the commit or after.
        if may_be_made or not isinstance(error, DunlinError):
            await sent.remember(thing_id, is_paused=True)
        else:
            await sent.release()
        raise
    await sent.finish(answer)
    return _response(answer)


class _SentKey:
    """A key that a caller sent, in its scope."""

    def __init__(self, services: ApiServices, scope: str, key: str) -> None:
        self._services, self._scope, self._key = services, scope, key

    async def begin(self, request: BaseModel, thing_id: str | None) -> StoredAnswer | Claim:
        asked = json.dumps(request.model_dump(mode="json"), sort_keys=True)
        fingerprint, now = hashlib.sha256(asked.encode()).hexdigest(), self._services.clock()
        return await self._stored(lambda system: idempotency.begin(system, self._scope, self._key, fingerprint, now, thing_id))

    async def remember(self, thing_id: str, *, is_paused: bool) -> None:
        await self._stored(lambda system: idempotency.remember(system, self._scope, self._key, thing_id, is_paused=is_paused))

    async def finish(self, answer: StoredAnswer) -> None:
        await self._stored(lambda system: idempotency.finish(system, self._scope, self._key, answer))

    async def release(self) -> None:
        await self._stored(lambda system: idempotency.release(system, self._scope, self._key))

    async def _stored(self, deed: Callable[[Session], Answer]) -> Answer:
        def transaction() -> Answer:
            with self._services.database.system() as system:
                return deed(system)

        return await asyncio.to_thread(transaction)


def _response(answer: StoredAnswer, *, replayed: bool = False) -> JSONResponse:
    return JSONResponse(answer.body, answer.status, headers={REPLAYED_HEADER: "true"} if replayed else None)


def answer(status: int, body: BaseModel) -> StoredAnswer:
    """An answer that can be stored."""
    dumped: dict[str, Any] = body.model_dump(mode="json")
    return StoredAnswer(status, dumped)
