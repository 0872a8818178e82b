"""Doing the same thing at the same moment from several threads, each with a connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

Result = TypeVar("Result")


def at_once(deeds: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do all `deeds` at once; their results in the order given. The first error is raised again."""
    barrier = Barrier(len(deeds), timeout=30)

    def together(deed: Callable[[], Result]) -> Result:
        barrier.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(together, deeds))
