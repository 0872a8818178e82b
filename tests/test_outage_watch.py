"""The outage watch over a real gateway, database and mail server: each outage is told once, and ends by itself."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

import outage_watch
from activities.gateway_calls import GatewayAddresses, GatewayDesk
from dev.simulators.paynow import build_app
from dev.simulators.paynow_book import Config
from domain.customer import Tenant
from gateways.base import GatewayAccount, GatewayOutcomeUnknownError
from gateways.breaker import Breakers, Guarded
from gateways.paynow import Paynow
from gateways.registry import Registry
from gateways.transport import Transport
from mail.mailer import Security, SmtpMailer, SmtpSettings
from operations import Addresses, Outbox
from outage_watch import LEFT_BEHIND_AFTER, OutageWatch, watch_for_ever
from persistence import outages
from persistence.database import Database
from tests import factories
from tests.gateways.serving import served
from tests.gateways.test_breaker import Clock
from tests.mail.server import Script, serving
from tests.workflows.bench import eventually

# Long ago: what other tests put into the database lies ahead of it.
NOW = datetime(2001, 1, 1, 12, 0, tzinfo=UTC)


@dataclass
class Process:
    """What one worker process has of all this."""

    database: Database
    desk: GatewayDesk
    breakers: Breakers
    watch: OutageWatch
    outbox: Outbox
    clock: Clock

    def fail(self, account: GatewayAccount, times: int = 5) -> None:
        for _ in range(times):
            with pytest.raises(GatewayOutcomeUnknownError):
                self.desk.gateway("paynow").trace(account, "any")

    def tell(self, now: datetime = NOW) -> None:
        self.watch.record(now)
        self.outbox.send(now)

    def try_paused(self) -> None:
        for account_id in self.watch.paused():
            self.watch.answers(account_id)


@dataclass
class World:
    """Paynow, a mail server and a business, and processes that share them."""

    database: Database
    tenant: Tenant
    paynow_url: str
    control: httpx.Client
    mailer: SmtpMailer
    letters: Script
    transport: Transport
    account_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.account_id = factories.make_account(self.database, self.tenant).id

    def process(self) -> Process:
        clock = Clock()
        breakers = Breakers(clock, lambda _: None)
        desk = GatewayDesk(
            Registry({"paynow": Guarded(Paynow(self.transport), breakers)}),
            factories.BOX,
            {"paynow": GatewayAddresses(self.paynow_url, "http://127.0.0.1:1/webhook")},
        )
        outbox = Outbox(self.mailer, Addresses("operations@cvt.example"))
        return Process(self.database, desk, breakers, OutageWatch(self.database, desk, breakers, outbox), outbox, clock)

    def account(self, process: Process) -> GatewayAccount:
        with self.database.system() as session:
            return process.desk.account(session, self.account_id)

    def go_down(self) -> None:
        self.control.post("/faults", json={"operation": "*", "kind": "http_500", "times": 100_000}).raise_for_status()

    def come_back(self) -> None:
        self.control.delete("/faults").raise_for_status()

    def told(self) -> list[str]:
        """What the operators were told, without the business's name."""
        return [str(mail["Subject"]).removesuffix(f" ({self.tenant.slug})") for mail in self.letters.seen]


BEGAN, ENDED = "Dunlin: Paynow does not answer", "Dunlin: Paynow answers again"


@pytest.fixture
def world(database: Database, tenant: Tenant) -> Iterator[World]:
    integration = {
        "id": factories.PAYNOW_CREDENTIALS["integration_id"],
        "key": factories.PAYNOW_CREDENTIALS["integration_key"],
        "currency": "USD",
    }
    letters = Script()
    with ExitStack() as stack:
        url = stack.enter_context(served(build_app(Config.load({"integrations": [integration], "delay_scale": 0.01}))))
        control = stack.enter_context(httpx.Client(base_url=f"{url}/_control", trust_env=False))
        mailer = SmtpMailer(SmtpSettings("127.0.0.1", stack.enter_context(serving(letters)), Security.NONE))
        yield World(database, tenant, url, control, mailer, letters, stack.enter_context(Transport()))


