"""Paynow Zimbabwe: EcoCash, OneMoney and InnBucks pushed to the payer's phone, Visa and Mastercard on Paynow's own page.

Requests are forms whose fields are hashed in the order they are sent (`gateways/paynow_wire.py`). Paynow has no field for the
currency: the integration, that is the account, decides it. Sources and open questions: `docs/gateways`.
"""

from urllib.parse import quote

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import (
    BadSignatureError,
    Checkout,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayOutcomeUnknownError,
    Inbound,
    PaymentState,
    UntrustedAddressError,
    UnverifiedUpdate,
)
from gateways.paynow_wire import Message, Pairs, encode_pairs, sign_pairs
from gateways.transport import Transport, is_at

WEB_PATH = "/interface/initiatetransaction"
EXPRESS_PATH = "/interface/remotetransaction"
TRACE_PATH = "/interface/trace"

LONGEST_TRACE = 32
OK = 200

EXPRESS_CODES = {
    PaymentMethod.PAYNOW_ECOCASH: "ecocash",
    PaymentMethod.PAYNOW_ONEMONEY: "onemoney",
    PaymentMethod.PAYNOW_INNBUCKS: "innbucks",
}
WEB_METHODS = frozenset({PaymentMethod.PAYNOW_VISA, PaymentMethod.PAYNOW_MASTERCARD})

INNBUCKS_LINK = "schinn.wbpycode://innbucks.co.zw?pymInnCode="

# Awaiting Delivery and Delivered are paid too: escrow holds the money for the merchant, the payer has parted with it.
# A word that is not listed is UNKNOWN, never a failure: Paynow may add words, and none of them may cancel a payment.
OUTCOMES = {
    "paid": Outcome.PAID,
    "awaiting delivery": Outcome.PAID,
    "delivered": Outcome.PAID,
    "created": Outcome.PENDING,
    "sent": Outcome.PENDING,
    "cancelled": Outcome.DECLINED,
    "failed": Outcome.DECLINED,
    "disputed": Outcome.DISPUTED,
    "refunded": Outcome.REFUNDED,
}


class Paynow(Gateway):
    """Paynow over `transport`; accounts carry the credentials `integration_id` and `integration_key`."""

    name = "paynow"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        """Start a web or express transaction, by the method.

        `Status=Error` is DECLINED with Paynow's words, except where the words are about the trace: then an earlier attempt
        exists, and only a trace tells what became of it.

        Raises:
            InvalidInputError: the request cannot be sent: wrong currency, no phone or e-mail for mobile money, a long trace.
        """
        path = WEB_PATH if request.method in WEB_METHODS else EXPRESS_PATH
        message = self._ask(account, path, checkout_pairs(account, request))
        status = message.require("status")
        if status.lower() == "error":
            return self._refused(message, status)
        self._demand_signature(account, message)
        if status.lower() != "ok":
            raise GatewayOutcomeUnknownError(self.name, f"The checkout was answered with status {status!r}; trace it.")
        return self._opened(account, request, message, status)

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:
        if not is_at(account.base_url, poll_url):
            raise UntrustedAddressError(
                self.name, f"The poll address of account {account.id} is not at {account.base_url}; it was not asked."
            )
        message = self._exchange(poll_url, b"")
        if message.require("status").lower() == "error":
            raise GatewayOutcomeUnknownError(self.name, f"The poll failed: {_words(message)}.")
        self._demand_signature(account, message)
        return _state(account, message)

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        """Look an attempt up by the `merchanttrace` it was sent with.

        A signed `NotFound` gives `found=False` with outcome UNKNOWN; `Trace failed` tells nothing and is an error.
        """
        message = self._ask(
            account,
            TRACE_PATH,
            [("id", _credential(account, "integration_id")), ("merchanttrace", trace.strip()), ("status", "Message")],
        )
        status = message.require("status")
        if status.lower() == "error":
            raise GatewayOutcomeUnknownError(self.name, f"Trace {trace} was not answered: {_words(message)}.")
        self._demand_signature(account, message)
        if status.lower() == "notfound":
            return PaymentState(Outcome.UNKNOWN, gateway_status=status, found=False, raw=message.raw)
        return _state(account, message)

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        """Read reference and event key: (paynowreference, reference, status), as Paynow resends by that and no other id."""
        message = Message(inbound.body)
        reference = message.require("reference")
        parts = (message.require("paynowreference"), reference, message.require("status"))
        return UnverifiedUpdate("/".join(quote(part.lower(), safe=", ") for part in parts), reference)

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        message = Message(inbound.body)
        if not message.is_signed(_credential(account, "integration_key")):
            raise BadSignatureError(
                self.name, f"An update for account {account.id} has no hash or one not made with its integration key."
            )
        message.require("reference")
        message.require("paynowreference")
        return _state(account, message)

    def keepable(self, body: bytes) -> bytes:
        """All but what belongs to a card. Its hash fits no more then, and need not: a kept update is never verified again."""
        return Message(body).raw.encode("utf-8")

    def _ask(self, account: GatewayAccount, path: str, pairs: Pairs) -> Message:
        body = encode_pairs(sign_pairs(pairs, _credential(account, "integration_key")))
        return self._exchange(account.base_url.rstrip("/") + path, body)

    def _exchange(self, url: str, body: bytes) -> Message:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._transport.send(self.name, "POST", url, body=body, headers=headers)
        if answer.status != OK:
            raise GatewayOutcomeUnknownError(self.name, f"The request was answered with HTTP {answer.status}.")
        return Message(answer.body, GatewayOutcomeUnknownError)

    def _demand_signature(self, account: GatewayAccount, message: Message) -> None:
        if not message.is_signed(_credential(account, "integration_key")):
            raise GatewayOutcomeUnknownError(
                self.name, f"A reply for account {account.id} has no hash or one not made with its integration key."
            )

    def _refused(self, message: Message, status: str) -> Checkout:
        reason = _words(message)
        if "trace" in reason.lower() or "duplicate" in reason.lower():
            raise GatewayOutcomeUnknownError(self.name, f"The checkout was refused as a repetition: {reason}.")
        return Checkout(Outcome.DECLINED, gateway_status=status, decline_reason=reason, raw=message.raw)

    def _opened(self, account: GatewayAccount, request: CheckoutRequest, message: Message, status: str) -> Checkout:
        poll_url = message.require("pollurl")
        redirect_url = message.require("browserurl") if request.method in WEB_METHODS else None
        if not all(is_at(account.base_url, url) for url in (poll_url, redirect_url) if url is not None):
            raise GatewayOutcomeUnknownError(
                self.name, f"The reply sends us or the payer to another host than {account.base_url}."
            )
        code = message.get("authorizationcode")
        return Checkout(
            Outcome.PENDING,
            redirect_url=redirect_url,
            instructions=message.get("instructions"),
            authorization_code=code,
            authorization_expires=message.get("authorizationexpires"),
            deep_link=INNBUCKS_LINK + quote(code, safe="") if code else None,
            poll_url=poll_url,
            gateway_reference=message.get("paynowreference"),
            gateway_status=status,
            raw=message.raw,
        )


