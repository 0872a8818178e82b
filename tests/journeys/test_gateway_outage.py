"""A gateway goes down for an evening: it is left alone, the operators hear of it once, the others go on, and it comes back.

Wired as a worker wires it, over the simulators, the database and the inbox. Only the clock of the breakers is the test's:
nobody waits half a minute.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.gateway_calls import GatewayDesk
from dev.blueprint import ROOT
from dev.ports import free_port
from dev.processes import spawn, stop
from dev.simulators import paynow, yoco
from dev.simulators.paynow_book import Config as PaynowConfig
from dev.simulators.yoco_book import Config as YocoConfig
from domain.customer import Tenant
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import CheckoutRequest, GatewayError, GatewayPausedError
from gateways.breaker import Breakers
from gateways.transport import Transport
from mail.mailer import SmtpMailer
from operations import Addresses, Outbox
from outage_watch import OutageWatch, watch_for_ever
from persistence import tenants
from persistence.database import Database
from settings import Settings
from tests import factories
from tests.gateways.serving import eventually, served
from tests.gateways.test_breaker import Clock
from wiring import build_desk

OPERATIONS = "operations@dunlin.example"
# Before the outages that other tests have left in the database: those are not for this watch to take over.
NOW = datetime(2000, 1, 1, 18, 0, tzinfo=UTC)
YOCO_KEY = "sk_test_960bfde0VBrLlpK098e4ffeb53e1"


@dataclass
class Evening:
    """A business that takes dollars by Paynow and rands by Yoco, and those who run its installation."""

    database: Database
    tenant: Tenant
    desk: GatewayDesk
    clock: Clock
    watch: OutageWatch
    outbox: Outbox
    paynow: httpx.Client
    inbox: httpx.Client

    def open_checkout(self, method: PaymentMethod, currency: str) -> Outcome:
        """Ask a gateway to collect, as the payment's activity does."""
        gateway = method.gateway
        assert gateway is not None
        with self.database.tenant(self.tenant.id) as session:
            account = self.desk.account_for(session, gateway, currency)
        return self.desk.gateway(gateway).open_checkout(account, _request(method, currency)).outcome

    def by_paynow(self) -> Outcome:
        return self.open_checkout(PaymentMethod.PAYNOW_VISA, "USD")

    def by_yoco(self) -> Outcome:
        return self.open_checkout(PaymentMethod.YOCO, "ZAR")

    def requests_refused(self) -> int:
        """How many requests have reached Paynow since it went down."""
        (fault,) = self.paynow.get("/faults").json()["faults"]
        return 100_000 - int(fault["times"])

    def told(self) -> list[str]:
        """What the operators were told, oldest first."""
        found = self.inbox.get("/api/v1/search", params={"query": f"to:{OPERATIONS}"}).json()["messages"]
        return [str(mail["Subject"]) for mail in reversed(found)]


def _request(method: PaymentMethod, currency: str) -> CheckoutRequest:
    mark = f"att_{secrets.token_hex(13)}"
    return CheckoutRequest(
        reference=mark,
        trace=mark,
        amount=Money(12_50, currency),
        method=method,
        description="Invoice CVT-000012",
        return_url="https://billing.example.com/pay/1",
        email="payer@example.com",
    )


