"""What every gateway is to the rest of the house: a Protocol, its requests and answers, and its errors.

Nothing here knows a provider. Outcomes are `domain.payment.Outcome`; money is `domain.money.Money`. How the answers of one
gateway are put together into how a payment stands is in `gateways/asking.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
        api_url: scheme and host of its server API where that is another than `base_url`; empty: the same.
        update_sources: networks (`197.97.145.144/28`) and host names that its updates come from, for a provider that wants
            this checked; empty: from anywhere.
    """

    id: str
    gateway: str
    currency: str
    base_url: str
    result_url: str
    credentials: Mapping[str, str] = field(repr=False)
    api_url: str = ""
    update_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """One attempt to collect `amount`.

    Attributes:
        reference: our reference of the attempt, unique; the provider echoes it.
        trace: our key of the attempt (at most 32 characters), sent where the provider takes an idempotency or trace key.
        description: shown to the payer, such as `Invoice CVT-000012`.
        phone: national number (`0771111111`), required for mobile money.
        email: the payer's address, which Paynow demands for mobile money.
        return_url: where the payer's browser goes afterwards (`back_url` says how it went). Arriving there proves nothing.
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
        form: the fields of a form that the payer's browser posts to the provider, in order; `handover` adds the secrets.
        checkout_id: the provider's id of the checkout, where that is another than the payment's (`gateway_reference`).
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
    form: tuple[tuple[str, str], ...] | None = None
    checkout_id: str | None = None
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
        amount: as the provider tells it, in the currency that it tells; None when it told none that makes sense.
        fee: what the provider kept, when it tells.
        found: False when the provider is sure that it never heard of the attempt (then nothing was charged).
        card_brand, card_last_four: nothing more of a card is ever read.
        is_other_mode: it speaks of a test payment where the account is live, or the other way round.
        others: further payments that came in under the same reference, each PAID: more money than was asked for.
        returned: what is told, beside the proof that it came, of this money being given back or held: REFUNDED with the sum so
            far, or DISPUTED.
    """

    outcome: Outcome
    reference: str | None = None
    gateway_reference: str | None = None
    gateway_status: str | None = None
    amount: Money | None = None
    fee: Money | None = None
    poll_url: str | None = None
    found: bool = True
    card_brand: str | None = None
    card_last_four: str | None = None
    is_other_mode: bool = False
    others: "tuple[PaymentState, ...]" = ()
    returned: "PaymentState | None" = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One update as it came in.

    Attributes:
        body: the raw bytes, over which signatures are made.
        headers: by name in lower case.
        source: the IP address it came from, as far as our own proxies vouch for it; None when it is not known.
        received_at: instant (UTC) by the request's clock.
    """

    body: bytes
    headers: Mapping[str, str]
    source: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class UnverifiedUpdate:
    """What can be read from an inbound update before its signature is checked: only enough to find the account.

    Attributes:
        event_key: the same for every resend of the same event, different for every other event.
        reference: our reference, as claimed; None when the update names none.
        checkout_id: the provider's id of the checkout, for a provider whose updates name that.
    """

    event_key: str
    reference: str | None = None
    checkout_id: str | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """A form that a page of ours has the payer's browser post to the provider: `fields` in order, signature included."""

    action: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


# What `probe` asks about: no attempt of ours is ever called so.
PROBE = "dunlin-probe"


class Gateway(Protocol):
    """One provider. Methods are safe to call from threads; every call ends within `transport`'s time-out.

    Attributes:
        resending_is_safe: a checkout whose answer was lost may simply be opened again: no money moves before the payer has
            been sent to the address that the answer holds, or the provider takes it for the same checkout by its key.

    Raises (any method that calls out):
        GatewayUnreachableError: the request surely had no effect (refused, no connection): may be sent again.
        GatewayOutcomeUnknownError: it may have had an effect (time-out, 5xx, HTML, bad hash): look up before trying again.
    """

    name: str
    resending_is_safe: bool = False

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

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        """Read the claimed reference and event key from an inbound update.

        Raises:
            MalformedUpdateError: it is not one of this provider's updates.
        """
        ...

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        """Check the signature over the raw bytes, and all else that the provider wants checked, and translate.

        Raises:
            BadSignatureError: the signature is missing, wrong or too old, or the update comes from elsewhere.
            MalformedUpdateError: it is not one of this provider's updates.
        """
        ...

    def keepable(self, body: bytes) -> bytes:
        """What of an update's body may be stored: all of it but what the house never keeps, such as a card's expiry."""
        return body

    def confirm_update(self, account: GatewayAccount, body: bytes) -> PaymentState | None:  # noqa: ARG002 - others read both
        """What an update proves that was verified when it came, and stored as `keepable` left it.

        Where the provider wants an update confirmed by its server, it is asked here. None where an update proves nothing and
        only a poll counts.
        """
        return None

    def handover(self, account: GatewayAccount, form: tuple[tuple[str, str], ...]) -> Handover:
        """Complete a checkout's `form` with what only the account knows, and sign it.

        Raises:
            GatewayError: this provider has no such form.
        """
        raise GatewayError(self.name, f"Checkouts of account {account.id} have no form ({len(form)} fields were given).")

    def probe(self, account: GatewayAccount) -> None:
        """Ask something harmless, to see whether the provider answers at all.

        Raises:
            GatewayUnreachableError, GatewayOutcomeUnknownError: it does not.
        """
        self.trace(account, PROBE)


class GatewayError(DunlinError):
    """Base of what can go wrong with a gateway."""

    def __init__(self, gateway: str, message: str) -> None:
        super().__init__(f"{gateway}: {message}")
        self.gateway = gateway


class GatewayUnreachableError(GatewayError):
    """The request surely did not take effect; the same request may be sent again."""


class GatewayPausedError(GatewayUnreachableError):
    """It was not asked at all: too many calls failed of late, and it is left alone for a moment."""


class GatewayOutcomeUnknownError(GatewayError):
    """The request may have taken effect: look it up, never send it again blindly."""


class UntrustedAddressError(GatewayError):
    """An address that does not belong to the provider was about to be asked."""


class BadSignatureError(GatewayError):
    """The message was not signed with the account's key."""


class MalformedUpdateError(GatewayError):
    """The message is not one of the provider's updates."""


def back_url(return_url: str, how: str) -> str:
    """`return_url` with how it went there (`paid`, `cancelled`, `failed`): a word for the page, proof of nothing."""
    joint = "&" if "?" in return_url else "?"
    return f"{return_url}{joint}back={how}"
