"""Killing the worker at random while work goes on: SIGKILL, as a power cut would, and a new one.

When is counted in pieces of work done and not in seconds, so that the same seed kills at the same points of the story on a
slow machine and on a fast one.
"""

import asyncio
import random

from dev.stack import Stack

# A kill comes a moment after a piece of work: by then others are in hand.
_LONGEST_DELAY_SECONDS = 2.0


class WorkerKills:
    """Kills the worker of a stack at `kills` points of `work` pieces of work.

    Attributes:
        done: how often it was killed so far.
    """

    def __init__(self, stack: Stack, *, kills: int, work: int, seed: int) -> None:
        chance = random.Random(seed)
        self._stack = stack
        self._points = sorted(chance.sample(range(1, work + 1), min(kills, work)))
        self._delays = [chance.uniform(0, _LONGEST_DELAY_SECONDS) for _ in self._points]
        self._one_at_a_time = asyncio.Lock()
        self._under_way: list[asyncio.Task[None]] = []
        self._worked = 0
        self.done = 0

    def worked(self, pieces: int = 1) -> None:
        """So many more pieces of work are done."""
        self._worked += pieces
        while self._points and self._points[0] <= self._worked:
            del self._points[0]
            self._under_way.append(asyncio.create_task(self._kill(self._delays.pop(0))))

    async def finished(self) -> None:
        """Wait until the last worker that was killed has a successor.

        Raises:
            RefusedError: one did not come back.
        """
        await asyncio.gather(*self._under_way)

    async def _kill(self, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._one_at_a_time:
            await asyncio.to_thread(self._stack.restart, "worker", kill=True)
            self.done += 1
