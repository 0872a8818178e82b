"""Posts notifications to merchants: a 2xx ends it, anything else is sent again.

How often and when Ozow tries again is not documented; five times in all, half a minute apart, is our choice. What was not
delivered when the simulator stops is lost: a merchant has to ask anyway.
"""

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx

from dev.simulators.faults import Fault, Faults
from dev.simulators.ozow_book import Book, Config, PaymentRequest, Transaction
from dev.simulators.ozow_faults import earlier_of, notification

ATTEMPTS = 5
SPACING_SECONDS = 30.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Courier:
    """Delivers in the background; lives between `start` and `stop` on one event loop."""

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

    def post(self, request: PaymentRequest, transaction: Transaction) -> None:
        """Tell the merchant the present state of a try; the message is made now and delivered soon."""
        fault = self._faults.take("notification")
        if fault is not None and fault.kind == "never":
            return
        url = request.fields.get("NotifyUrl", "")
        wait = float(fault.value or 1) if fault is not None and fault.kind == "latency" else 0.0
        self.send(url, self._bodies(request, transaction, fault), transaction.posted, wait)

    def send(self, url: str, bodies: list[str], log: list[dict[str, Any]], wait: float = 0.0) -> None:
        """Deliver `bodies` one after the other, and write into `log` how it went. Without an address nothing is sent."""
        if not url.startswith(("http://", "https://")):
            return
        task = asyncio.create_task(self._deliver(url, bodies, log, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _bodies(self, request: PaymentRequest, transaction: Transaction, fault: Fault | None) -> list[str]:
        key, told = self._config.sites[request.fields["SiteCode"]].private_key, request.message(transaction)
        body = urlencode(notification(told, earlier_of(transaction), fault, key))
        if fault is not None and fault.kind == "duplicate":
            return [body, body]
        if fault is not None and fault.kind == "out_of_order":
            return [urlencode(notification(told, "", None, key)), body]
        return [body]

    async def _deliver(self, url: str, bodies: list[str], log: list[dict[str, Any]], wait: float) -> None:
        await asyncio.sleep(wait)
        for body in bodies:
            for _ in range(ATTEMPTS):
                status = await self._attempt(url, body)
                log.append({"body": body, "http_status": status})
                self._book.save()
                if status is not None and httpx.codes.is_success(status):
                    break
                await asyncio.sleep(SPACING_SECONDS * self._config.delay_scale)

    async def _attempt(self, url: str, body: str) -> int | None:
        """The HTTP status of one posting; None when there was no answer."""
        try:
            return (await self._client.post(url, content=body, headers=FORM)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
