"""A gateway behind its breakers: what truly goes out is counted and held back, and nothing else."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import (
    PROBE,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayOutcomeUnknownError,
    GatewayPausedError,
    GatewayUnreachableError,
    Inbound,
    UntrustedAddressError,
)
from gateways.breaker import Breakers, Change, Guarded
from gateways.paynow import Paynow
from gateways.paynow_wire import encode_pairs, sign_pairs
from gateways.transport import Transport
from tests.gateways.paynow_bench import PAYNOW_KEY
from tests.gateways.test_breaker import Clock

REQUEST = CheckoutRequest(
    reference="CVT-000012-1",
    trace="breaker",
    amount=Money(25_00, "USD"),
    method=PaymentMethod.PAYNOW_VISA,
    description="Invoice CVT-000012",
    return_url="https://billing.example.com/pay/1",
    email="payer@example.com",
)


@dataclass
class Guard:
    """Paynow behind breakers, and a hand on its simulator."""

    gateway: Gateway
    account: GatewayAccount
    control: httpx.Client
    clock: Clock = field(default_factory=Clock)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breakers = Breakers(self.clock, self.changes.append)
        self.gateway = Guarded(self.gateway, self.breakers)

    def go_down(self) -> None:
        order = {"operation": "*", "kind": "http_500", "times": 1000}
        self.control.post("/faults", json=order).raise_for_status()

    def come_back(self) -> None:
        self.control.delete("/faults").raise_for_status()

    def sent_since_down(self) -> int:
        """How many requests have reached the simulator since it went down."""
        (fault,) = self.control.get("/faults").json()["faults"]
        return 1000 - int(fault["times"])

    def fail(self, times: int = 5) -> None:
        for _ in range(times):
            with pytest.raises(GatewayOutcomeUnknownError, match="HTTP 500"):
                self.gateway.trace(self.account, "any")


@pytest.fixture
def guard(transport: Transport, paynow_account: GatewayAccount) -> Iterator[Guard]:
    with httpx.Client(base_url=f"{paynow_account.base_url}/_control", trust_env=False) as control:
        guard = Guard(Paynow(transport), paynow_account, control)
        yield guard
        guard.come_back()


def test_a_provider_that_fails_everything_is_left_alone_and_comes_back_by_a_probe(guard: Guard) -> None:
    guard.go_down()
    guard.fail()
    assert [(change.account_id, change.gateway, change.is_open) for change in guard.changes] == [("gwa_test", "paynow", True)]
    assert "HTTP 500" in guard.changes[0].error

    with pytest.raises(GatewayPausedError, match="nothing was sent"):
        guard.gateway.trace(guard.account, "any")
    assert guard.sent_since_down() == 5
    assert guard.breakers.paused() == []

    guard.clock.now += 30
    assert guard.breakers.paused() == ["gwa_test"]
    with pytest.raises(GatewayOutcomeUnknownError):
        guard.gateway.probe(guard.account)
    assert len(guard.changes) == 1, "a trial that fails is no new opening"

    guard.come_back()
    guard.clock.now += 30
    guard.gateway.probe(guard.account)
    assert [change.is_open for change in guard.changes] == [True, False]
    assert guard.breakers.pauses() == []
    assert guard.gateway.open_checkout(guard.account, REQUEST).outcome is Outcome.PENDING


def test_every_method_that_calls_out_is_held_back(guard: Guard) -> None:
    guard.go_down()
    guard.fail()
    for asks in asking(guard):
        with pytest.raises(GatewayPausedError):
            asks()
    assert guard.sent_since_down() == 5


def test_every_method_that_calls_out_is_counted(guard: Guard) -> None:
    guard.go_down()
    for asks in [*asking(guard), *asking(guard)]:
        with pytest.raises(GatewayOutcomeUnknownError):
            asks()
        if guard.changes:
            break
    assert guard.sent_since_down() == 5


def asking(guard: Guard) -> list[Callable[[], object]]:
    gateway, account = guard.gateway, guard.account
    return [
        lambda: gateway.open_checkout(account, REQUEST),
        lambda: gateway.poll(account, f"{account.base_url}/interface/checkpayment?guid=1"),
        lambda: gateway.trace(account, "any"),
        lambda: gateway.probe(account),
    ]


def test_another_account_at_the_same_gateway_is_not_held_up(guard: Guard) -> None:
    guard.go_down()
    guard.fail()
    guard.come_back()
    other = replace(guard.account, id="gwa_other")
    assert not guard.gateway.trace(other, PROBE).found
    assert [pause.account_id for pause in guard.breakers.pauses()] == ["gwa_test"]


def test_what_reads_and_signs_without_calling_out_goes_on_while_the_account_is_paused(guard: Guard) -> None:
    guard.go_down()
    guard.fail()
    told = {"reference": "r-1", "paynowreference": "1", "amount": "25.00", "status": "Paid", "pollurl": "http://x/"}
    body = encode_pairs(sign_pairs(list(told.items()), PAYNOW_KEY))
    inbound = Inbound(body, {}, None, datetime(2026, 7, 1, 6, 0, tzinfo=UTC))
    assert guard.gateway.read_update(inbound).reference == "r-1"
    assert guard.gateway.verify_update(guard.account, inbound).outcome is Outcome.PAID
    assert guard.gateway.keepable(body) == body
    assert guard.gateway.confirm_update(guard.account, body) is None


def test_what_sends_nothing_is_neither_success_nor_failure(guard: Guard) -> None:
    guard.go_down()
    for _ in range(5):
        guard.gateway.confirm_update(guard.account, b"")
        with pytest.raises(UntrustedAddressError):
            guard.gateway.poll(guard.account, "http://elsewhere.example/")
        with pytest.raises(InvalidInputError):
            guard.gateway.open_checkout(guard.account, replace(REQUEST, trace=""))
    guard.fail()
    assert [change.is_open for change in guard.changes] == [True], "five of five that went out failed"
    guard.clock.now += 30
    with pytest.raises(UntrustedAddressError):
        guard.gateway.poll(guard.account, "http://elsewhere.example/")
    assert guard.breakers.paused() == ["gwa_test"], "still untried"


def test_a_refusal_is_an_answer(guard: Guard) -> None:
    declined = replace(REQUEST, method=PaymentMethod.PAYNOW_ECOCASH, phone="0774444444")
    for number in range(5):
        one = replace(declined, trace=f"breaker-declined-{number}")
        assert guard.gateway.open_checkout(guard.account, one).outcome is Outcome.DECLINED
    guard.go_down()
    guard.fail(4)
    assert guard.changes == [], "four of nine calls failed"


def test_a_provider_that_cannot_be_reached_is_left_alone_too(guard: Guard) -> None:
    nowhere = replace(guard.account, base_url="http://127.0.0.1:1")
    for _ in range(5):
        with pytest.raises(GatewayUnreachableError, match="could not be reached"):
            guard.gateway.trace(nowhere, "any")
    with pytest.raises(GatewayPausedError):
        guard.gateway.trace(nowhere, "any")


def test_of_many_threads_that_would_try_after_the_pause_one_does(guard: Guard) -> None:
    guard.go_down()
    guard.fail()
    guard.clock.now += 30
    together = threading.Barrier(8)
    was_held_back: list[bool] = []

    def try_it() -> None:
        together.wait()
        try:
            guard.gateway.probe(guard.account)
        except (GatewayPausedError, GatewayOutcomeUnknownError) as error:
            was_held_back.append(isinstance(error, GatewayPausedError))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(was_held_back) == [False] + [True] * 7
    assert guard.sent_since_down() == 6


def test_the_wrapped_gateway_is_known_by_its_own_name_and_nature(guard: Guard, transport: Transport) -> None:
    assert guard.gateway.name == "paynow"
    assert guard.gateway.resending_is_safe is Paynow(transport).resending_is_safe