def test_an_outage_is_told_once_however_often_the_watch_looks_and_ends_by_a_trial(world: World) -> None:
    process = world.process()
    world.go_down()
    process.fail(world.account(process))
    for _ in range(3):
        process.tell()
    assert world.told() == [BEGAN]

    process.clock.now += 30
    process.try_paused()
    process.tell()
    assert world.told() == [BEGAN], "a trial that failed is no news"

    world.come_back()
    process.try_paused()
    assert process.breakers.pauses(), "the pause began anew"
    process.clock.now += 30
    process.try_paused()
    process.tell()
    process.tell()
    assert world.told() == [BEGAN, ENDED]


def test_of_two_processes_that_see_an_outage_one_tells(world: World) -> None:
    first, second = world.process(), world.process()
    world.go_down()
    for process in (first, second):
        process.fail(world.account(process))
        process.tell()
    assert world.told() == [BEGAN]
    world.come_back()
    for process in (first, second):
        process.clock.now += 30
        process.try_paused()
        process.tell()
    assert world.told() == [BEGAN, ENDED]


def test_an_outage_that_lasts_for_one_process_is_on_record_again_when_its_trial_fails(world: World) -> None:
    first, second = world.process(), world.process()
    world.go_down()
    for process in (first, second):
        process.fail(world.account(process))
        process.tell()
    with world.database.system() as session:
        outages.close_outage(session, world.account_id, NOW)
    second.clock.now += 30
    second.try_paused()
    second.tell()
    assert world.told() == [BEGAN, BEGAN]


def test_an_outage_whose_process_died_is_taken_over_and_ended(world: World) -> None:
    dead, alive = world.process(), world.process()
    world.go_down()
    dead.fail(world.account(dead))
    dead.tell()
    assert world.account_id not in alive.watch.left_behind(NOW + LEFT_BEHIND_AFTER - timedelta(seconds=1))

    later = NOW + LEFT_BEHIND_AFTER
    assert world.account_id in alive.watch.left_behind(later)
    assert world.account_id not in dead.watch.left_behind(later), "a process that sees the outage tries by itself"
    alive.watch.take_over(world.account_id, later)
    alive.tell(later)
    assert world.told() == [BEGAN]

    world.come_back()
    alive.watch.take_over(world.account_id, later)
    alive.tell(later)
    assert world.told() == [BEGAN, ENDED]
    assert world.account_id not in alive.watch.left_behind(later)


def test_an_account_whose_credentials_cannot_be_read_does_not_answer(world: World) -> None:
    assert not world.process().watch.answers("gwa_gone")


async def test_the_loops_end_an_outage_without_any_payer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_watch, "GLANCE_SECONDS", 0.02)
    process = world.process()
    world.go_down()
    process.fail(world.account(process))
    watching = asyncio.create_task(watch_for_ever(process.watch, process.outbox, lambda: NOW))
    try:
        await eventually(lambda: world.told() == [BEGAN], "the first message")
        await asyncio.to_thread(world.come_back)
        process.clock.now += 30
        await eventually(lambda: world.told() == [BEGAN, ENDED], "the second message")
    finally:
        watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_the_loops_outlive_a_database_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_watch, "GLANCE_SECONDS", 0.02)
    process = world.process()
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(process.watch, "_database", away)
    world.go_down()
    process.fail(world.account(process))
    rounds: list[int] = []

    def clock() -> datetime:
        rounds.append(1)
        return NOW

    watching = asyncio.create_task(watch_for_ever(process.watch, process.outbox, clock))
    try:
        await eventually(lambda: len(rounds) > 2, "a second round")
        monkeypatch.setattr(process.watch, "_database", world.database)
        await eventually(lambda: world.told() == [BEGAN], "the message")
    finally:
        watching.cancel()
        away.close()
    with pytest.raises(asyncio.CancelledError):
        await watching
