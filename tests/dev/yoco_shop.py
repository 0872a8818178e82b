"""A merchant for the tests of the Yoco simulator, written from Yoco's documents with httpx and the `standardwebhooks` library.

It shares no code with the simulator or with our gateway.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from dev.simulators.yoco import build_app
from dev.simulators.yoco_book import Config
from tests.gateways.serving import Merchant, Posted, eventually, served

TEST_KEY = "sk_test_960bfde0VBrLlpK098e4ffeb53e1"
LIVE_KEY = "sk_live_960bfde0VBrLlpK098e4ffeb53e1"
SETTINGS: dict[str, Any] = {"accounts": [{"secret_key": TEST_KEY}, {"secret_key": LIVE_KEY}], "delay_scale": 0.0}

GOOD_CARD = {"number": "4111 1111 1111 1111", "expiry": "08/39", "cvc": "123"}
DECLINED_CARD = GOOD_CARD | {"number": "4000000000000002"}

Fields = Mapping[str, Any]


class Shop:
    """A merchant with one key.

    Attributes:
        reference: of its orders.
        secret: of the webhook that it registered.
    """

    def __init__(self, base_url: str, key: str = TEST_KEY) -> None:
        self.reference = f"Order {secrets.token_hex(4)}"
        self.secret = ""
        self.http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, follow_redirects=False
        )

    def order(self, **changes: Any) -> dict[str, Any]:
        """What an order of R9.00 is asked for with."""
        shop = "https://shop.example.com"
        ways = {"successUrl": f"{shop}/paid", "cancelUrl": f"{shop}/cancelled", "failureUrl": f"{shop}/failed"}
        return {"amount": 900, "currency": "ZAR", "externalId": self.reference, **ways} | changes

    def create(self, key: str | None = None, **changes: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post("/api/checkouts", json=self.order(**changes), headers=headers)

    def checkout(self, **changes: Any) -> Fields:
        """A new checkout."""
        fields: Fields = self.create(**changes).raise_for_status().json()
        return fields

    def read(self, checkout: Fields) -> Fields:
        fields: Fields = self.http.get(f"/api/checkouts/{checkout['id']}").raise_for_status().json()
        return fields

    def press(self, checkout: Fields, **typed: str) -> httpx.Response:
        return self.http.post(checkout["redirectUrl"], data=typed)

    def refund(self, checkout: Fields, **body: Any) -> httpx.Response:
        return self.http.post(f"/api/checkouts/{checkout['id']}/refund", json=body or None)

    def subscribe(self, merchant: Merchant) -> None:
        """Have events posted to `merchant` from now on."""
        made = self.http.post("/api/webhooks", json={"name": "shop", "url": merchant.url}).raise_for_status().json()
        self.secret = made["secret"]

    def event(self, posted: Posted) -> Any:
        """What was posted, once the library has verified it."""
        return Webhook(self.secret).verify(posted.body, dict(posted.headers))

    def events(self, merchant: Merchant, count: int = 1) -> list[Any]:
        posted = eventually(lambda: merchant.posted if len(merchant.posted) >= count else None, f"{count} events")
        return [self.event(one) for one in posted[:count]]

    def move(self, checkout: Fields, status: str, **more: Any) -> None:
        """Bring a checkout into `status` by the simulator's control API."""
        self.control("POST", f"transactions/{checkout['id']}/status", status=status, **more)

    def control(self, method: str, path: str, **body: Any) -> Any:
        return self.http.request(method, f"/_control/{path}", json=body or None).raise_for_status().json()


@contextmanager
def simulated(settings: Mapping[str, Any] = SETTINGS, state_dir: Path | None = None) -> Iterator[str]:
    """The base URL of a simulator."""
    with served(build_app(Config.load(dict(settings)), state_dir)) as url:
        yield url


@contextmanager
def visiting(simulator: str, key: str = TEST_KEY) -> Iterator[Shop]:
    """A shop at a simulator that others use as well; no fault and no webhook is left behind."""
    shop = Shop(simulator, key)
    yield shop
    shop.control("DELETE", "faults")
    for one in shop.http.get("/api/webhooks").json()["subscriptions"]:
        shop.http.delete(f"/api/webhooks/{one['id']}")
    shop.http.close()


@contextmanager
def opened(state_dir: Path | None = None, **settings: Any) -> Iterator[Shop]:
    """A shop with a simulator to itself."""
    with simulated(SETTINGS | settings, state_dir) as url, visiting(url) as shop:
        yield shop
