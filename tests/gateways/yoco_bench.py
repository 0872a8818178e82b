"""Yoco at the contract's bench: its simulator reached over HTTP, and its faults under our names."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from dev.simulators.yoco import build_app
from dev.simulators.yoco_book import Config
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import Checkout, CheckoutRequest, GatewayAccount
from gateways.transport import Transport
from gateways.yoco import Yoco
from gateways.yoco_webhooks import delete_webhook, register_webhook
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.serving import Merchant, Posted, served

SECRET_KEY = "sk_test_960bfde0VBrLlpK098e4ffeb53e1"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

OPERATIONS = {Door.OPEN: "create", Door.POLL: "poll", Door.UPDATE: "event"}

KINDS = {
    Fault.SLOW: "latency",
    Fault.SERVER_ERROR: "http_500",
    Fault.HTML: "html",
    Fault.LOST_ANSWER: "drop_after_effect",
    Fault.SILENCE: "never",
    Fault.DUPLICATE: "duplicate",
    Fault.OUT_OF_ORDER: "out_of_order",
    Fault.WRONG_SIGNATURE: "wrong_signature",
    Fault.NO_SIGNATURE: "no_signature",
    Fault.OTHER_AMOUNT: "amount_changed",
    Fault.OTHER_CURRENCY: "currency_changed",
    Fault.OTHER_MODE: "mode_changed",
    Fault.FOREIGN_ADDRESS: "foreign_url",
}

STATUSES = {Outcome.PAID: "completed", Outcome.DECLINED: "declined", Outcome.REFUNDED: "refunded"}

GOOD_CARD = {"number": "4111 1111 1111 1111", "expiry": "08/39", "cvc": "123"}
DECLINED_CARD = GOOD_CARD | {"number": "4000 0000 0000 0002"}


class YocoBench(Bench):
    """Yoco against its simulator; the merchant is registered as the account's webhook while the bench is open."""

    asks_at = (Door.POLL,)
    told_by_update = frozenset({Outcome.REFUNDED})

    def __init__(self, account: GatewayAccount, merchant: Merchant, patient: Transport, impatient: Transport) -> None:
        super().__init__()
        registered = register_webhook(patient, account, merchant.url, "bench")
        self.account = replace(account, credentials={**account.credentials, "webhook_secret": registered.secret})
        self.merchant = merchant
        self.gateway = Yoco(patient)
        self.impatient = Yoco(impatient)
        self.http = httpx.Client(base_url=account.base_url.removesuffix("/api"), trust_env=False, follow_redirects=False)
        self._transport = patient
        self._registration = registered.id
        self._checkouts: dict[str, str | None] = {}

    def close(self) -> None:
        self.forget_faults()
        self.http.close()
        delete_webhook(self._transport, self.account, self._registration)

    def request(self) -> CheckoutRequest:
        mark = secrets.token_hex(8)
        return CheckoutRequest(
            reference=f"CVT-000012/é & 50% {mark}",
            trace=mark,
            amount=Money(149_50, "ZAR"),
            method=PaymentMethod.YOCO,
            description="Invoice CVT-000012, July 2026",
            return_url="https://billing.example.com/pay/pay_1",
            email="payer@example.com",
        )

    def adopt(self, reference: str, checkout: Checkout) -> None:
        super().adopt(reference, checkout)
        self._checkouts[reference] = checkout.checkout_id

    def is_about(self, posted: Posted, reference: str) -> bool:
        return self.gateway.read_update(posted.inbound()).checkout_id == self._checkouts[reference]

    def arm(self, door: Door, fault: Fault) -> None:
        self.control("faults", operation=OPERATIONS[door], kind=KINDS[fault], value=1.5 if fault is Fault.SLOW else None)

    def decide(self, reference: str, outcome: Outcome) -> None:
        self.control(f"transactions/{quote(reference)}/status", status=STATUSES[outcome])

    def pay(self, reference: str) -> None:
        answer = self.press(reference, GOOD_CARD)
        assert answer.headers["location"] == "https://billing.example.com/pay/pay_1?back=paid"

    def cancel(self, reference: str) -> None:
        answer = self.press(reference, {"decision": "cancel"})
        assert answer.headers["location"] == "https://billing.example.com/pay/pay_1?back=cancelled"

    def resend(self, reference: str) -> None:
        self.control(f"transactions/{quote(reference)}/resend")

    def payments(self, reference: str) -> int:
        shown = self.http.get("/_control/transactions").json()["transactions"]
        return len([checkout for checkout in shown if checkout["reference"] == reference])

    def paid(self, reference: str) -> int:
        shown = self.http.get("/_control/transactions").json()["transactions"]
        return len([checkout for checkout in shown if checkout["reference"] == reference and checkout["status"] == "completed"])

    def forget_faults(self) -> None:
        self.http.delete("/_control/faults").raise_for_status()

    def tampered(self, update: Posted) -> list[Posted]:
        event = json.loads(update.body)
        fewer = {name: value for name, value in event.items() if name != "createdDate"}
        bodies = [
            update.body.replace(b'"amount":14950', b'"amount":14951'),
            update.body.replace(b'"type":"payment.succeeded"', b'"type":"payment.succeeded","extra":1'),
            json.dumps(fewer, separators=(",", ":")).encode(),
        ]
        return [replace(update, body=body) for body in bodies]

    def other_credentials(self) -> Mapping[str, str]:
        return {**self.account.credentials, "webhook_secret": OTHER_SECRET}

    def press(self, reference: str, typed: Mapping[str, str]) -> httpx.Response:
        """Send the form on a checkout's page."""
        return self.http.post(self.shown(reference)["pageUrl"], data=dict(typed))

    def shown(self, reference: str) -> dict[str, Any]:
        """A checkout as the control API shows it."""
        shown: dict[str, Any] = self.http.get(f"/_control/transactions/{quote(reference)}").raise_for_status().json()
        return shown

    def control(self, path: str, **order: object) -> None:
        self.http.post(f"/_control/{path}", json=order).raise_for_status()


@contextmanager
def yoco_served(**settings: object) -> Iterator[GatewayAccount]:
    """An account at a simulator of its own, without a webhook."""
    config = {"accounts": [{"secret_key": SECRET_KEY}], "delay_scale": 0.01, **settings}
    with served(build_app(Config.load(config))) as url:
        yield GatewayAccount(
            id="gwa_yoco",
            gateway="yoco",
            currency="ZAR",
            base_url=f"{url}/api",
            result_url="",
            credentials={"secret_key": SECRET_KEY, "webhook_secret": ""},
        )