@contextmanager
def running_inbox(directory: Path) -> Iterator[tuple[int, httpx.Client]]:
    """The stack's inbox: its SMTP port, and its page's client."""
    smtp_port, http_port = free_port(), free_port()
    command = [sys.executable, "-m", "dev.inbox", f"--smtp-port={smtp_port}", f"--http-port={http_port}", f"--dir={directory}"]
    process = spawn(command, log=directory / "inbox.log", environment=os.environ, directory=ROOT)
    with httpx.Client(base_url=f"http://127.0.0.1:{http_port}", trust_env=False) as client:
        try:
            eventually(lambda: _answers(client), "the inbox")
            yield smtp_port, client
        finally:
            stop(process, with_signal=signal.SIGTERM, grace=20)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def evening(database: Database, tenant: Tenant, tmp_path: Path) -> Iterator[Evening]:
    yoco_account = {"secret_key": YOCO_KEY, "webhook_secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
    with database.system() as system:
        for gateway, currency, credentials in (
            ("paynow", "USD", factories.PAYNOW_CREDENTIALS),
            ("yoco", "ZAR", yoco_account),
        ):
            tenants.put_account(system, factories.BOX, tenant.id, gateway, currency, credentials, NOW)
    with ExitStack() as stack:
        paynow_url = stack.enter_context(served(paynow.build_app(_paynow_config())))
        yoco_url = stack.enter_context(served(yoco.build_app(YocoConfig.load({"accounts": [yoco_account]}))))
        smtp_port, inbox = stack.enter_context(running_inbox(tmp_path))
        settings = _settings(
            paynow_api_url=paynow_url, yoco_api_url=f"{yoco_url}/api", smtp_host="127.0.0.1", smtp_port=smtp_port
        )
        clock = Clock()
        breakers = Breakers(clock, lambda _: None)
        desk = build_desk(settings, stack.enter_context(Transport()), breakers)
        outbox = Outbox(SmtpMailer(settings.smtp), Addresses(settings.operations_email, settings.email_from))
        watch = OutageWatch(database, desk, breakers, outbox)
        control = stack.enter_context(httpx.Client(base_url=f"{paynow_url}/_control", trust_env=False))
        yield Evening(database, tenant, desk, clock, watch, outbox, control, inbox)


def _paynow_config() -> PaynowConfig:
    account = factories.PAYNOW_CREDENTIALS
    integration = {"id": account["integration_id"], "key": account["integration_key"], "currency": "USD"}
    return PaynowConfig.load({"integrations": [integration]})


def _settings(**values: Any) -> Settings:
    return Settings(
        _env_file=None,
        dunlin_secret_key=factories.SECRET_KEY,
        email_from="billing@dunlin.example",
        operations_email=OPERATIONS,
        **values,
    )


async def test_paynow_is_down_for_an_evening(evening: Evening) -> None:
    slug = evening.tenant.slug
    watching = asyncio.create_task(watch_for_ever(evening.watch, evening.outbox, lambda: NOW))
    try:
        await asyncio.to_thread(_it_goes_down, evening, slug)
        await asyncio.to_thread(_others_go_on, evening)
        await asyncio.to_thread(_it_comes_back, evening, slug)
    finally:
        watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


def _it_goes_down(evening: Evening, slug: str) -> None:
    assert evening.by_paynow() is Outcome.PENDING
    evening.paynow.post("/faults", json={"operation": "*", "kind": "http_500", "times": 100_000}).raise_for_status()
    for _ in range(4):  # with the one before, four of five calls failed
        with pytest.raises(GatewayError, match="answered HTTP 500"):
            evening.by_paynow()
    for _ in range(5):
        with pytest.raises(GatewayPausedError):
            evening.by_paynow()
    assert evening.requests_refused() == 4
    eventually(evening.told, "the first message")
    assert evening.told() == [f"Dunlin: Paynow does not answer ({slug})"]


def _others_go_on(evening: Evening) -> None:
    for _ in range(3):
        assert evening.by_yoco() is Outcome.PENDING
    for sent in (5, 6, 7):
        evening.clock.now += 30
        eventually(partial(_has_refused, evening, sent), "one trial after each pause")
    assert len(evening.told()) == 1, "trials that fail are no news"


def _has_refused(evening: Evening, requests: int) -> bool:
    """Whether so many requests were refused, and we have heard of the last refusal: the next pause begins only then."""
    pauses_again = all(pause.until > evening.clock.now for pause in evening.watch._breakers.pauses())
    return evening.requests_refused() == requests and pauses_again


def _it_comes_back(evening: Evening, slug: str) -> None:
    evening.paynow.delete("/faults").raise_for_status()
    evening.clock.now += 30
    eventually(lambda: len(evening.told()) == 2, "the second message")
    assert evening.told()[1] == f"Dunlin: Paynow answers again ({slug})"
    assert evening.by_paynow() is Outcome.PENDING
    assert len(evening.told()) == 2
