"""The circuit breaker (requirements P12): a gateway at which half the calls fail is left alone for half a minute at a time.

There is one breaker an account, that is per gateway and tenant, because one business's wrong key must not keep another's payers
from paying. What stands here counts and decides; who is told of it is handed in. Only what truly went out counts: a gateway
that refuses a request itself, or reads a stored update, says nothing about the wire.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from gateways.base import (
    Checkout,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayOutcomeUnknownError,
    GatewayPausedError,
    GatewayUnreachableError,
    Handover,
    Inbound,
    PaymentState,
    UnverifiedUpdate,
)
from gateways.transport import before_sending

WINDOW_SECONDS = 60.0
PAUSE_SECONDS = 30.0
# Fewer calls than that prove nothing: one lost answer in the night is not an outage.
FEWEST_CALLS = 5

# Seconds that only go forward, from any start: `time.monotonic`.
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Change:
    """A breaker that opened (`is_open`) or closed; `error` is the last one that was seen."""

    account_id: str
    gateway: str
    is_open: bool
    error: str


@dataclass(frozen=True, slots=True)
class Pause:
    """An account that is left alone until `until` by the clock of its breaker; a trial that fails moves that on."""

    account_id: str
    gateway: str
    error: str
    until: float


Listener = Callable[[Change], None]


class Breaker:
    """The calls of one account, counted. Safe to use from threads.

    It is closed, or paused; once a pause is over, one call at a time goes through as a trial, which ends the pause or begins
    the next. Each state has a number, and each call carries the number of the state it began in: a call that ends in another
    one comes too late to say anything.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._state = 0
        self._calls: deque[tuple[float, bool]] = deque()  # when each ended, and whether it failed
        self._paused_until: float | None = None
        self._is_on_trial = False
        self._error = ""

    @property
    def pause(self) -> tuple[float, str] | None:
        """Until when it is paused, and the last error; None while it is closed."""
        with self._lock:
            return None if self._paused_until is None else (self._paused_until, self._error)

    @property
    def awaits_trial(self) -> bool:
        """Whether the pause is over and nobody is trying yet."""
        with self._lock:
            return self._paused_until is not None and self._may_try(self._paused_until)

    def begin(self) -> int | None:
        """Let one call through: what to give to `end` afterwards. None when it must not be made."""
        with self._lock:
            if self._paused_until is not None:
                if not self._may_try(self._paused_until):
                    return None
                self._is_on_trial = True
                self._state += 1
            return self._state

    def end(self, began: int, error: str | None) -> bool | None:
        """Count a call that ended, `error` being how it failed.

        Returns:
            True when this opened the breaker, False when it closed it, None when neither.
        """
        with self._lock:
            if began != self._state:
                return None
            if error is not None:
                self._error = error
            return self._judge_call(error is not None) if self._paused_until is None else self._judge_trial(error is not None)

    def _judge_call(self, failed: bool) -> bool | None:
        now = self._clock()
        self._calls.append((now, failed))
        while self._calls[0][0] <= now - WINDOW_SECONDS:
            self._calls.popleft()
        failures = sum(failed for _, failed in self._calls)
        if len(self._calls) < FEWEST_CALLS or 2 * failures < len(self._calls):
            return None
        self._pause()
        return True

    def _judge_trial(self, failed: bool) -> bool | None:
        if failed:
            self._pause()
            return None
        self._state += 1
        self._paused_until = None
        self._is_on_trial = False
        return False

    def _pause(self) -> None:
        self._state += 1
        self._calls.clear()
        self._paused_until = self._clock() + PAUSE_SECONDS
        self._is_on_trial = False

    def _may_try(self, paused_until: float) -> bool:
        return not self._is_on_trial and self._clock() >= paused_until


class Breakers:
    """All breakers of a process, by account.

    Args:
        clock: such as `time.monotonic`.
        listener: is told of each breaker that opens or closes, in the thread of the call that did it; must be quick.
    """

    def __init__(self, clock: Clock, listener: Listener) -> None:
        self._clock = clock
        self._listener = listener
        self._lock = Lock()
        self._breakers: dict[str, tuple[str, Breaker]] = {}  # with the gateway's name

    def pauses(self) -> list[Pause]:
        """The accounts that are left alone, or whose trial is due."""
        return [
            Pause(account_id, gateway, error=pause[1], until=pause[0])
            for account_id, gateway, breaker in self._all()
            if (pause := breaker.pause) is not None
        ]

    def paused(self) -> list[str]:
        """The accounts that wait for somebody to try them: their pause is over."""
        return [account_id for account_id, _, breaker in self._all() if breaker.awaits_trial]

    @contextmanager
    def watching(self, account: GatewayAccount) -> Iterator[None]:
        """Let what is sent within be part of one call of `account`, and count how that call ends.

        Raises:
            GatewayPausedError: from within, as soon as something would be sent that must not be.
        """
        call = _Call(account, self._of(account))
        token = before_sending.set(call.begin)
        error = None
        try:
            yield
        except (GatewayUnreachableError, GatewayOutcomeUnknownError) as failure:
            error = str(failure)
            raise
        finally:
            before_sending.reset(token)
            change = call.end(error)
            if change is not None:
                self._listener(change)

    def _of(self, account: GatewayAccount) -> Breaker:
        with self._lock:
            return self._breakers.setdefault(account.id, (account.gateway, Breaker(self._clock)))[1]

    def _all(self) -> list[tuple[str, str, Breaker]]:
        with self._lock:
            return [(account_id, gateway, breaker) for account_id, (gateway, breaker) in self._breakers.items()]


class _Call:
    """One call of a gateway's method: it begins with the first request that goes out, if any does."""

    def __init__(self, account: GatewayAccount, breaker: Breaker) -> None:
        self._account = account
        self._breaker = breaker
        self._began: int | None = None

    def begin(self) -> None:
        if self._began is not None:
            return
        self._began = self._breaker.begin()
        if self._began is None:
            raise GatewayPausedError(
                self._account.gateway,
                f"Too many calls of account {self._account.id} failed of late: it is left alone for up to"
                f" {PAUSE_SECONDS:.0f} s at a time, and nothing was sent.",
            )

    def end(self, error: str | None) -> Change | None:
        if self._began is None:
            return None
        opened = self._breaker.end(self._began, error)
        if opened is None:
            return None
        return Change(self._account.id, self._account.gateway, opened, error or "")


class Guarded(Gateway):
    """`gateway` behind the breakers: what calls out is counted, and held back while its account is paused."""

    def __init__(self, gateway: Gateway, breakers: Breakers) -> None:
        self._gateway = gateway
        self._breakers = breakers
        self.name = gateway.name
        self.resending_is_safe = gateway.resending_is_safe

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        with self._breakers.watching(account):
            return self._gateway.open_checkout(account, request)

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:
        with self._breakers.watching(account):
            return self._gateway.poll(account, poll_url)

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        with self._breakers.watching(account):
            return self._gateway.trace(account, trace)

    def confirm_update(self, account: GatewayAccount, body: bytes) -> PaymentState | None:
        with self._breakers.watching(account):
            return self._gateway.confirm_update(account, body)

    def probe(self, account: GatewayAccount) -> None:
        with self._breakers.watching(account):
            self._gateway.probe(account)

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        return self._gateway.read_update(inbound)

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        return self._gateway.verify_update(account, inbound)

    def keepable(self, body: bytes) -> bytes:
        return self._gateway.keepable(body)

    def handover(self, account: GatewayAccount, form: tuple[tuple[str, str], ...]) -> Handover:
        return self._gateway.handover(account, form)
