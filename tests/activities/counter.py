"""A counter at which checkouts are opened and confirmed by hand, with real gateways behind a real breaker."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from activities.gateway_calls import GatewayAddresses, GatewayDesk
from activities.paying import CheckoutOpening, OpenedCheckout, Paying
from activities.settling import ConfirmRequest, Settling
from domain.customer import Tenant
from domain.payment import PaymentStatus
from gateways.base import GatewayOutcomeUnknownError, GatewayPausedError
from gateways.breaker import FEWEST_CALLS, Breakers, Guarded
from gateways.registry import Registry, build_registry
from gateways.transport import Transport
from persistence import attempts, payments
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.gateways.test_breaker import Clock
from tests.workflows.engine import PAGE, wall_clock


@dataclass
class Counter:
    """Where checkouts are opened: gateways behind a breaker whose clock the test moves, at addresses that it can change."""

    database: Database
    transport: Transport
    addresses: dict[str, GatewayAddresses]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        registry, breakers = build_registry(self.transport), Breakers(self.clock, lambda _: None)
        guarded = {name: Guarded(registry.gateway(name), breakers) for name in registry.names}
        self.desk = GatewayDesk(Registry(guarded), factories.BOX, self.addresses)

    def open(self, payment: Payment, tenant: Tenant) -> OpenedCheckout:
        opening = CheckoutOpening(tenant.id, payment.id, wall_clock())
        return Paying(self.database, self.desk, lambda code: f"{PAGE}{code}").open_checkout(opening)

    def confirm(self, payment: Payment, tenant: Tenant) -> PaymentStatus:
        request = ConfirmRequest(tenant.id, payment.id, wall_clock())
        return Settling(self.database, self.desk).confirm(request).status

    def break_open(self, tenant: Tenant, gateway: str, currency: str) -> None:
        """Ask until the breaker of this account opens; the simulator must be made to answer 500."""
        with self.database.tenant(tenant.id) as session:
            account = self.desk.account_for(session, gateway, currency)
        for _ in range(FEWEST_CALLS):
            with suppress(GatewayOutcomeUnknownError, GatewayPausedError):
                self.desk.gateway(gateway).probe(account)
        with pytest.raises(GatewayPausedError):
            self.desk.gateway(gateway).probe(account)

    def payment(self, payment: Payment, tenant: Tenant) -> Payment:
        with self.database.tenant(tenant.id) as session:
            return payments.get(session, payment.id)

    def attempt(self, payment: Payment, tenant: Tenant) -> Attempt:
        with self.database.tenant(tenant.id) as session:
            found = attempts.last(session, payment.id)
        assert found is not None
        return found
