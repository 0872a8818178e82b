"""Ozow (South Africa): the payer pays from a bank account, by instant EFT on Ozow's own page.

A payment request is asked for by a server call and answered with the page's address; every try of the payer there is a
transaction with an id of its own, under our reference. Notifications only say that there is news: the status API is asked, as
Ozow recommends against forgery. Hash and messages are in `gateways/ozow_wire.py`; sources and open questions: `docs/gateways`.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

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
    back_url,
)
from gateways.ozow_wire import Answer, Notification, bank_reference, money, oldest_first, read_json, request_hash
from gateways.transport import Transport, is_at

REQUEST_PATH = "/PostPaymentRequest"
STATUS_PATH = "/GetTransactionByReference"

CURRENCY = "ZAR"
LARGEST_AMOUNT = Money(9_999_999_99, CURRENCY)  # decimal(9,2)
LONGEST_REFERENCE = 50
LONGEST_URL = 150

# How many transactions the status API lists at most.
LONGEST_LIST = 10

OK = 200
KEY_REFUSED = frozenset({401, 403})
# Where an errorMessage is Ozow's word on the request, and not about the traffic.
ANSWERED = frozenset({OK, 400, 422})

# A word that is not listed is UNKNOWN, never a failure: Ozow may add words, and none of them may cancel a payment.
OUTCOMES = {
    "complete": Outcome.PAID,
    "pending": Outcome.PENDING,
    "pendinginvestigation": Outcome.PENDING,
    "cancelled": Outcome.DECLINED,
    "error": Outcome.DECLINED,
    "abandoned": Outcome.DECLINED,
}


class Ozow(Gateway):
    """Ozow over `transport`; accounts carry the credentials `site_code`, `private_key`, `api_key` and may carry `is_test`.

    Sending a request again is safe: nobody can pay one whose address was never handed out. Our trace is our reference.
    """

    name = "ozow"
    resending_is_safe = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        """Ask for a payment page. An `errorMessage` is DECLINED with Ozow's words, whatever the HTTP status says.

        Raises:
            InvalidInputError: the request cannot be sent, or Ozow does not take the account's API key.
        """
        fields = checkout_fields(account, request)
        status, body = self._send(account, "POST", account.base_url.rstrip("/") + REQUEST_PATH, json.dumps(fields).encode())
        if status in KEY_REFUSED and not body.lstrip().startswith(b"<"):  # a page is a firewall's, and says nothing of keys
            raise InvalidInputError("api_key", f"Ozow does not take the API key of account {account.id} (HTTP {status}).")
        if status not in ANSWERED:
            raise GatewayOutcomeUnknownError(self.name, f"The payment request was answered with HTTP {status}.")
        answer, raw = Answer(read_json(body)), body.decode("utf-8")
        reason = answer.reason("errorMessage")
        if reason is not None:
            return Checkout(Outcome.DECLINED, decline_reason=reason, raw=raw)
        if status != OK:
            raise GatewayOutcomeUnknownError(self.name, f"The payment request was answered with HTTP {status} and no reason.")
        url = answer.require("url")
        if not (is_at(account.base_url, url) or _is_ozows(url)):
            raise GatewayOutcomeUnknownError(self.name, "The answer sends the payer to a host that is not Ozow's.")
        return Checkout(
            Outcome.PENDING,
            redirect_url=url,
            checkout_id=answer.word("paymentRequestId"),
            poll_url=status_url(account, request.reference),
            raw=raw,
        )

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:
        """Ask how the transactions under our reference stand; PENDING while the payer has not begun."""
        if not is_at(account.base_url, poll_url):
            raise UntrustedAddressError(
                self.name, f"The poll address of account {account.id} is not at {account.base_url}; it was not asked."
            )
        reference = dict(parse_qsl(urlsplit(poll_url).query)).get("transactionReference")
        if reference is None:
            raise UntrustedAddressError(self.name, f"The poll address of account {account.id} names no reference.")
        return self._look(account, poll_url, reference) or PaymentState(Outcome.PENDING, reference=reference)

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        """Look an attempt up by our reference, which is its trace.

        Without a transaction nobody has begun to pay: `found=False`, though Ozow may have made a payment request.
        """
        state = self._look(account, status_url(account, trace), trace)
        return state or PaymentState(Outcome.UNKNOWN, found=False)

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        """Read reference and event key: (TransactionId, TransactionReference, Status), as Ozow's resends have no other id."""
        message = Notification(inbound.body)
        reference = message.require("TransactionReference")
        parts = (message.require("TransactionId"), reference, message.require("Status"))
        return UnverifiedUpdate("/".join(quote(part.lower(), safe=", ") for part in parts), reference)

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        message = Notification(inbound.body)
        if not message.is_signed(_credential(account, "private_key")):
            raise BadSignatureError(
                self.name, f"A notification for account {account.id} has no hash or one not made with its private key."
            )
        if (message.get("SiteCode") or "").lower() != _credential(account, "site_code").lower():
            raise BadSignatureError(self.name, f"A notification for account {account.id} names another site than its own.")
        status = message.require("Status")
        return PaymentState(
            OUTCOMES.get(status.lower(), Outcome.UNKNOWN),
            reference=message.require("TransactionReference"),
            gateway_reference=message.require("TransactionId"),
            gateway_status=status,
            amount=money(message.get("Amount"), message.get("CurrencyCode") or account.currency),
            is_other_mode=((message.get("IsTest") or "false").lower() == "true") is not _is_test(account),
            raw=message.raw,
        )

    def _look(self, account: GatewayAccount, url: str, reference: str) -> PaymentState | None:
        status, body = self._send(account, "GET", url)
        # Refused keys too: of a payment that may be paid, a refused question tells nothing.
        if status != OK:
            raise GatewayOutcomeUnknownError(self.name, f"The question about {reference} was answered with HTTP {status}.")
        listed = read_json(body)
        if not isinstance(listed, list):
            raise GatewayOutcomeUnknownError(self.name, f"The question about {reference} was not answered with a list.")
        rows = [row for row in map(Answer, listed) if _is_about(row, account, reference)]
        state = _verdict([_state(account, row) for row in oldest_first(rows)])
        if state is None:
            return None
        if state.outcome is Outcome.DECLINED and len(listed) >= LONGEST_LIST:
            # A full list may leave out the one that was paid.
            state = replace(state, outcome=Outcome.UNKNOWN)
        return replace(state, raw=body.decode("utf-8"))

    def _send(self, account: GatewayAccount, method: str, url: str, body: bytes = b"") -> tuple[int, bytes]:
        key = _credential(account, "api_key")
        if not (key.isascii() and key.isprintable()):
            raise InvalidInputError(
                "api_key", f"The API key of account {account.id} has signs that no key has; paste it again."
            )
        headers = {"ApiKey": key, "Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {})
        answer = self._transport.send(self.name, method, url, body=body, headers=headers)
        return answer.status, answer.body


def checkout_fields(account: GatewayAccount, request: CheckoutRequest) -> dict[str, str]:
    """The fields of a payment request with their hash, all as text: of a JSON number Ozow may hash other digits.

    Raises:
        InvalidInputError: what Ozow needs is missing, or is not what it takes.
    """
    _check(account, request)
    fields = {
        "SiteCode": _credential(account, "site_code"),
        "CountryCode": "ZA",
        "CurrencyCode": CURRENCY,
        "Amount": request.amount.decimal(),
        "TransactionReference": request.reference,
        "BankReference": bank_reference(request.description, request.reference),
        "CancelUrl": back_url(request.return_url, "cancelled"),
        "ErrorUrl": back_url(request.return_url, "failed"),
        "SuccessUrl": back_url(request.return_url, "paid"),
        "NotifyUrl": account.result_url,
        "IsTest": "true" if _is_test(account) else "false",
    }
    return {**fields, "HashCheck": request_hash(fields, _credential(account, "private_key"))}


def status_url(account: GatewayAccount, reference: str) -> str:
    """Where the transactions under `reference` can be asked for. Test payments are not found unless they are asked for."""
    asked = {
        "siteCode": _credential(account, "site_code"),
        "transactionReference": reference,
        "isTest": "true" if _is_test(account) else "false",
    }
    return f"{account.base_url.rstrip('/')}{STATUS_PATH}?{urlencode(asked, quote_via=quote)}"


def _check(account: GatewayAccount, request: CheckoutRequest) -> None:
    if request.method is not PaymentMethod.OZOW:
        raise InvalidInputError("method", f"{request.method.human_name} is not paid through Ozow.")
    if (account.currency, request.amount.currency) != (CURRENCY, CURRENCY):
        raise InvalidInputError("amount", f"{request.amount} cannot be paid into account {account.id}; Ozow takes ZAR alone.")
    if not Money.zero(CURRENCY) < request.amount <= LARGEST_AMOUNT:
        raise InvalidInputError("amount", f"{request.amount} cannot be collected; it must be above zero, to {LARGEST_AMOUNT}.")
    if not 0 < len(request.reference) <= LONGEST_REFERENCE or request.reference != request.reference.strip():
        raise InvalidInputError("reference", f"{request.reference!r} must have 1 to {LONGEST_REFERENCE} characters.")
    if len(back_url(request.return_url, "cancelled")) > LONGEST_URL:
        raise InvalidInputError("return_url", f"Ozow takes addresses of at most {LONGEST_URL} characters, `back=…` included.")
    if not 0 < len(account.result_url) <= LONGEST_URL:
        raise InvalidInputError("result_url", f"Ozow takes notification addresses of 1 to {LONGEST_URL} characters.")


def _is_about(row: Answer, account: GatewayAccount, reference: str) -> bool:
    site = row.get("siteCode")
    is_ours = site is None or site.lower() == _credential(account, "site_code").lower()
    return is_ours and row.get("transactionReference") == reference


def _state(account: GatewayAccount, row: Answer) -> PaymentState:
    status, is_test = row.word("status"), row.get("isTest")
    return PaymentState(
        OUTCOMES.get(status.lower(), Outcome.UNKNOWN),
        reference=row.require("transactionReference"),
        gateway_reference=row.word("transactionId"),
        gateway_status=status,
        amount=money(row.get("amount"), row.get("currencyCode") or account.currency),
        is_other_mode=is_test is not None and (is_test.lower() == "true") is not _is_test(account),
    )


def _verdict(states: Sequence[PaymentState]) -> PaymentState | None:
    """How an attempt stands by its transactions, oldest first; None when there are none.

    Each that is complete is money: the oldest answers, further ones are its `others`. Without one, a transaction that is open
    keeps the attempt open, and a word that nobody knows keeps it unknown. When all have ended (Ozow calls Cancelled, Error and
    Abandoned final) the attempt is DECLINED, although the payer could begin another transaction at the same address: Ozow has
    sent the payer back to us by then, where another attempt is offered, and money that comes all the same is told by a
    notification of its own and still settles.
    """
    paid: dict[str | None, PaymentState] = {}
    for state in states:
        if state.outcome is Outcome.PAID:
            paid.setdefault(state.gateway_reference, state)
    if paid:
        # What came in the account's own mode goes before play money, which is never told as a further payment.
        first, *others = sorted(paid.values(), key=lambda state: state.is_other_mode)
        return replace(first, others=tuple(other for other in others if not other.is_other_mode))
    for outcome in (Outcome.PENDING, Outcome.UNKNOWN, Outcome.DECLINED):
        for state in reversed(states):
            if state.outcome is outcome:
                return state
    return None


def _is_ozows(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    # The second look is by the parser that sends requests: both must see the same host, on the usual port.
    return (host == "ozow.com" or host.endswith(".ozow.com")) and is_at(f"https://{host}", url)


def _is_test(account: GatewayAccount) -> bool:
    """Whether the account makes test payments: credential `is_test`, `true` or `false`."""
    text = account.credentials.get("is_test", "false").strip().lower()
    if text not in {"true", "false"}:
        raise InvalidInputError("is_test", f"Account {account.id} has is_test {text!r}; write true or false.")
    return text == "true"


def _credential(account: GatewayAccount, name: str) -> str:
    value = account.credentials.get(name, "").strip()
    if not value:
        raise InvalidInputError(name, f"Account {account.id} has no {name}; enter what Ozow issued for it.")
    return value
