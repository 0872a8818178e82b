"""What the contract suite needs of a provider: a gateway, its simulator, and faults by our own names."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum

from domain.payment import Outcome
from gateways.asking import Question, ask
from gateways.base import BadSignatureError, Checkout, CheckoutRequest, Gateway, GatewayAccount, PaymentState
from tests.gateways.serving import Merchant, Posted, eventually


class Door(StrEnum):
    """Where a fault strikes."""

    OPEN = "open"
    POLL = "poll"
    TRACE = "trace"
    CONFIRM = "confirm"  # a server that confirms an update
    UPDATE = "update"


class Fault(StrEnum):
    """What goes wrong."""

    SLOW = "slow"  # took effect, answered after seconds
    SERVER_ERROR = "server_error"  # no effect, HTTP 500
    HTML = "html"  # no effect, HTTP 200 with a page
    LOST_ANSWER = "lost_answer"  # took effect, the answer did not come
    SILENCE = "silence"  # no effect, no answer
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"  # an update is followed by the one before it
    WRONG_SIGNATURE = "wrong_signature"
    NO_SIGNATURE = "no_signature"
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    OTHER_MODE = "other_mode"  # a test event for a live account, or the other way round
    FOREIGN_ADDRESS = "foreign_address"


class Bench(ABC):
    """A gateway, an account at its simulator, and hands on both.

    Attributes:
        impatient: the same gateway over a transport that gives up after a fraction of a second.
        merchant: what the account's updates are posted to.
        asks_at: the doors at which this provider is asked how a payment stands.
        told_by_update: the outcomes that this provider's updates tell, besides PAID.
    """

    gateway: Gateway
    impatient: Gateway
    account: GatewayAccount
    merchant: Merchant
    asks_at: tuple[Door, ...]
    told_by_update: frozenset[Outcome]

    def __init__(self) -> None:
        self._poll_urls: dict[str, str | None] = {}

    @abstractmethod
    def request(self) -> CheckoutRequest:
        """A new attempt, of an amount above 10, that waits for a payer."""

    @abstractmethod
    def arm(self, door: Door, fault: Fault) -> None:
        """Let `fault` strike the next message at `door`."""

    @abstractmethod
    def decide(self, reference: str, outcome: Outcome) -> None:
        """Bring a payment into a state of `outcome`, and have the merchant told as far as this provider tells it."""

    @abstractmethod
    def pay(self, reference: str) -> None:
        """Pay on the provider's page as the payer does."""

    @abstractmethod
    def cancel(self, reference: str) -> None:
        """Cancel on the provider's page as the payer does."""

    @abstractmethod
    def resend(self, reference: str) -> None:
        """Have the merchant told again what it was told last."""

    @abstractmethod
    def payments(self, reference: str) -> int:
        """How many payments, or checkouts that can be paid, the provider has made for this reference."""

    @abstractmethod
    def paid(self, reference: str) -> int:
        """How many times money came in for this reference, by the provider's own books."""

    @abstractmethod
    def forget_faults(self) -> None:
        """Nothing goes wrong any more."""

    @abstractmethod
    def close(self) -> None:
        """Leave the simulator as it was found."""

    @abstractmethod
    def tampered(self, update: Posted) -> list[Posted]:
        """The same update with another value, with a field added and with a field taken away."""

    @abstractmethod
    def other_credentials(self) -> Mapping[str, str]:
        """Credentials of the same form that are not the account's."""

    def adopt(self, reference: str, checkout: Checkout) -> None:
        """Know a checkout that was opened by somebody else."""
        self._poll_urls[reference] = checkout.poll_url

    def open(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout that goes well."""
        checkout = self.gateway.open_checkout(self.account, request)
        assert checkout.outcome is Outcome.PENDING
        self.adopt(request.reference, checkout)
        return checkout

    def look(self, request: CheckoutRequest, gateway: Gateway | None = None) -> PaymentState:
        """How the payment stands, as the house asks it: with the verified updates that have come, as they are kept."""
        return ask(gateway or self.gateway, self.account, self.question(request))

    def ask_impatiently(self, question: Question) -> PaymentState:
        """Ask by the gateway that does not wait."""
        return ask(self.impatient, self.account, question)

    def question(self, request: CheckoutRequest, *, with_updates: bool = True) -> Question:
        """What the house would ask now."""
        kept = self._kept(request.reference) if with_updates else []
        return Question(request.trace, self._poll_urls.get(request.reference), kept)

    def updates(self, reference: str, count: int = 1) -> list[Posted]:
        """The first `count` updates about `reference`, in the order they came."""

        def come() -> list[Posted] | None:
            found = [posted for posted in list(self.merchant.posted) if self.is_about(posted, reference)]
            return found[:count] if len(found) >= count else None

        return eventually(come, f"{count} updates about {reference}")

    def is_about(self, posted: Posted, reference: str) -> bool:
        """Whether an update names this attempt; to be told anew for a provider that names its own checkout."""
        return self.gateway.read_update(posted.inbound()).reference == reference

    def _kept(self, reference: str) -> list[bytes]:
        kept = []
        for posted in list(self.merchant.posted):
            if not self.is_about(posted, reference):
                continue
            try:
                self.gateway.verify_update(self.account, posted.inbound())
            except BadSignatureError:
                continue
            kept.append(self.gateway.keepable(posted.body))
        return kept
