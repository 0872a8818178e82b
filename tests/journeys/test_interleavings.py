"""One payment at each gateway through random interleavings of its doors, with faults and crashes in between.

Real adapters against the simulators over HTTP, the real webhook route, activities and database; only Temporal is played by the
order in which Hypothesis calls the activities, because that order is the point.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.gateway_calls import GatewayAddresses, GatewayDesk
from api.app import create_app
from dev.simulators import ozow, ozow_book, payfast, payfast_book, paynow, paynow_book
from domain.money import Money
from domain.payment import PaymentMethod
from gateways.base import GatewayAccount
from gateways.registry import build_registry
from gateways.transport import Transport
from persistence import audit, invoices, links, payments, tenants
from persistence.database import Database
from tests import factories
from tests.api.serving import settings as api_settings
from tests.gateways import ozow_bench, payfast_bench, paynow_bench
from tests.gateways.bench import Bench, Fault
from tests.gateways.ozow_bench import OzowBench
from tests.gateways.payfast_bench import PayfastBench
from tests.gateways.paynow_bench import PaynowBench
from tests.gateways.serving import Merchant, served
from tests.gateways.yoco_bench import YocoBench, yoco_served
from tests.journeys.payment_life import CURRENCIES, METHODS, Life, World

Move = Callable[[Life], None]

EXAMPLES = 30


def _accounts(name: str, stack: ExitStack, merchant: Merchant) -> GatewayAccount:
    """An account at a simulator of its own."""
    if name == "yoco":
        return replace(stack.enter_context(yoco_served()), result_url=merchant.url)
    if name == "payfast":
        url = stack.enter_context(served(payfast.build_app(payfast_book.Config.load(payfast_bench.SETTINGS))))
        return payfast_bench.account_at(url, merchant.url)
    if name == "ozow":
        url = stack.enter_context(served(ozow.build_app(ozow_book.Config.load(ozow_bench.SETTINGS))))
        return GatewayAccount("gwa_test", "ozow", "ZAR", url, merchant.url, ozow_bench.CREDENTIALS)
    integrations = [{"id": paynow_bench.PAYNOW_ID, "key": paynow_bench.PAYNOW_KEY, "currency": "USD"}]
    url = stack.enter_context(served(paynow.build_app(paynow_book.Config.load({"integrations": integrations}))))
    credentials = {"integration_id": paynow_bench.PAYNOW_ID, "integration_key": paynow_bench.PAYNOW_KEY}
    return GatewayAccount("gwa_test", "paynow", "USD", url, merchant.url, credentials)


def _bench(name: str, account: GatewayAccount, merchant: Merchant, transport: Transport) -> Bench:
    match name:
        case "yoco":
            return YocoBench(account, merchant, transport, transport)
        case "payfast":
            return PayfastBench(account, merchant, transport, transport)
        case "ozow":
            return OzowBench(account, merchant, transport, transport)
        case _:
            return PaynowBench(account, merchant, PaymentMethod.PAYNOW_ECOCASH, transport, transport)


@pytest.fixture(scope="module", params=["paynow", "yoco", "payfast", "ozow"])
def world(request: pytest.FixtureRequest, database: Database, database_url: str) -> Iterator[World]:
    name = request.param
    with ExitStack() as stack:
        merchant = Merchant()
        stack.callback(merchant.close)
        transport = stack.enter_context(Transport(timeout_seconds=5, connect_seconds=5))
        bench = _bench(name, _accounts(name, stack, merchant), merchant, transport)
        stack.callback(bench.close)
        account = bench.account
        tenant = factories.make_tenant(database, currency=CURRENCIES.get(name, "ZAR"))
        with database.system() as system:
            tenants.put_account(
                system, factories.BOX, tenant.id, name, tenant.currency, dict(account.credentials), factories.NOW
            )
        addresses = {name: GatewayAddresses(account.base_url, merchant.url, sources=account.update_sources)}
        desk = GatewayDesk(build_registry(transport), factories.BOX, addresses)
        door = stack.enter_context(_door(database_url, name, account.base_url))
        yield World(database, tenant, bench, desk, door, name)


@contextmanager
def _door(database_url: str, name: str, base_url: str) -> Iterator[httpx.Client]:
    """The API over HTTP, with Temporal down: what comes is stored, and nobody is told."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    where = {f"{name}_url" if name == "payfast" else f"{name}_api_url": base_url, "payfast_sources": "127.0.0.0/8"}
    app = create_app(api_settings(database_url, log_level="CRITICAL", **where))
    with served(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client
    root.handlers, root.level = handlers, level


def _begin(world: World) -> Life:
    invoice = factories.issue_invoice(world.database, world.tenant, amount=Money(149_50, world.currency))
    with world.database.tenant(world.tenant.id) as session:
        opened = links.tenant_of_code(session, invoices.get(session, invoice.id).payment_token)
        assert opened is not None
        payment = payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            link_id=opened[1],
            method=METHODS[world.name],
            amount=invoice.total,
            payer_phone="0771234567",
            actor=audit.PAYER,
            now=factories.NOW,
        )
    world.bench.merchant.posted.clear()
    world.bench.forget_faults()
    return Life(world, invoice, payment.id)


def _opens(dies_at: int | None = None, fault: Fault | None = None) -> Move:
    return lambda life: life.opens(dies_at=dies_at, fault=fault)


def _looks(*, is_last: bool = False, dies_at: int | None = None, fails: bool = False) -> Move:
    return lambda life: life.looks(is_last=is_last, dies_at=dies_at, fails=fails)


OPENINGS: list[Move] = [
    *[_opens()] * 4,
    *(_opens(dies_at=number) for number in (0, 1, 2)),
    *(_opens(fault=fault) for fault in (Fault.LOST_ANSWER, Fault.SERVER_ERROR)),
]
LOOKS: list[Move] = [_looks(), _looks(dies_at=0), _looks(dies_at=1), _looks(fails=True), _looks(is_last=True)]
MOVES = st.one_of(
    st.sampled_from(OPENINGS),
    st.sampled_from([Life.pays, Life.pays, Life.cancels, Life.tries_again]),
    st.builds(lambda which: lambda life: life.hears(which), st.integers(0, 5)),
    st.sampled_from(LOOKS),
    st.sampled_from([Life.waits, Life.pays]),
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(opening=st.sampled_from(OPENINGS), moves=st.lists(MOVES, min_size=3, max_size=14))
def test_whatever_happens_in_whatever_order_money_is_settled_once_and_none_is_lost(
    world: World, opening: Move, moves: list[Move]
) -> None:
    life = _begin(world)
    for move in (opening, *moves):
        move(life)
        life.books_hold()
    life.ends()
