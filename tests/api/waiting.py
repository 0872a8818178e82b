"""Waiting for what workers do in the meantime; how long it takes is nobody's business within reason."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_SECONDS = 40.0
GLANCE_SECONDS = 0.05

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """The first thing that `look` finds."""
    for _ in range(int(PATIENCE_SECONDS / GLANCE_SECONDS)):
        found = await look()
        if found:
            return found
        await asyncio.sleep(GLANCE_SECONDS)
    raise AssertionError(f"{what} did not come about in {PATIENCE_SECONDS:.0f} s")
