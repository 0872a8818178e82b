"""Paynow at the contract's bench: its simulator reached over HTTP, and its faults under our names."""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

import httpx

from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import CheckoutRequest, GatewayAccount
from gateways.paynow import Paynow
from gateways.transport import Transport
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.serving import Merchant, Posted

PAYNOW_ID = "1201"
PAYNOW_KEY = "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"

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
    Fault.FOREIGN_ADDRESS: "foreign_url",
}

STATUSES = {
    Outcome.PAID: "Awaiting Delivery",
    Outcome.DECLINED: "Failed",
    Outcome.DISPUTED: "Disputed",
    Outcome.REFUNDED: "Refunded",
}


class PaynowBench(Bench):
    """Paynow against its simulator. Web and express differ in the request alone."""

    asks_at = (Door.POLL, Door.TRACE)
    told_by_update = frozenset({Outcome.DECLINED, Outcome.DISPUTED, Outcome.REFUNDED})

    def __init__(
        self, account: GatewayAccount, merchant: Merchant, method: PaymentMethod, patient: Transport, impatient: Transport
    ) -> None:
        super().__init__()
        self.account = account
        self.merchant = merchant
        self.gateway = Paynow(patient)
        self.impatient = Paynow(impatient)
        self._method = method
        self._operation = "initiate" if method is PaymentMethod.PAYNOW_VISA else "remote"
        self._http = httpx.Client(base_url=account.base_url, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self.forget_faults()
        self._http.close()

    def request(self) -> CheckoutRequest:
        mark = secrets.token_hex(8)
        return CheckoutRequest(
            reference=f"CVT-000012/é & 50% {mark}",
            trace=mark,
            amount=Money(12_50, "USD"),
            method=self._method,
            description="Invoice CVT-000012, July 2026",
            return_url="https://billing.example.com/pay/pay_1?back=1&from=paynow",
            email="payer@example.com",
            phone="0771234567",
        )

    def arm(self, door: Door, fault: Fault) -> None:
        operation = self._operation if door is Door.OPEN else door.value
        order = {"operation": operation, "kind": KINDS[fault], "value": 1.5 if fault is Fault.SLOW else None}
        self._http.post("/_control/faults", json=order).raise_for_status()

    def decide(self, reference: str, outcome: Outcome) -> None:
        path = f"/_control/transactions/{quote(reference)}/status"
        self._http.post(path, json={"status": STATUSES[outcome]}).raise_for_status()

    def pay(self, reference: str) -> None:
        self._press(reference, "pay")

    def cancel(self, reference: str) -> None:
        self._press(reference, "cancel")

    def resend(self, reference: str) -> None:
        self._http.post(f"/_control/transactions/{quote(reference)}/resend").raise_for_status()

    def payments(self, reference: str) -> int:
        shown = self._http.get("/_control/transactions").json()["transactions"]
        return len([transaction for transaction in shown if transaction["reference"] == reference])

    def paid(self, reference: str) -> int:
        shown = self._http.get("/_control/transactions").json()["transactions"]
        paid = {"Paid", "Awaiting Delivery", "Delivered"}
        return len([one for one in shown if one["reference"] == reference and one["status"] in paid])

    def forget_faults(self) -> None:
        self._http.delete("/_control/faults").raise_for_status()

    def tampered(self, update: Posted) -> list[Posted]:
        pairs = parse_qsl(update.body.decode())
        changed = [(name, "0.01" if name == "amount" else value) for name, value in pairs]
        added = [*pairs[:-1], ("paymentchannel", "Ecocash"), pairs[-1]]
        removed = [(name, value) for name, value in pairs if name != "pollurl"]
        return [Posted(urlencode(touched).encode(), update.headers) for touched in (changed, added, removed)]

    def other_credentials(self) -> Mapping[str, str]:
        return {name: f"{credential}0" for name, credential in self.account.credentials.items()}

    def _press(self, reference: str, decision: str) -> None:
        transaction = self._http.get(f"/_control/transactions/{quote(reference)}").json()
        answer = self._http.post(transaction["browserurl"], data={"decision": decision})
        assert answer.headers["location"] == transaction["returnurl"]
