"""PayFast at the contract's bench: its simulator reached over HTTP as a payer's browser is, and its faults under our names."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from typeid import TypeID

from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import Checkout, CheckoutRequest, GatewayAccount
from gateways.payfast import Payfast
from gateways.payfast_wire import itn_signature
from gateways.transport import Transport
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.serving import Merchant, Posted

MERCHANT_ID = "10000100"
MERCHANT_KEY = "46f0cd694581a"
PASSPHRASE = "jt7NOE43FZPn"
SETTINGS = {
    "merchants": [
        {"merchant_id": MERCHANT_ID, "merchant_key": MERCHANT_KEY, "passphrase": PASSPHRASE},
        {"merchant_id": "10000200", "merchant_key": "0123456789abc"},
    ],
    "delay_scale": 0.0001,
}

OPERATIONS = {Door.TRACE: "history", Door.CONFIRM: "validate", Door.UPDATE: "itn"}
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
}
STATUSES = {Outcome.PAID: "COMPLETE", Outcome.DECLINED: "FAILED", Outcome.PENDING: "PENDING"}


def account_at(base_url: str, result_url: str, **credentials: str) -> GatewayAccount:
    """An account of the simulator's first merchant, unless `credentials` say otherwise."""
    own = {"merchant_id": MERCHANT_ID, "merchant_key": MERCHANT_KEY, "passphrase": PASSPHRASE}
    return GatewayAccount(
        id="gwa_test",
        gateway="payfast",
        currency="ZAR",
        base_url=base_url,
        result_url=result_url,
        credentials=own | credentials,
        update_sources=("127.0.0.0/8",),
    )


class PayfastBench(Bench):
    """PayFast against its simulator; its checkout is a form that this bench posts as the payer's browser."""

    asks_at = (Door.CONFIRM, Door.TRACE)
    told_by_update = frozenset({Outcome.PENDING})

    def __init__(self, account: GatewayAccount, merchant: Merchant, patient: Transport, impatient: Transport) -> None:
        super().__init__()
        self.account = account
        self.merchant = merchant
        self.gateway = Payfast(patient)
        self.impatient = Payfast(impatient)
        self._forms: dict[str, tuple[tuple[str, str], ...]] = {}
        self._http = httpx.Client(base_url=account.base_url, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self.forget_faults()
        self._http.close()

    def request(self) -> CheckoutRequest:
        mark = str(TypeID(prefix="gtx"))
        return CheckoutRequest(
            reference=mark,
            trace=mark,
            amount=Money(12_50, "ZAR"),
            method=PaymentMethod.PAYFAST,
            description="O'Neil & Müller (July) ~ 50 %",
            return_url="https://billing.example.com/pay/pay_1?from=payfast",
            email="payer@example.com",
        )

    def adopt(self, reference: str, checkout: Checkout) -> None:
        super().adopt(reference, checkout)
        assert checkout.form is not None
        self._forms[reference] = checkout.form

    def arm(self, door: Door, fault: Fault) -> None:
        order = {"operation": OPERATIONS[door], "kind": KINDS[fault], "value": 1.5 if fault is Fault.SLOW else None}
        self._http.post("/_control/faults", json=order).raise_for_status()

    def decide(self, reference: str, outcome: Outcome) -> None:
        if self.payments(reference) == 0:
            self.arrive(reference)
        path = f"/_control/transactions/{quote(reference)}/status"
        self._http.post(path, json={"status": STATUSES[outcome]}).raise_for_status()

    def arrive(self, reference: str) -> str:
        """Post the form as the payer's browser does; the address of the page that it leads to."""
        handover = self.gateway.handover(self.account, self._forms[reference])
        answer = self._http.post(handover.action, data=dict(handover.fields))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def pay(self, reference: str) -> None:
        self._press(reference, "pay", "back=paid")

    def cancel(self, reference: str) -> None:
        self._press(reference, "cancel", "back=cancelled")

    def resend(self, reference: str) -> None:
        self._http.post(f"/_control/transactions/{quote(reference)}/resend").raise_for_status()

    def payments(self, reference: str) -> int:
        shown = self._http.get("/_control/transactions").json()["transactions"]
        return len([payment for payment in shown if payment["fields"]["m_payment_id"] == reference])

    def paid(self, reference: str) -> int:
        shown = self._http.get("/_control/transactions").json()["transactions"]
        return len([one for one in shown if one["fields"]["m_payment_id"] == reference and one["status"] == "COMPLETE"])

    def forget_faults(self) -> None:
        self._http.delete("/_control/faults").raise_for_status()

    def tampered(self, update: Posted) -> list[Posted]:
        pairs = parse_qsl(update.body.decode(), keep_blank_values=True)
        changed = [(name, "0.01" if name == "amount_gross" else value) for name, value in pairs]
        added = [*pairs[:-1], ("token", "5a538bc0"), pairs[-1]]
        removed = [(name, value) for name, value in pairs if name != "custom_int3"]
        reordered = [pairs[1], pairs[0], *pairs[2:]]
        return [Posted(urlencode(touched).encode(), update.headers) for touched in (changed, added, removed, reordered)]

    def other_credentials(self) -> Mapping[str, str]:
        return {name: f"{credential}0" for name, credential in self.account.credentials.items()}

    def forged(self, request: CheckoutRequest) -> Posted:
        """An update that is signed as it should be, of a payment that PayFast knows nothing of."""
        told = {
            "m_payment_id": request.reference,
            "pf_payment_id": "999",
            "payment_status": "COMPLETE",
            "amount_gross": request.amount.decimal(),
            "merchant_id": self.account.credentials["merchant_id"],
        }
        signature = itn_signature(list(told.items()), self.account.credentials["passphrase"])
        return Posted(urlencode(told | {"signature": signature}).encode(), {})

    def refuse_confirmation(self) -> None:
        """Let PayFast's server call the next update INVALID."""
        self._http.post("/_control/faults", json={"operation": "validate", "kind": "invalid"}).raise_for_status()

    def name_another_merchant(self) -> None:
        """Let the next update name another merchant, signed all the same."""
        self._http.post("/_control/faults", json={"operation": "itn", "kind": "other_merchant"}).raise_for_status()

    def _press(self, reference: str, decision: str, back: str) -> None:
        answer = self._http.post(self.arrive(reference), data={"decision": decision, "method": "cc"})
        assert answer.headers["location"].endswith(back)
