"""What every gateway is to the rest of the house: a Protocol, its requests and answers, and its errors.

Nothing here knows a provider. Outcomes are `domain.payment.Outcome`; money is `domain.money.Money`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.errors import DunlinError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """One tenant's account at one gateway for one currency, with its decrypted credentials.

    Attributes:
        id: our id of the account (`gwa_…`).
        gateway: the provider's name, such as `paynow`.
        currency: the ISO 4217 currency that this account takes.
        base_url: scheme and host of the provider (the real one, or a simulator).
        result_url: where the provider posts its updates; ours, public.
        credentials: what the provider issued, by name (Paynow: `integration_id`, `integration_key`). Never logged.
    """

    id: str
    gateway: str
    currency: str
    base_url: str
    result_url: str
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """One attempt to collect `amount`.

    Attributes:
        reference: our reference of the attempt, unique; the provider echoes it.
        trace: our key of the attempt (at most 32 characters), sent where the provider takes an idempotency or trace key.
        description: shown to the payer, such as `Invoice CVT-000012`.
        phone: national number (`0771111111`), required for mobile money.
        email: the payer's address, which Paynow demands for mobile money.
        return_url: where the payer's browser goes afterwards. Arriving there proves nothing.
    """

    reference: str
    trace: str
    amount: Money
    method: PaymentMethod
    description: str
    return_url: str
    email: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the provider wants the payer to do next.

    Attributes:
        outcome: PENDING when the payer can go on, DECLINED when the provider refused at once, UNKNOWN when no sense could be
            made of what came back (then look it up by trace).
        redirect_url: where to send the payer's browser (web checkout).
        instructions: what to tell the payer (mobile money).
        authorization_code: InnBucks: the code to approve in the app, with `authorization_expires` as the provider wrote it
            and `deep_link` that opens the app.
        poll_url: where this payment's state can be asked for; stored, and the only one ever asked.
        gateway_reference: the provider's id of the payment when it already tells.
        gateway_status: the provider's own word, kept for people.
        decline_reason: the provider's words when it refused.
        raw: the provider's answer as it came (never card data), for support.
    """

    outcome: Outcome
    redirect_url: str | None = None
    instructions: str | None = None
    authorization_code: str | None = None
    authorization_expires: str | None = None
    deep_link: str | None = None
    poll_url: str | None = None
    gateway_reference: str | None = None
    gateway_status: str | None = None
    decline_reason: str | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class PaymentState:
    """The provider's present answer about one payment, from a poll, a trace or a verified update.

    Attributes:
        reference: our reference as echoed.
        amount: as the provider tells it, in the account's currency; None when it told none.
        fee: what the provider kept, when it tells.
        found: False when the provider is sure that it never heard of the attempt (then nothing was charged).
    """

    outcome: Outcome
    reference: str | None = None
    gateway_reference: str | None = None
    gateway_status: str | None = None
    amount: Money | None = None
    fee: Money | None = None
    poll_url: str | None = None
    found: bool = True
    raw: str = ""


@dataclass(frozen=True, slots=True)
class UnverifiedUpdate:
    """What can be read from an inbound update before its signature is checked: only enough to find the account.

    Attributes:
        reference: our reference, as claimed.
        event_key: the same for every resend of the same event, different for every other event.
    """

    reference: str
    event_key: str


class Gateway(Protocol):
    """One provider. Methods are safe to call from threads; every call ends within `transport`'s time-out.

    Raises (any method that calls out):
        GatewayUnreachableError: the request surely had no effect (refused, no connection): may be sent again.
        GatewayOutcomeUnknownError: it may have had an effect (time-out, 5xx, HTML, bad hash): look up before trying again.
    """

    name: str

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        """Ask the provider to collect. A refusal is an answer (DECLINED), not an error."""
        ...

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:
        """Ask for the present state at the stored `poll_url`, whose host must be the provider's.

        Raises:
            UntrustedAddressError: `poll_url` is not at the provider's host.
        """
        ...

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        """Look an attempt up by our own key: for when the answer to `open_checkout` never came."""
        ...

    def read_update(self, body: bytes, headers: Mapping[str, str]) -> UnverifiedUpdate:
        """Read the claimed reference and event key from an inbound update.

        Raises:
            MalformedUpdateError: it is not one of this provider's updates.
        """
        ...

    def verify_update(self, account: GatewayAccount, body: bytes, headers: Mapping[str, str]) -> PaymentState:
        """Check the signature over the raw bytes and translate.

        Raises:
            BadSignatureError: the signature is missing or wrong.
            MalformedUpdateError: it is not one of this provider's updates.
        """
        ...


class GatewayError(DunlinError):
    """Base of what can go wrong with a gateway."""

    def __init__(self, gateway: str, message: str) -> None:
        super().__init__(f"{gateway}: {message}")
        self.gateway = gateway


class GatewayUnreachableError(GatewayError):
    """The request surely did not take effect; the same request may be sent again."""


class GatewayOutcomeUnknownError(GatewayError):
    """The request may have taken effect: look it up, never send it again blindly."""


class UntrustedAddressError(GatewayError):
    """An address that does not belong to the provider was about to be asked."""


class BadSignatureError(GatewayError):
    """The message was not signed with the account's key."""


class MalformedUpdateError(GatewayError):
    """The message is not one of the provider's updates."""