def checkout_pairs(account: GatewayAccount, request: CheckoutRequest) -> list[tuple[str, str]]:
    """The fields of a checkout in the order in which they are hashed and sent, without the hash.

    Raises:
        InvalidInputError: what Paynow needs is missing, or is not what it takes.
    """
    _check(account, request)
    code = EXPRESS_CODES.get(request.method)
    # Web checkout takes an e-mail too, and then insists in test mode that it is the merchant's own: left out.
    express = [] if code is None else [("authemail", request.email), ("phone", request.phone or ""), ("method", code)]
    pairs = [
        ("resulturl", account.result_url),
        ("returnurl", request.return_url),
        ("reference", request.reference),
        ("amount", request.amount.decimal()),
        ("id", _credential(account, "integration_id")),
        ("additionalinfo", request.description),
        *express,
        ("merchanttrace", request.trace),
        ("status", "Message"),
    ]
    # Some of Paynow's own clients trim before they hash and some do not: trimmed text is the same to all.
    return [(name, " ".join(value.split())) for name, value in pairs if value.strip()]


def _check(account: GatewayAccount, request: CheckoutRequest) -> None:
    if request.method not in EXPRESS_CODES and request.method not in WEB_METHODS:
        raise InvalidInputError("method", f"{request.method.human_name} is not paid through Paynow.")
    if request.amount.currency != account.currency:
        raise InvalidInputError(
            "amount", f"{request.amount} cannot be paid into account {account.id}, which takes {account.currency}."
        )
    if request.amount <= Money.zero(account.currency):
        raise InvalidInputError("amount", f"{request.amount} cannot be collected; it must be above zero.")
    if not request.reference.strip():
        raise InvalidInputError("reference", "Paynow needs a reference to echo in its updates.")
    if not 0 < len(request.trace.strip()) <= LONGEST_TRACE:
        raise InvalidInputError("trace", f"{request.trace!r} must have 1 to {LONGEST_TRACE} characters.")
    if request.method in EXPRESS_CODES:
        _check_payer(request)


def _check_payer(request: CheckoutRequest) -> None:
    if not (request.phone or "").strip():
        raise InvalidInputError("phone", f"{request.method.human_name} needs the payer's phone number, such as 0771234567.")
    if not request.email.strip():
        raise InvalidInputError("email", f"{request.method.human_name} needs the payer's e-mail address.")


def _state(account: GatewayAccount, message: Message) -> PaymentState:
    status = message.require("status")
    poll_url = message.get("pollurl")
    return PaymentState(
        OUTCOMES.get(status.lower(), Outcome.UNKNOWN),
        reference=message.get("reference"),
        gateway_reference=message.get("paynowreference"),
        gateway_status=status,
        amount=message.amount("amount", account.currency),
        fee=_fee(message, account.currency),
        poll_url=poll_url if poll_url and is_at(account.base_url, poll_url) else None,
        raw=message.raw,
    )


def _fee(message: Message, currency: str) -> Money | None:
    """`merchantfees`, which only third parties describe: one that cannot be read must not stop the money it came from."""
    text = message.get("merchantfees")
    try:
        return Money.parse(text, currency) if text else None
    except InvalidInputError:
        return None


def _words(message: Message) -> str:
    return (message.get("error") or "no reason given").rstrip(".")


def _credential(account: GatewayAccount, name: str) -> str:
    try:
        return account.credentials[name].strip()
    except KeyError:
        raise InvalidInputError(name, f"Account {account.id} has no {name}; enter what Paynow issued for it.") from None
