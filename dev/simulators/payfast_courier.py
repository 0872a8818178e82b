"""Posts ITNs to merchants as PayFast does: 200 ends it, anything else is sent again at once, after ten minutes, and so on.

The buyer waits for the first answer for a moment. What was not delivered when the simulator stops is lost, as a provider's
queue may be: a merchant has to look into the history anyway.
"""

import asyncio
from typing import Any

import httpx

from dev.simulators.faults import Faults
from dev.simulators.payfast_book import Book, Config, Payment
from dev.simulators.payfast_faults import bodies

# PayFast documents the first two; "growing gaps until it stops" is all that it says of the rest.
GAPS_SECONDS = (0.0, 600.0, 1200.0, 2400.0, 4800.0, 9600.0)
BUYER_WAITS_SECONDS = 3.0
OK = 200
# The official SDK believes an ITN by its Referer.
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Referer": "https://www.payfast.co.za"}


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

    async def tell(self, payment: Payment) -> None:
        """Post the payment's present state, and wait a moment for the merchant's first answer."""
        answered = self.post(payment)
        try:
            await asyncio.wait_for(answered.wait(), BUYER_WAITS_SECONDS)
        except TimeoutError:
            return

    def post(self, payment: Payment) -> asyncio.Event:
        """Post the payment's present state in the background; the event is set by the first answer, or when there is none."""
        answered = asyncio.Event()
        fault = self._faults.take("itn")
        has_address = payment.fields.get("notify_url", "").startswith(("http://", "https://"))
        if not has_address or (fault is not None and fault.kind == "never"):
            answered.set()
            return answered
        wait = float(fault.value or 1) if fault is not None and fault.kind == "latency" else 0.0
        task = asyncio.create_task(self._deliver(payment, bodies(payment, self._config, fault), wait, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answered

    async def _deliver(self, payment: Payment, told: list[str], wait: float, answered: asyncio.Event) -> None:
        await asyncio.sleep(wait)
        for body in told:
            for gap in (*GAPS_SECONDS, None):
                is_taken = await self._attempt(payment, body)
                answered.set()
                if is_taken or gap is None:
                    break
                await asyncio.sleep(gap * self._config.delay_scale)

    async def _attempt(self, payment: Payment, body: str) -> bool:
        """Post once. It is noted before it is sent: the merchant may have it confirmed before it answers."""
        update: dict[str, Any] = {"body": body, "http_status": None}
        payment.updates.append(update)
        try:
            answer = await self._client.post(payment.fields["notify_url"], content=body, headers=HEADERS)
            update["http_status"] = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        finally:
            self._book.save()
        return answer.status_code == OK
