"""A diary of one customer on the running stack: travel to a day of the ladder, do something, and see what is in the inbox."""

import asyncio
import time as clock
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper

from domain.calendar import local_instant
from workflows import names

ZONE = "Africa/Harare"
PATIENCE_SECONDS = 120
NOON = time(12, 0)

# Each step on its nominal day, at nine, whatever weekday it is when the tests run; and a letter an invoice.
LADDER: dict[str, Any] = {
    "send_at": "09:00",
    "send_window": {"from": "08:00", "to": "17:00"},
    "working_days_only": False,
    "one_letter_a_day": False,
    "longest_pause_days": 30,
    "steps": [
        {"offset": "-P3D", "action": "remind"},
        {"offset": "P0D", "action": "overdue_notice"},
        {"offset": "P7D", "action": "overdue_notice"},
        {"offset": "P14D", "action": "final_warning"},
        {"offset": "P21D", "action": "suspend"},
    ],
}

# How a diary says which letters came: the beginning of the subject, after what differs between businesses.
_SHORT = {
    "Invoice ": "issued",
    "Payment Reminder": "reminder",
    "OVERDUE": "overdue",
    "Final": "final warning",
    "FINAL": "final warning",
    "Payment Received": "received",
    "Account Suspended": "suspended",
    "Account Re": "reactivated",
    "Your account": "reactivated",
}


class Diary:
    """One customer's story.

    Attributes:
        invoices: as the API lists them, in the order of issue.
    """

    def __init__(self, api: httpx.AsyncClient, inbox: str, temporal: Client, customer: dict[str, Any]) -> None:
        self.api, self.inbox_url, self.temporal, self.customer = api, inbox, temporal, customer
        self.invoices: list[dict[str, Any]] = []
        self._skipped: dict[str, timedelta] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the SDK says that the feature is experimental
            self._skipper = TimeSkipper(temporal)

    @property
    def invoice(self) -> dict[str, Any]:
        return self.invoices[0]

    @property
    def due_on(self) -> date:
        return date.fromisoformat(self.invoice["due_on"])

    async def day(self, number: int) -> None:
        """Travel to noon of the day `number` after the first due day; what falls due on the way is done."""
        await asyncio.gather(*(self._move(invoice["id"], number) for invoice in self.invoices))

    async def _move(self, invoice_id: str, number: int) -> None:
        skipped = self._skipped.get(invoice_id, timedelta(0))
        to = local_instant(self.due_on + timedelta(days=number), NOON, ZONE)
        distance = to - (datetime.now(UTC) + skipped)  # noqa: TID251 - the stack's clock is the machine's, and skips from there
        handle = self.temporal.get_workflow_handle(names.invoice_lifecycle_id(invoice_id))
        with suppress(RPCError):  # its lifecycle has ended: for a closed invoice every day is alike
            await self._skipper.fast_forward(handle, distance)
        self._skipped[invoice_id] = skipped + distance

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.api.get(path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def shown(self, number: int = 0) -> dict[str, Any]:
        return await self.get(f"/api/invoices/{self.invoices[number]['id']}")

    async def status(self) -> str:
        return str((await self.get(f"/api/customers/{self.customer['id']}"))["billing_status"])

    async def status_becomes(self, wanted: str) -> None:
        async def reached() -> bool:
            return await self.status() == wanted

        await self._until(reached, f"{self.customer['name']} to be {wanted}")

    async def move(self, what: str, number: int = 0, *, refused: int | None = None, **body: Any) -> dict[str, Any]:
        """A staff move on an invoice; its answer."""
        path = f"/api/invoices/{self.invoices[number]['id']}/{what}"
        answer = await self.api.post(path, json={"reason": "as agreed on the telephone", **body})
        assert answer.status_code == (refused or 200), answer.text
        return dict(answer.json())

    async def ask(self, what: str, **body: Any) -> dict[str, Any]:
        """A staff move on the customer."""
        answer = await self.api.post(f"/api/customers/{self.customer['id']}/{what}", json=body)
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    async def pay(self, amount: int | None = None, number: int = 0) -> None:
        """Cash at the counter, in cents: all that is due unless told otherwise; it is settled when this returns."""
        invoice = await self.shown(number)
        body = {
            "invoice_id": invoice["id"],
            "amount": amount or invoice["amount_due"]["minor"],
            "currency": invoice["amount_due"]["currency"],
            "method": "CASH",
            "reference": f"receipt {invoice['number']} {invoice['amount_due']['minor']}",
        }
        answer = await self.api.post("/api/payments", json=body)
        assert answer.status_code == 202, answer.text

        async def settled() -> bool:
            return bool((await self.get(f"/api/payments/{answer.json()['id']}"))["status"] == "SETTLED")

        await self._until(settled, "the payment to settle")

    async def letters(self) -> list[str]:
        """What the customer found in the inbox, the oldest first: `issued`, `reminder`, `overdue`, …"""
        async with httpx.AsyncClient(timeout=30) as client:
            query: dict[str, str | int] = {"query": f"to:{self.customer['email']}", "limit": 100}
            found = (await client.get(f"{self.inbox_url}/api/v1/search", params=query)).json()["messages"]
        subjects = [str(mail["Subject"]) for mail in reversed(found)]
        return [next((short for begin, short in _SHORT.items() if said.startswith(begin)), said) for said in subjects]

    async def letters_are(self, *wanted: str) -> None:
        """These letters come, no others; those of one moment (a receipt and a reactivation) in any order."""

        async def came() -> bool:
            return sorted(await self.letters()) == sorted(wanted)

        with suppress(TimeoutError):
            await self._until(came, "the letters", patience=20)
        assert sorted(await self.letters()) == sorted(wanted)

    async def timeline(self) -> str:
        """The invoice's whole timeline as text, the newest first, for stories that look for words in it."""
        found = await self.get(f"/api/invoices/{self.invoice['id']}/timeline?limit=200")
        return "\n".join(entry["title"] for entry in [*found["upcoming"], *found["items"]])

    @staticmethod
    async def _until(look: Callable[[], Awaitable[bool]], what: str, patience: float = PATIENCE_SECONDS) -> None:
        end = clock.monotonic() + patience
        while not await look():
            if clock.monotonic() > end:
                raise TimeoutError(f"waited {patience} s for {what}")
            await asyncio.sleep(0.1)
