"""A small business on a running stack, driven from outside only."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from dev.stack import Stack

PATIENCE_SECONDS = 90

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str) -> Found:
    """The first true thing that `look` finds. What it waits for happens in other processes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.1)
    return found


class Shop:
    """A tenant with its API client."""

    def __init__(self, stack: Stack, slug: str, client: httpx.Client) -> None:
        self.stack, self.slug, self.client = stack, slug, client

    def get(self, path: str) -> dict[str, Any]:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def bill(self, period: str = "2026-11") -> list[dict[str, Any]]:
        """Bill a month and wait for the run to end; the invoices."""
        run = self.client.post("/api/billing-runs", json={"period": period}).json()
        eventually(lambda: self.get(f"/api/billing-runs/{run['id']}")["status"] == "COMPLETED", "the billing run")
        return list(self.get("/api/invoices?limit=200")["items"])

    def check_out(self, invoice: dict[str, Any], method: str = "PAYNOW_ECOCASH", phone: str = "0782000001") -> str:
        """Start paying an invoice with a phone that never answers by itself; the payment's id."""
        answer = self.client.post(f"/pay/{self.link(invoice)}/checkout", json={"method": method, "phone": phone})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["payment_id"])

    def state(self, invoice: dict[str, Any]) -> str:
        return str(self.get(f"/api/invoices/{invoice['id']}")["state"])

    def payment(self, payment_id: str) -> dict[str, Any]:
        return self.get(f"/api/payments/{payment_id}")

    def wait_until_paid(self, invoice: dict[str, Any]) -> None:
        eventually(lambda: self.state(invoice) == "PAID", f"invoice {invoice['number']} to be paid")

    def wait_until_settled(self, payment_id: str) -> None:
        eventually(lambda: self.payment(payment_id)["status"] == "SETTLED", f"payment {payment_id} to settle")

    def mails(self) -> list[dict[str, Any]]:
        """What lies in the inbox for this shop's customers."""
        inbox = self.stack.describe()["inbox"]
        found = httpx.get(f"{inbox}/api/v1/search", params={"query": f"to:{self.slug}.example", "limit": 500}, timeout=30)
        return list(found.json()["messages"])

    @property
    def gateway(self) -> httpx.Client:
        """The simulator's own side."""
        return httpx.Client(base_url=self.stack.describe()["gateways"]["paynow"], timeout=30)

    def attempt(self) -> dict[str, Any]:
        """The newest transaction at the simulator."""
        with self.gateway as gateway:
            return dict(gateway.get("/_control/transactions").json()["transactions"][-1])

    @staticmethod
    def link(invoice: dict[str, Any]) -> str:
        return str(invoice["payment_page"]).rpartition("/")[2]
