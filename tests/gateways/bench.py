"""What the contract suite needs of a provider: a gateway, its simulator, and faults by our own names."""

from abc import ABC, abstractmethod
from enum import StrEnum

from domain.payment import Outcome
from gateways.base import CheckoutRequest, Gateway, GatewayAccount
from tests.gateways.serving import Merchant, Posted, eventually


class Door(StrEnum):
    """Where a fault strikes."""

    OPEN = "open"
    POLL = "poll"
    TRACE = "trace"
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
    FOREIGN_ADDRESS = "foreign_address"


class Bench(ABC):
    """A gateway, an account at its simulator, and hands on both.

    Attributes:
        impatient: the same gateway over a transport that gives up after a fraction of a second.
        merchant: what the account's updates are posted to.
    """

    gateway: Gateway
    impatient: Gateway
    account: GatewayAccount
    merchant: Merchant

    @abstractmethod
    def request(self) -> CheckoutRequest:
        """A new attempt, of an amount above 1, that waits for a payer."""

    @abstractmethod
    def refused_request(self) -> CheckoutRequest:
        """A new attempt that the provider refuses at once."""

    @abstractmethod
    def arm(self, door: Door, fault: Fault) -> None:
        """Let `fault` strike the next message at `door`."""

    @abstractmethod
    def decide(self, reference: str, outcome: Outcome) -> None:
        """Bring a payment into a state of `outcome`, and have the merchant told."""

    @abstractmethod
    def pay(self, reference: str) -> None:
        """Pay as the payer does."""

    @abstractmethod
    def cancel(self, reference: str) -> None:
        """Cancel as the payer does."""

    @abstractmethod
    def resend(self, reference: str) -> None:
        """Have the merchant told again."""

    @abstractmethod
    def payments(self, reference: str) -> int:
        """How many payments the provider has made for this reference."""

    @abstractmethod
    def tampered(self, update: Posted) -> list[Posted]:
        """The same update with another value, with a field added and with a field taken away."""

    def open(self, request: CheckoutRequest) -> str:
        """Open a checkout that goes well, and give its poll address."""
        checkout = self.gateway.open_checkout(self.account, request)
        assert checkout.outcome is Outcome.PENDING
        assert checkout.poll_url is not None
        return checkout.poll_url

    def ask(self, gateway: Gateway, door: Door, request: CheckoutRequest, poll_url: str) -> object:
        """Open, poll or trace `request`, whatever comes of it."""
        match door:
            case Door.OPEN:
                return gateway.open_checkout(self.account, request)
            case Door.POLL:
                return gateway.poll(self.account, poll_url)
            case _:
                return gateway.trace(self.account, request.trace)

    def updates(self, reference: str, count: int = 1) -> list[Posted]:
        """The first `count` updates about `reference`, in the order they came."""

        def come() -> list[Posted] | None:
            found = [posted for posted in list(self.merchant.posted) if self._is_about(posted, reference)]
            return found[:count] if len(found) >= count else None

        return eventually(come, f"{count} updates about {reference}")

    def _is_about(self, posted: Posted, reference: str) -> bool:
        return self.gateway.read_update(posted.body, posted.headers).reference == reference
