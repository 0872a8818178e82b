"""One payment's life, move by move: what a worker, a payer, a provider or time may do next, and whether the books hold."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from sqlalchemy import text
from sqlalchemy.orm import Session

from activities.gateway_calls import GatewayDesk
from activities.paying import CheckoutOpening, Paying
from activities.settling import ConfirmRequest, Settling
from domain.customer import Tenant
from domain.invoice import Invoice
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from gateways.base import Checkout, GatewayOutcomeUnknownError, GatewayUnreachableError
from persistence import attempts, checks, payments
from persistence.attempts import Attempt
from persistence.database import Database
from tests import factories
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.serving import Posted

RETURN_URL = "https://billing.example.com/pay/pay_1"
CURRENCIES = {"paynow": "USD"}
METHODS = {
    "paynow": PaymentMethod.PAYNOW_ECOCASH,
    "yoco": PaymentMethod.YOCO,
    "payfast": PaymentMethod.PAYFAST,
    "ozow": PaymentMethod.OZOW,
}


class Crash(BaseException):
    """The process died."""


class DyingDatabase(Database):
    """The database of a process that dies just before its n-th transaction would have been committed."""

    def __init__(self, database: Database, dies_at: int) -> None:
        self._whole, self._left = database, dies_at

    @contextmanager
    def tenant(self, tenant_id: str) -> Iterator[Session]:
        with self._whole.tenant(tenant_id) as session:
            yield session
            self._left -= 1
            if self._left < 0:
                raise Crash

    @contextmanager
    def system(self) -> Iterator[Session]:
        with self._whole.system() as session:
            yield session


@dataclass
class World:
    """A tenant with an account at one gateway, and both ends of the wire."""

    database: Database
    tenant: Tenant
    bench: Bench
    desk: GatewayDesk
    door: httpx.Client
    name: str

    @property
    def currency(self) -> str:
        return CURRENCIES.get(self.name, "ZAR")


@dataclass
class Life:
    """One payment's life; each move is a method, and after each the books are looked at."""

    world: World
    invoice: Invoice
    payment_id: str
    now: datetime = factories.NOW
    received: int = 0
    rank: int = 0
    delivered: list[bytes] = field(default_factory=list)

    @property
    def amount(self) -> Money:
        return self.invoice.total

    def attempt(self) -> Attempt | None:
        with self.world.database.tenant(self.world.tenant.id) as session:
            return attempts.last(session, self.payment_id)

    def opens(self, dies_at: int | None = None, fault: Fault | None = None) -> None:
        if fault is not None and self.world.name != "payfast":
            self.world.bench.arm(Door.OPEN, fault)
        database = self.world.database if dies_at is None else DyingDatabase(self.world.database, dies_at)
        paying = Paying(database, self.world.desk, lambda _: RETURN_URL)
        with suppress(GatewayUnreachableError, GatewayOutcomeUnknownError, Crash):
            paying.open_checkout(CheckoutOpening(self.world.tenant.id, self.payment_id, self.now))
        self._adopt()

    def pays(self) -> None:
        """The payer pays on the provider's page, as often as that lets them."""
        attempt = self._reachable()
        if attempt is None:
            return
        before = self.world.bench.paid(attempt.id)
        if before == 0 or self.world.name == "payfast":
            self.world.bench.pay(attempt.id)
        self.received += self.world.bench.paid(attempt.id) - before

    def cancels(self) -> None:
        attempt = self._reachable()
        if attempt is not None and self.world.bench.paid(attempt.id) == 0:
            self.world.bench.cancel(attempt.id)

    def tries_again(self) -> None:
        """The payer cancels, of which we hear by asking, and then pays after all where the provider lets them."""
        self.cancels()
        self.looks()
        self.pays()

    def hears(self, which: int) -> None:
        """One of the updates that the provider has sent comes to the door: any of them, again and again."""
        posted = [one for one in list(self.world.bench.merchant.posted) if self._is_ours(one)]
        if posted:
            update = posted[which % len(posted)]
            self.delivered.append(update.body)
            answer = self.world.door.post(f"/webhooks/{self.world.name}", content=update.body, headers=dict(update.headers))
            assert answer.status_code == 200, answer.text

    def looks(self, *, is_last: bool = False, dies_at: int | None = None, fails: bool = False) -> None:
        """A poll, or the browser's return, or news: all ask the same question."""
        if fails:
            self.world.bench.arm(self.world.bench.asks_at[-1], Fault.SERVER_ERROR)
        database = self.world.database if dies_at is None else DyingDatabase(self.world.database, dies_at)
        request = ConfirmRequest(self.world.tenant.id, self.payment_id, self.now, is_last)
        with suppress(GatewayUnreachableError, GatewayOutcomeUnknownError, Crash):
            Settling(database, self.world.desk).confirm(request)

    def waits(self) -> None:
        self.now += timedelta(minutes=20)

    def books_hold(self) -> None:
        """Settled at most once per gateway's payment, the ledger sums to zero, and the status never falls."""
        with self.world.database.tenant(self.world.tenant.id) as session:
            assert checks.run(session) == []
            payment = payments.get(session, self.payment_id)
            entries = session.scalar(
                text("SELECT count(*) FROM ledger_entries WHERE cause = 'payment_settled' AND cause_id = :id"),
                {"id": self.payment_id},
            )
        assert payment.status.rank >= self.rank
        self.rank = payment.status.rank
        assert entries == (1 if payment.status is PaymentStatus.SETTLED else 0)
        assert self.settled() <= self.received

    def settled(self) -> int:
        """How many payments of this invoice are settled; each is one of the provider's."""
        with self.world.database.tenant(self.world.tenant.id) as session:
            found = payments.page(session, after=None, limit=50, invoice_id=self.invoice.id)
        assert all(payment.amount == self.amount for payment in found)
        return sum(payment.status is PaymentStatus.SETTLED for payment in found)

    def ends(self) -> None:
        """Calm returns: no faults, every update comes, and somebody looks. All money that was paid is in the books."""
        self.world.bench.forget_faults()
        for number in range(len(self.world.bench.merchant.posted)):
            self.hears(number)
        if self.attempt() is not None:
            self.opens()
        self.looks()
        self.looks(is_last=True)
        self.books_hold()
        assert self.settled() == self.received

    def _reachable(self) -> Attempt | None:
        """The attempt, when its payer can pay it: by an address that was handed out, or on a phone that was asked."""
        attempt = self.attempt()
        # At Ozow the same address takes another try after one that was cancelled.
        if attempt is None or (attempt.outcome is Outcome.DECLINED and self.world.name != "ozow"):
            return None
        if self.world.name == "paynow":
            return attempt if self.world.bench.payments(attempt.id) else None
        return attempt if attempt.checkout else None

    def _is_ours(self, posted: Posted) -> bool:
        attempt = self.attempt()
        return attempt is not None and attempt.checkout is not None and self.world.bench.is_about(posted, attempt.id)

    def _adopt(self) -> None:
        """Tell the bench what its own `open` would have noted."""
        attempt = self.attempt()
        if attempt is not None and attempt.checkout is not None:
            form = tuple((name, value) for name, value in attempt.checkout.get("form") or ())
            told = Checkout(attempt.outcome, form=form or None, checkout_id=attempt.checkout_id, poll_url=attempt.poll_url)
            self.world.bench.adopt(attempt.id, told)
