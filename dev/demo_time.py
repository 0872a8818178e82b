"""The time machine: moves running invoices past a step of their ladder, on the live server and with the real policy."""

import asyncio
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.testing import TimeSkipper

from workflows import names

_AT_ONCE = 16
# Past the step itself, and well before the next one.
_MARGIN = timedelta(minutes=30)


class TimeMachine:
    """Skips time for one workflow at a time; no other workflow and no business rule notices.

    Args:
        at_once: for how many workflows beside each other.
    """

    def __init__(self, client: Client, *, at_once: int = _AT_ONCE) -> None:
        self._client, self._at_once = client, at_once
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the SDK says that the feature is experimental
            self._skipper = TimeSkipper(client)
        self._skipped: dict[str, timedelta] = {}

    async def move_past(self, invoices: list[dict[str, Any]], step: str, done: Callable[[], None]) -> None:
        """Move each invoice (as the API shows it in detail) to shortly after `step` is due."""
        gate = asyncio.Semaphore(self._at_once)

        async def move(invoice: dict[str, Any]) -> None:
            async with gate:
                await self._move(invoice, step)
                done()

        await asyncio.gather(*(move(invoice) for invoice in invoices))

    async def _move(self, invoice: dict[str, Any], step: str) -> None:
        at = next(datetime.fromisoformat(planned["planned_at"]) for planned in invoice["steps"] if planned["step"] == step)
        skipped = self._skipped.get(invoice["id"], timedelta(0))
        distance = at + _MARGIN - (datetime.now(UTC) + skipped)
        if distance <= timedelta(0):
            return
        await self._skipper.fast_forward(self._client.get_workflow_handle(names.invoice_lifecycle_id(invoice["id"])), distance)
        self._skipped[invoice["id"]] = skipped + distance
