"""A merchant for the tests of the PayFast simulator, written from the documents: it shares no code with it or our gateway."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import httpx

from dev.simulators.payfast import build_app
from dev.simulators.payfast_book import Config
from tests.gateways.serving import served

ID = "10000100"
KEY = "46f0cd694581a"
PASSPHRASE = "jt7NOE43FZPn"
SETTINGS: dict[str, Any] = {
    "merchants": [
        {"merchant_id": ID, "merchant_key": KEY, "passphrase": PASSPHRASE},
        {"merchant_id": 10000200, "merchant_key": "0123456789abc"},
    ],
    "delay_scale": 0.0,
}

Fields = Mapping[str, str]


def encoded(value: str) -> str:
    return quote_plus(value).replace("~", "%7E")


def as_php(value: object) -> str:
    """The text that PHP makes of a value."""
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


def md5(text: str) -> str:
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def signed(fields: Fields, passphrase: str = PASSPHRASE) -> dict[str, str]:
    """A checkout form with its signature, as the documents describe it."""
    text = "&".join(f"{name}={encoded(value.strip())}" for name, value in fields.items() if value.strip())
    return dict(fields) | {"signature": md5(f"{text}&passphrase={encoded(passphrase)}" if passphrase else text)}


def genuine(body: bytes, passphrase: str = PASSPHRASE) -> Fields:
    """The fields of an ITN whose signature is right."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    text = "&".join(f"{name}={encoded(value)}" for name, value in pairs if name != "signature")
    assert pairs[-1] == ("signature", md5(f"{text}&passphrase={encoded(passphrase)}" if passphrase else text))
    return dict(pairs)


class Shop:
    """A merchant with orders.

    Attributes:
        reference: of its order.
        notify_url: where it wants its ITNs.
    """

    def __init__(self, base_url: str, notify_url: str = "") -> None:
        self.reference = f"Order {secrets.token_hex(4)}"
        self.notify_url = notify_url
        self.http = httpx.Client(base_url=base_url, trust_env=False, follow_redirects=False)

    def fields(self, **changes: str) -> dict[str, str]:
        order = {
            "merchant_id": ID,
            "merchant_key": KEY,
            "return_url": "https://shop.example.com/back?a=1&b=2",
            "cancel_url": "https://shop.example.com/cancelled",
            "notify_url": self.notify_url,
            "name_first": "Th\xe4ndi",
            "email_address": "sbtu01@payfast.co.za",
            "m_payment_id": self.reference,
            "amount": "149.50",
            "item_name": "O'Neil's ~ tickets (2)",
            "custom_int1": "7",
            "custom_str1": "a b&c=d",
        }
        return {name: value for name, value in (order | changes).items() if value}

    def send(self, **changes: str) -> httpx.Response:
        return self.http.post("/eng/process", data=signed(self.fields(**changes)))

    def page(self, **changes: str) -> str:
        """The address of the page that an order leads to."""
        answer = self.send(**changes)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def press(self, page: str, decision: str = "pay", method: str = "cc") -> httpx.Response:
        return self.http.post(page, data={"decision": decision, "method": method})

    def api(
        self, method: str, path: str, query: Fields | None = None, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """A call of the API, signed as the documents describe it."""
        headers = {"merchant-id": ID, "version": "v1", "timestamp": "2026-01-15T12:00:00+0200"}
        told = {**headers, **(query or {}), **(body or {}), "passphrase": PASSPHRASE}
        headers["signature"] = md5("&".join(f"{name}={encoded(as_php(told[name]))}" for name in sorted(told)))
        return self.http.request(method, path, headers=headers, params=query, json=body)

    def control(self, method: str, path: str, **body: object) -> Any:
        answer = self.http.request(method, f"/_control/{path}", json=body or None)
        return answer.raise_for_status().json()

    def shown(self) -> Any:
        """Its newest payment as the control API shows it."""
        return self.control("GET", f"transactions/{self.reference}")


@contextmanager
def simulated(settings: Mapping[str, Any] = SETTINGS, state_dir: Path | None = None) -> Iterator[str]:
    """The base URL of a simulator."""
    with served(build_app(Config.load(dict(settings)), state_dir)) as url:
        yield url


@contextmanager
def visiting(simulator: str, notify_url: str = "") -> Iterator[Shop]:
    """A shop of its own at a simulator that others use as well; no fault is left behind."""
    shop = Shop(simulator, notify_url)
    yield shop
    shop.control("DELETE", "faults")
    shop.http.close()
