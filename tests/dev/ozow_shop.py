"""A merchant for the tests of the Ozow simulator, which shares no code with it or with our gateway."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from dev.simulators.ozow import build_app
from dev.simulators.ozow_book import Config
from tests.gateways.serving import served

SITE = "TSTSTE0001"
KEY = "215114531AFF7134A94C88CEEA48E"
API_KEY = "EB5758F2C3B4DF3FF4F2669D5FF5B"
OTHER = {"site_code": "CRE-CRE-002", "private_key": "b" * 29, "api_key": "c" * 29}
SETTINGS: dict[str, Any] = {
    "sites": [{"site_code": SITE, "private_key": KEY, "api_key": API_KEY}, OTHER],
    "delay_scale": 0.0,
}

# The documents' tables, written down once more.
REQUESTED = (
    *("SiteCode", "CountryCode", "CurrencyCode", "Amount", "TransactionReference", "BankReference", "Optional1", "Optional5"),
    *("Customer", "CancelUrl", "ErrorUrl", "SuccessUrl", "NotifyUrl", "IsTest", "AllowVariableAmount", "VariableAmountMax"),
)
TOLD = (
    *("SiteCode", "TransactionId", "TransactionReference", "Amount", "Status"),
    *("Optional1", "Optional2", "Optional3", "Optional4", "Optional5", "CurrencyCode", "IsTest", "StatusMessage"),
)

Fields = Mapping[str, str]


class Shop:
    """A merchant written from the documents alone.

    Attributes:
        reference: of its orders, unless they say otherwise.
    """

    def __init__(self, base_url: str) -> None:
        self.reference = f"Order {secrets.token_hex(4)}"
        self.http = httpx.Client(base_url=base_url, trust_env=False, follow_redirects=False)

    def fields(self, **changes: object) -> dict[str, object]:
        """A payment request with its hash; what is changed to None is left out."""
        made: dict[str, object] = {
            "SiteCode": SITE,
            "CountryCode": "ZA",
            "CurrencyCode": "ZAR",
            "Amount": "25.00",
            "TransactionReference": self.reference,
            "BankReference": "Order 1",
            "CancelUrl": "https://shop.example.com/cancelled",
            "ErrorUrl": "https://shop.example.com/failed",
            "SuccessUrl": "https://shop.example.com/paid?order=1&by=ozow",
            "IsTest": "false",
        } | changes
        sent = {name: value for name, value in made.items() if value is not None}
        values = [
            sent[name] for name in REQUESTED if name in sent and not (name == "AllowVariableAmount" and sent[name] is False)
        ]
        return {"HashCheck": hashed("".join(map(str, values))), **sent}

    def ask(self, **changes: object) -> dict[str, Any]:
        """Ask for a payment by server call."""
        headers = {"ApiKey": API_KEY, "Accept": "application/json"}
        answer = self.http.post("/PostPaymentRequest", json=self.fields(**changes), headers=headers)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    def rows(self, *, is_test: bool = False, reference: str = "") -> list[dict[str, Any]]:
        query = {"siteCode": SITE, "transactionReference": reference or self.reference} | (
            {"isTest": "true"} if is_test else {}
        )
        answer = self.http.get("/GetTransactionByReference", params=query, headers={"ApiKey": API_KEY})
        listed: list[dict[str, Any]] = answer.raise_for_status().json()
        return listed

    def press(self, made: Mapping[str, Any], **pressed: str) -> str:
        """Press a button of the payment page; the page that comes."""
        return self.http.post(made["url"], data=pressed).raise_for_status().text

    def pay(self, made: Mapping[str, Any]) -> str:
        self.press(made, decision="bank", bank="FNB")
        return self.press(made, decision="approve")

    def move(self, name: str, status: str) -> None:
        self.control("POST", f"transactions/{name}/status", status=status)

    def control(self, method: str, path: str, **body: object) -> Any:
        return self.http.request(method, f"/_control/{path}", json=body or None).raise_for_status().json()


def hashed(text: str) -> str:
    return hashlib.sha512((text + KEY).lower().encode()).hexdigest()


def genuine(message: bytes | Fields) -> Fields:
    """The fields of a notification, or of what the browser posts, whose hash is right."""
    fields = dict(parse_qsl(message.decode(), keep_blank_values=True)) if isinstance(message, bytes) else dict(message)
    assert fields["Hash"] == hashed("".join(fields[name] for name in TOLD))
    return fields


def posted_back(page: str) -> tuple[str, Fields]:
    """Where a page makes the browser post to, and what."""
    action = re.search(r'<form id="back" method="post" action="([^"]*)">', page)
    assert action is not None
    assert 'getElementById("back").submit()' in page
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return unescape(action[1]), {unescape(name): unescape(value) for name, value in inputs}


@contextmanager
def opened(settings: Mapping[str, Any] = SETTINGS, state_dir: Path | None = None) -> Iterator[Shop]:
    """A shop with a simulator to itself."""
    with served(build_app(Config.load(dict(settings)), state_dir)) as url:
        shop = Shop(url)
        yield shop
        shop.http.close()


@contextmanager
def visiting(simulator: str) -> Iterator[Shop]:
    """A shop of its own at a simulator that others use as well; no fault is left behind."""
    shop = Shop(simulator)
    yield shop
    shop.control("DELETE", "faults")
    shop.http.close()
