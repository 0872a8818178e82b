"""A merchant for the tests of the Paynow simulator, which shares no code with it or with our gateway."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from dev.simulators.paynow import build_app
from dev.simulators.paynow_book import Config
from tests.gateways.serving import served

ID = "1201"
KEY = "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"
SETTINGS: dict[str, Any] = {"integrations": [{"id": 1201, "key": KEY.upper(), "currency": "USD"}], "delay_scale": 0.0}

Fields = Mapping[str, str]


class Shop:
    """A merchant written from the documents alone.

    Attributes:
        reference: of its orders, unless they say otherwise.
        mark: a `merchanttrace` that nobody else uses.
    """

    def __init__(self, base_url: str) -> None:
        self.reference = f"Order {secrets.token_hex(4)}"
        self.mark = secrets.token_hex(16)
        self.http = httpx.Client(base_url=base_url, trust_env=False, follow_redirects=False)

    def send(self, path: str, **fields: str) -> str:
        values = "".join(fields.values())
        fields["hash"] = hashlib.sha512(f"{values}{KEY}".encode()).hexdigest().upper()
        return self.http.post(path, data=fields).raise_for_status().text

    def web(self, **changes: str) -> str:
        fields = {"id": ID, "reference": self.reference, "amount": "25.00", "returnurl": "https://shop.example.com/back"}
        return self.send("/interface/initiatetransaction", **(fields | {"resulturl": ""} | changes | {"status": "Message"}))

    def express(self, **changes: str) -> str:
        fields = {"id": ID, "reference": self.reference, "amount": "25.00", "authemail": "a@b.com", "phone": "0771234567"}
        return self.send("/interface/remotetransaction", **(fields | {"method": "ecocash"} | changes | {"status": "Message"}))

    def trace(self, trace: str) -> Fields:
        return genuine(self.send("/interface/trace", id=ID, merchanttrace=trace, status="Message"))

    def move(self, status: str, **more: object) -> None:
        """Bring the transaction into `status` by the simulator's control API."""
        self.control("POST", f"transactions/{self.reference}/status", status=status, **more)

    def poll(self, reply: str) -> Fields:
        return genuine(self.http.post(genuine(reply)["pollurl"]).text)

    def control(self, method: str, path: str, **body: object) -> Any:
        answer = self.http.request(method, f"/_control/{path}", json=body or None)
        return answer.raise_for_status().json()


def genuine(message: str) -> Fields:
    """The fields of a message whose hash is right."""
    pairs = parse_qsl(message, keep_blank_values=True)
    values = "".join(value for name, value in pairs if name != "hash")
    assert dict(pairs)["hash"] == hashlib.sha512(f"{values}{KEY}".encode()).hexdigest().upper()
    return dict(pairs)


def refused(message: str) -> str:
    """The reason in an error, which is never signed."""
    fields = dict(parse_qsl(message))
    assert fields["status"] == "Error"
    assert "hash" not in fields
    return fields["error"]


@contextmanager
def simulated(settings: Mapping[str, Any] = SETTINGS, state_dir: Path | None = None) -> Iterator[str]:
    """The base URL of a simulator."""
    with served(build_app(Config.load(dict(settings)), state_dir)) as url:
        yield url


@contextmanager
def visiting(simulator: str) -> Iterator[Shop]:
    """A shop of its own at a simulator that others use as well; no fault is left behind."""
    shop = Shop(simulator)
    yield shop
    shop.control("DELETE", "faults")
    shop.http.close()


@contextmanager
def opened(settings: Mapping[str, Any], state_dir: Path | None = None) -> Iterator[Shop]:
    """A shop with a simulator to itself."""
    with simulated(settings, state_dir) as url, visiting(url) as shop:
        yield shop
