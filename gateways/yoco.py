"""Yoco (South Africa): cards on Yoco's own page, opened by its Checkout API and told of by Standard Webhooks events.

Yoco has three APIs that share nothing but the name; this is the one at `payments.yoco.com`. That a payer's card was declined is
not told: the checkout stays open, and only time or a question ends it. A signed event is the truth; asking repairs what never
came. Messages and signatures are in `yoco_wire.py`, what their words mean in `yoco_states.py`; sources: `docs/gateways`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import (
    PROBE,
    BadSignatureError,
    Checkout,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayError,
    GatewayOutcomeUnknownError,
    Inbound,
    PaymentState,
    UntrustedAddressError,
    UnverifiedUpdate,
    back_url,
)
from gateways.transport import Answer, ServerFailedError, Transport, is_at
from gateways.yoco_states import checkout_state, event_state, status_of
from gateways.yoco_wire import (
    GATEWAY,
    credential,
    is_page,
    read_document,
    read_event,
    signature_fault,
    webhook_secrets,
    word,
    words_of,
)

CHECKOUTS_PATH = "/checkouts"
YOCO_DOMAIN = "yoco.com"

CURRENCY = "ZAR"
SMALLEST_AMOUNT = Money(2_00, CURRENCY)
TRACE = re.compile(r"[!-~]{1,32}")
CHECKOUT_ID = re.compile(r"[A-Za-z0-9_-]+")  # a part of an address of ours

# Yoco keeps a key's answer for 24 hours, failures too: after a failure that is only played again, the next key is used.
MOST_KEYS = 5
REPLAYED = "Idempotent-Replayed"

OK = 200
CREATED = frozenset({OK, 201, 202})
KEY_REFUSED = frozenset({401, 403})
NOT_FOUND = 404
# The same key is still being worked on, or nobody looked at the request: neither is a refusal.
UNDECIDED = frozenset({408, 409, 425, 429})
REFUSALS = range(400, 500)


class Yoco(Gateway):
    """Yoco over `transport`; accounts carry the credentials `secret_key` and `webhook_secret`.

    `base_url` is the root of the API, such as `https://payments.yoco.com/api`. `webhook_secret` may hold several secrets with
    spaces between them, because each registration gives another.
    """

    name = GATEWAY
    resending_is_safe = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        """Ask for a page where the payer pays by card. Any 4xx that is about the request is DECLINED with Yoco's words.

        Raises:
            InvalidInputError: the request cannot be sent, or Yoco does not take the account's key.
        """
        body = json.dumps(checkout_fields(account, request)).encode("ascii")
        answer = self._create(account, request.trace, body)
        if answer.status in CREATED:
            return self._opened(account, answer.body)
        if is_page(answer.body) or answer.status in UNDECIDED or answer.status not in REFUSALS:
            raise GatewayOutcomeUnknownError(self.name, f"The checkout was answered with HTTP {answer.status}.")
        if answer.status in KEY_REFUSED:
            raise InvalidInputError(
                "secret_key",
                f"Yoco does not take the secret key of account {account.id} (HTTP {answer.status}); enter it as Yoco shows it.",
            )
        reason = words_of(answer.body) or f"Yoco refused the checkout and gave no reason (HTTP {answer.status})."
        return Checkout(Outcome.DECLINED, gateway_status=f"HTTP {answer.status}", decline_reason=reason, raw=_kept(answer.body))

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:
        checkouts = account.base_url.rstrip("/") + CHECKOUTS_PATH + "/"
        if not is_at(account.base_url, poll_url) or not poll_url.startswith(checkouts):
            raise UntrustedAddressError(
                self.name, f"The poll address of account {account.id} is not at {checkouts}; it was not asked."
            )
        answer = self._send(account, "GET", poll_url)
        if answer.status == NOT_FOUND and not is_page(answer.body):
            # No page of Yoco's promises that a checkout can be read at all: this proves nothing.
            return PaymentState(Outcome.UNKNOWN, gateway_status="not found", raw=_kept(answer.body))
        if answer.status != OK:
            raise GatewayOutcomeUnknownError(self.name, f"The poll of account {account.id} got HTTP {answer.status}.")
        document = read_document(answer.body, GatewayOutcomeUnknownError)
        if word(document.fields, "id") != poll_url.removeprefix(checkouts):
            raise GatewayOutcomeUnknownError(self.name, f"The poll of account {account.id} told of another checkout.")
        return checkout_state(account, document.fields, document.text)

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:  # noqa: ARG002 - Yoco has no such question
        """Nothing: a checkout whose answer was lost can be found by nobody, and was paid by nobody, who had no address."""
        return PaymentState(Outcome.UNKNOWN, found=False)

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        """Read the event's own id and the checkout that it is about; our metadata may not come back, and is not needed."""
        event = read_event(inbound.body)
        return UnverifiedUpdate(event.id, checkout_id=event.checkout_id)

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        fault = signature_fault(inbound, webhook_secrets(account))
        if fault is not None:
            raise BadSignatureError(self.name, f"An event for account {account.id} {fault}.")
        return event_state(account, read_event(inbound.body))

    def keepable(self, body: bytes) -> bytes:
        return read_event(body).document.text.encode("ascii")

    def confirm_update(self, account: GatewayAccount, body: bytes) -> PaymentState:
        return event_state(account, read_event(body))

    def probe(self, account: GatewayAccount) -> None:
        """Any answer below 500 will do: there is no such checkout, and to say so takes a Yoco that works."""
        self._send(account, "GET", f"{account.base_url.rstrip('/')}{CHECKOUTS_PATH}/{PROBE}")

    def _create(self, account: GatewayAccount, trace: str, body: bytes) -> Answer:
        """Send under `trace`, or under the first key derived from it that has no stored failure.

        What failed under an earlier key cannot have been paid, because nobody was ever given its address.
        """
        url = account.base_url.rstrip("/") + CHECKOUTS_PATH
        for key in (trace, *(f"{trace}-{number}" for number in range(2, MOST_KEYS + 1))):
            try:
                return self._send(account, "POST", url, body, {"Idempotency-Key": key})
            except ServerFailedError as failure:
                if failure.headers.get(REPLAYED, "").lower() != "true":
                    raise
        raise GatewayOutcomeUnknownError(self.name, f"All {MOST_KEYS} keys of attempt {trace} have failed before.")

    def _send(
        self, account: GatewayAccount, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self._transport.send(self.name, method, url, body=body, headers={**authorization(account), **(headers or {})})

    def _opened(self, account: GatewayAccount, body: bytes) -> Checkout:
        document = read_document(body, GatewayOutcomeUnknownError)
        checkout_id, redirect_url = word(document.fields, "id"), document.fields.get("redirectUrl")
        if checkout_id is None or not CHECKOUT_ID.fullmatch(checkout_id) or not isinstance(redirect_url, str):
            raise GatewayOutcomeUnknownError(self.name, f"A checkout of account {account.id} has no id or no redirectUrl.")
        if not _is_trusted(account.base_url, redirect_url):
            raise GatewayOutcomeUnknownError(
                self.name, f"A checkout of account {account.id} sends the payer elsewhere than to {YOCO_DOMAIN}."
            )
        return Checkout(
            Outcome.PENDING,
            redirect_url=redirect_url,
            checkout_id=checkout_id,
            poll_url=f"{account.base_url.rstrip('/')}{CHECKOUTS_PATH}/{checkout_id}",
            gateway_status=status_of(document.fields),
            raw=document.text,
        )


def authorization(account: GatewayAccount) -> dict[str, str]:
    """The headers of every request to the API.

    Raises:
        InvalidInputError: the account has no secret key that could be sent.
    """
    key = credential(account, "secret_key")
    if not key.isascii() or not key.isprintable():
        raise InvalidInputError("secret_key", f"That of account {account.id} has letters that no key has; enter it again.")
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def checkout_fields(account: GatewayAccount, request: CheckoutRequest) -> dict[str, Any]:
    """What a checkout is asked for with.

    Raises:
        InvalidInputError: Yoco would not take it.
    """
    _check(account, request)
    return {
        "amount": request.amount.minor,
        "currency": request.amount.currency,
        "successUrl": back_url(request.return_url, "paid"),
        "cancelUrl": back_url(request.return_url, "cancelled"),
        "failureUrl": back_url(request.return_url, "failed"),
        "externalId": request.reference,
        "metadata": {"reference": request.reference},
    }


def _check(account: GatewayAccount, request: CheckoutRequest) -> None:
    if request.method is not PaymentMethod.YOCO:
        raise InvalidInputError("method", f"{request.method.human_name} is not paid through Yoco.")
    if request.amount.currency != CURRENCY or account.currency != CURRENCY:
        raise InvalidInputError(
            "amount", f"{request.amount} cannot be paid into account {account.id}: Yoco takes {CURRENCY} only."
        )
    if request.amount < SMALLEST_AMOUNT:
        raise InvalidInputError("amount", f"{request.amount} is too little; Yoco takes {SMALLEST_AMOUNT} and more.")
    if not request.reference.strip():
        raise InvalidInputError("reference", "Yoco needs a reference to show beside the payment.")
    if not TRACE.fullmatch(request.trace):
        raise InvalidInputError("trace", f"{request.trace!r} must be 1 to 32 characters that a header can hold.")


def _is_trusted(base_url: str, url: str) -> bool:
    """Whether a payer may be sent to `url`: Yoco's page, or that of the simulator that we were told to ask."""
    try:
        host = httpx.URL(url).host
    except httpx.InvalidURL:
        return False
    is_yocos = host == YOCO_DOMAIN or host.endswith(f".{YOCO_DOMAIN}")
    return is_at(base_url, url) or (is_yocos and is_at(f"https://{host}", url))


def _kept(body: bytes) -> str:
    try:
        return read_document(body, GatewayError).text
    except GatewayError:
        return ""
