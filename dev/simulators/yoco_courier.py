"""Posts events to merchants as Yoco does: a 2xx within 15 seconds ends it, anything else is tried again by the documented plan.

Each try carries a new timestamp and signature under the same `webhook-id`. What was not delivered when the simulator stops is
lost, as a provider's queue may be: a merchant has to ask anyway.
"""

import asyncio
import json
import time
from typing import Any

import httpx

from dev.simulators.faults import Fault, Faults
from dev.simulators.yoco_book import Book, Checkout, Config, Event, Subscription
from dev.simulators.yoco_faults import STALE_SECONDS, twisted_event
from dev.simulators.yoco_wire import new_secret, signed

# After the first try: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.
PAUSES_SECONDS = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
PATIENCE_SECONDS = 15.0
SUCCESSES = range(200, 300)


class Courier:
    """Delivers events in the background; lives between `start` and `stop` on one event loop."""

    def __init__(self, config: Config, book: Book, faults: Faults) -> None:
        self._config = config
        self._book = book
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[str, Event] = {}

    def start(self) -> None:
        self._client = httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def tell(self, checkout: Checkout, fields: dict[str, Any]) -> None:
        """Post a new event about `checkout` to all of its account's subscriptions, soon.

        One that is out of order waits until the next about the same checkout has been delivered, and goes after it.
        """
        fault = self._faults.take("event")
        body = twisted_event(json.dumps(fields, separators=(",", ":")), fault)
        event = Event(fields["id"], fields["type"], body)
        checkout.events.append(event)
        self._book.save()
        if fault is not None and fault.kind == "out_of_order":
            self._held[checkout.id] = event
        elif fault is None or fault.kind != "never":
            earlier = self._held.pop(checkout.id, None)
            self._post(checkout, [event, event] if fault and fault.kind == "duplicate" else [event], fault, earlier)

    def resend(self, checkout: Checkout) -> None:
        """Post the last event about `checkout` again."""
        if checkout.events:
            fault = self._faults.take("event")
            if fault is None or fault.kind != "never":
                self._post(checkout, [checkout.events[-1]], fault, None)

    def _post(self, checkout: Checkout, events: list[Event], fault: Fault | None, earlier: Event | None) -> None:
        for subscription in self._book.subscriptions:
            if (subscription.merchant_id, subscription.mode) == (checkout.merchant_id, checkout.mode):
                task = asyncio.create_task(self._deliver(subscription, events, fault, earlier))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self, subscription: Subscription, events: list[Event], fault: Fault | None, earlier: Event | None
    ) -> None:
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(float(fault.value or 1))
        for event in events:
            await self._persist(subscription, event, fault)
        if earlier is not None:
            await self._persist(subscription, earlier, None)

    async def _persist(self, subscription: Subscription, event: Event, fault: Fault | None) -> None:
        for pause in (0.0, *PAUSES_SECONDS):
            await asyncio.sleep(pause * self._config.delay_scale)
            headers = _headers(subscription.secret, event, fault)
            status = await self._attempt(subscription.url, event.body, headers)
            event.tries.append({"url": subscription.url, "headers": headers, "http_status": status})
            self._book.save()
            if status in SUCCESSES:
                return

    async def _attempt(self, url: str, body: str, headers: dict[str, str]) -> int | None:
        """The HTTP status of one posting; None when there was no answer."""
        try:
            return (await self._client.post(url, content=body.encode("utf-8"), headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None


def _headers(secret: str, event: Event, fault: Fault | None) -> dict[str, str]:
    kind = fault.kind if fault else ""
    seconds = int(time.time()) - (STALE_SECONDS if kind == "stale" else 0)
    headers = {"Content-Type": "application/json", "webhook-id": event.id, "webhook-timestamp": str(seconds)}
    if kind == "no_signature":
        return headers
    key = new_secret() if kind == "other_secret" else secret
    signature = signed(key, event.id, seconds, event.body.encode("utf-8"))
    if kind == "wrong_signature":
        signature = f"v1,{'A' * 43}="
    return headers | {"webhook-signature": signature}
