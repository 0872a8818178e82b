"""Ozow at the contract's bench: its simulator reached over HTTP, and its faults under our names."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import httpx

from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import Checkout, CheckoutRequest, GatewayAccount
from gateways.ozow import Ozow
from gateways.transport import Transport
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.serving import Merchant, Posted

SITE_CODE = "TSTSTE0001"
PRIVATE_KEY = "215114531AFF7134A94C88CEEA48E"  # of Ozow's public test site
API_KEY = "EB5758F2C3B4DF3FF4F2669D5FF5B"
CREDENTIALS = {"site_code": SITE_CODE, "private_key": PRIVATE_KEY, "api_key": API_KEY}
SETTINGS: dict[str, Any] = {"sites": [CREDENTIALS], "delay_scale": 0.01}

OPERATIONS = {Door.OPEN: "request", Door.POLL: "by_reference", Door.TRACE: "by_reference", Door.UPDATE: "notification"}

KINDS = {
    Fault.SLOW: "latency",
    Fault.SERVER_ERROR: "http_500",
    Fault.HTML: "html",
    Fault.LOST_ANSWER: "drop_after_effect",
    Fault.SILENCE: "never",
    Fault.DUPLICATE: "duplicate",
    Fault.OUT_OF_ORDER: "out_of_order",
    Fault.WRONG_SIGNATURE: "wrong_hash",
    Fault.NO_SIGNATURE: "no_hash",
    Fault.OTHER_AMOUNT: "amount_changed",
    Fault.OTHER_CURRENCY: "currency_changed",
    Fault.OTHER_MODE: "mode_changed",
    Fault.FOREIGN_ADDRESS: "foreign_url",
}

STATUSES = {Outcome.PAID: "Complete", Outcome.DECLINED: "Error", Outcome.PENDING: "PendingInvestigation"}


class OzowBench(Bench):
    """Ozow against its simulator, with a live account or one that makes test payments."""

    asks_at = (Door.POLL, Door.TRACE)
    told_by_update = frozenset({Outcome.DECLINED, Outcome.PENDING})

    def __init__(self, account: GatewayAccount, merchant: Merchant, patient: Transport, impatient: Transport) -> None:
        super().__init__()
        self.account = account
        self.merchant = merchant
        self.gateway = Ozow(patient)
        self.impatient = Ozow(impatient)
        self._known: set[str | None] = set()
        self._http = httpx.Client(base_url=account.base_url, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self.forget_faults()
        self._http.close()

    def request(self) -> CheckoutRequest:
        mark = f"att_{secrets.token_hex(12)}"
        return CheckoutRequest(
            reference=mark,
            trace=mark,
            amount=Money(12_50, "ZAR"),
            method=PaymentMethod.OZOW,
            description="Invoice CRE-000012, July 2026",
            return_url="https://billing.example.com/pay/pay_1?from=ozow",
            email="payer@example.com",
        )

    def adopt(self, reference: str, checkout: Checkout) -> None:
        super().adopt(reference, checkout)
        self._known.add(checkout.checkout_id)

    def arm(self, door: Door, fault: Fault) -> None:
        order = {"operation": OPERATIONS[door], "kind": KINDS[fault], "value": 1.5 if fault is Fault.SLOW else None}
        self._http.post("/_control/faults", json=order).raise_for_status()

    def decide(self, reference: str, outcome: Outcome) -> None:
        self.move(reference, STATUSES[outcome])

    def move(self, name: str, status: str) -> None:
        """Bring the newest try, or the transaction that is named, into Ozow's `status`."""
        self._http.post(f"/_control/transactions/{quote(name)}/status", json={"status": status}).raise_for_status()

    def shown(self, reference: str) -> dict[str, Any]:
        """The payment request as the simulator knows it."""
        shown: dict[str, Any] = self._http.get(f"/_control/transactions/{quote(reference)}").raise_for_status().json()
        return shown

    def pay(self, reference: str) -> None:
        shown = self.shown(reference)
        if shown["is_test"]:
            page = self._press(shown, decision="Complete")
        else:
            self._press(shown, decision="bank", bank="Capitec")
            page = self._press(shown, decision="approve")
        assert "back=paid" in page

    def cancel(self, reference: str) -> None:
        shown = self.shown(reference)
        page = self._press(shown, decision="Cancelled" if shown["is_test"] else "cancel")
        assert "back=cancelled" in page

    def resend(self, reference: str) -> None:
        self._http.post(f"/_control/transactions/{quote(reference)}/resend").raise_for_status()

    def payments(self, reference: str) -> int:
        """Ozow takes a reference twice; of two payment requests only one whose address came back can be paid."""
        listed = self._http.get("/_control/transactions").json()["transactions"]
        made = {request["paymentRequestId"] for request in listed if request["reference"] == reference}
        return len(made & self._known) if made & self._known else len(made)

    def paid(self, reference: str) -> int:
        listed = self._http.get("/_control/transactions").json()["transactions"]
        tries = [one for request in listed if request["reference"] == reference for one in request["transactions"]]
        return len([one for one in tries if one["status"] == "Complete"])

    def forget_faults(self) -> None:
        self._http.delete("/_control/faults").raise_for_status()

    def tampered(self, update: Posted) -> list[Posted]:
        """The hash covers a fixed list of fields: the field that is added is one of that list, which came empty."""
        pairs = parse_qsl(update.body.decode(), keep_blank_values=True)
        changed = [(name, "0.01" if name == "Amount" else value) for name, value in pairs]
        added = [(name, "more" if name == "Optional1" else value) for name, value in pairs]
        removed = [(name, value) for name, value in pairs if name != "CurrencyCode"]
        return [Posted(urlencode(touched).encode(), update.headers) for touched in (changed, added, removed)]

    def other_credentials(self) -> Mapping[str, str]:
        return {"site_code": "TSTSTE0002", "private_key": "0" * 29, "api_key": "F" * 29}

    def _press(self, shown: Mapping[str, Any], **pressed: str) -> str:
        return self._http.post(shown["url"], data=pressed).raise_for_status().text
