"""Posts status updates to merchants as Paynow does: a 2xx or 3xx ends it, anything else is sent again, up to ten times.

What was not delivered when the simulator stops is lost, as a provider's queue may be: a merchant has to poll anyway.
"""

import asyncio

import httpx

from dev.simulators.faults import Fault, Faults
from dev.simulators.paynow_book import Book, Config, Transaction
from dev.simulators.paynow_faults import twisted
from dev.simulators.paynow_wire import Reply

RESENDS = 10
SPACING_SECONDS = 30.0  # Paynow documents the ten, not the spacing
FIRST_ERROR = 400
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Courier:
    """Delivers updates in the background; lives between `start` and `stop` on one event loop."""

    def __init__(self, config: Config, book: Book, faults: Faults) -> None:
        self._config = config
        self._book = book
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def post(self, transaction: Transaction) -> None:
        """Tell the merchant the transaction's present state; the message is made now and delivered soon."""
        fault = self._faults.take("update")
        if not transaction.resulturl.startswith(("http://", "https://")) or (fault and fault.kind == "never"):
            return
        task = asyncio.create_task(self._deliver(transaction, self._bodies(transaction, fault), _wait(fault)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _bodies(self, transaction: Transaction, fault: Fault | None) -> list[str]:
        key = self._config.integrations[transaction.integration_id].key
        reply = Reply(transaction.message(), key, transaction.past[-1] if transaction.past else "")
        if fault is None or fault.kind != "out_of_order":
            body = twisted(reply, fault, transaction.base_url)
            return [body, body] if fault and fault.kind == "duplicate" else [body]
        return [reply.body(), twisted(reply, fault, transaction.base_url)]

    async def _deliver(self, transaction: Transaction, bodies: list[str], wait: float) -> None:
        await asyncio.sleep(wait)
        for body in bodies:
            for _ in range(1 + RESENDS):
                status = await self._attempt(transaction.resulturl, body)
                transaction.updates.append({"body": body, "http_status": status})
                self._book.save()
                if status is not None and status < FIRST_ERROR:
                    break
                await asyncio.sleep(SPACING_SECONDS * self._config.delay_scale)

    async def _attempt(self, url: str, body: str) -> int | None:
        """The HTTP status of one posting; None when there was no answer."""
        try:
            return (await self._client.post(url, content=body, headers=FORM)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None


def _wait(fault: Fault | None) -> float:
    return float(fault.value or 1) if fault and fault.kind == "latency" else 0.0
