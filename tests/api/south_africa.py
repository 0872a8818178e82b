"""The gateways that take rand: their simulators over HTTP, accounts at them, and hands on what their payers do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from activities.gateway_calls import GatewayAddresses
from dev.simulators import ozow, ozow_book, payfast, payfast_book, yoco, yoco_book
from domain.customer import Tenant
from persistence import tenants
from persistence.database import Database
from tests import factories
from tests.gateways import ozow_bench, payfast_bench, yoco_bench
from tests.gateways.serving import Merchant, served

CREDENTIALS: dict[str, dict[str, str]] = {
    "yoco": {"secret_key": yoco_bench.SECRET_KEY, "webhook_secret": ""},
    "payfast": {
        "merchant_id": payfast_bench.MERCHANT_ID,
        "merchant_key": payfast_bench.MERCHANT_KEY,
        "passphrase": payfast_bench.PASSPHRASE,
    },
    "ozow": ozow_bench.CREDENTIALS,
}


@dataclass(frozen=True)
class SouthAfrica:
    """The simulators' base URLs by gateway, and where they post their updates."""

    urls: dict[str, str]
    ours: str
    http: httpx.Client

    @property
    def addresses(self) -> dict[str, GatewayAddresses]:
        return {
            "yoco": GatewayAddresses(f"{self.urls['yoco']}/api", self.ours),
            "payfast": GatewayAddresses(self.urls["payfast"], self.ours, api_url=self.urls["payfast"], sources=("127.0.0.1",)),
            "ozow": GatewayAddresses(self.urls["ozow"], self.ours),
        }

    def decide(self, gateway: str, reference: str, status: str) -> None:
        """Bring what was asked for under our reference into a status of the gateway's."""
        self._control(gateway, f"transactions/{quote(reference)}/status", {"status": status})

    def arm(self, gateway: str, operation: str, kind: str, times: int = 1) -> None:
        """Let a fault strike the simulator's next messages."""
        self._control(gateway, "faults", {"operation": operation, "kind": kind, "times": times})

    def disarm(self) -> None:
        for url in self.urls.values():
            self.http.delete(f"{url}/_control/faults").raise_for_status()

    def asked_for(self, gateway: str, reference: str) -> list[dict[str, Any]]:
        """What the gateway made of our reference."""
        listed = self.http.get(f"{self.urls[gateway]}/_control/transactions").raise_for_status().json()["transactions"]
        return [one for one in listed if reference in one.values()]

    def _control(self, gateway: str, path: str, order: dict[str, Any]) -> None:
        self.http.post(f"{self.urls[gateway]}/_control/{path}", json=order).raise_for_status()


@contextmanager
def south_africa() -> Iterator[SouthAfrica]:
    """Serve the three simulators; their updates go to a server that does nothing with them."""
    yoco_settings = {"accounts": [{"secret_key": yoco_bench.SECRET_KEY}], "delay_scale": 0.01}
    with ExitStack() as stack:
        merchant = Merchant()
        stack.callback(merchant.close)
        urls = {
            "yoco": stack.enter_context(served(yoco.build_app(yoco_book.Config.load(yoco_settings)))),
            "payfast": stack.enter_context(served(payfast.build_app(payfast_book.Config.load(payfast_bench.SETTINGS)))),
            "ozow": stack.enter_context(served(ozow.build_app(ozow_book.Config.load(ozow_bench.SETTINGS)))),
        }
        yield SouthAfrica(urls, merchant.url, stack.enter_context(httpx.Client(trust_env=False)))


def make_tenant(database: Database, *gateways: str, **overrides: Any) -> Tenant:
    """A crèche that takes rand by these gateways."""
    values: dict[str, Any] = {
        "name": "Little Acorns Crèche",
        "currency": "ZAR",
        "time_zone": "Africa/Johannesburg",
        "invoice_prefix": "LAC-",
        "address_line": "4 Loop Street, Cape Town",
        "colour": "#9a3412",
        "locale": "en_ZA",
    }
    tenant = factories.make_tenant(database, **{**values, **overrides})
    with database.system() as system:
        for gateway in gateways:
            tenants.put_account(system, factories.BOX, tenant.id, gateway, "ZAR", CREDENTIALS[gateway], factories.NOW)
    return tenant
