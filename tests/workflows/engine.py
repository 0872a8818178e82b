"""The engine of workflow tests: a Temporal server that skips time, the real workers, Paynow's simulator, a mail server."""

import warnings
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Worker

from activities.gateway_calls import GatewayAddresses, GatewayDesk
from dev.simulators.paynow import build_app
from dev.simulators.paynow_book import Config
from dev.temporal import dev_server_kwargs
from gateways.registry import build_registry
from gateways.transport import Transport
from mail.mailer import Security, SmtpMailer, SmtpSettings
from persistence.database import Database
from tests import factories
from tests.gateways.serving import Merchant, served
from tests.mail.server import Script, serving
from worker import THREADS, Services, build_worker
from workflows import names
from workflows.client import Workflows, connect

PAGE = "https://pay.dunlin.example/pay/"


def wall_clock() -> datetime:
    """The server's clock: a workflow's own time starts here and skips ahead from here."""
    return datetime.now(UTC)  # noqa: TID251 - the Temporal server reads the machine's clock; dates are counted from it


class Staff:
    """The workers of all queues; a test may send them home and call them back."""

    def __init__(self, client: Client, services: Services, executor: ThreadPoolExecutor) -> None:
        self._client, self._services, self._executor = client, services, executor
        self._working: list[Worker] = []

    async def start(self, queues: Sequence[str] = names.QUEUES) -> None:
        for queue in queues:
            worker = build_worker(self._client, queue, self._services, self._executor)
            await worker.__aenter__()
            self._working.append(worker)

    async def stop(self) -> None:
        while self._working:
            await self._working.pop().__aexit__(None, None, None)


@dataclass(frozen=True)
class Engine:
    """Everything but the business.

    Attributes:
        client: without time skipping; a test moves a workflow's clock by `environment.fast_forward`.
        paynow: the control API of Paynow's simulator.
        merchant: takes Paynow's updates and does nothing with them; a test tells a payment by hand.
        letters: what the mail server answers, and what it took.
    """

    environment: WorkflowEnvironment
    client: Client
    address: str
    services: Services
    staff: Staff
    paynow_url: str
    paynow: httpx.Client
    merchant: Merchant
    letters: Script
    smtp_port: int

    @property
    def workflows(self) -> Workflows:
        return self.services.workflows

    async def forward(self, handle: WorkflowHandle[object, object], to: datetime | timedelta) -> None:
        """Let a workflow's time run to an instant, or by a while; what falls due on the way is done before this returns."""
        by = to if isinstance(to, timedelta) else to - await self.environment.get_current_time(handle)
        await self.environment.fast_forward(handle, by)


@asynccontextmanager
async def running_engine(database: Database) -> AsyncIterator[Engine]:
    """Start all of it, and stop it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*experimental.*")
        environment = await WorkflowEnvironment.start_time_skipping_v2(
            ts_config=TimeSkippingConfig(enabled=False), **dev_server_kwargs()
        )
    async with environment:
        address = environment.client.service_client.config.target_host
        client = await connect(address)
        with ExitStack() as stack:
            executor = stack.enter_context(ThreadPoolExecutor(max_workers=THREADS))
            letters = Script()
            smtp_port = stack.enter_context(serving(letters))
            paynow_url = stack.enter_context(served(build_app(_paynow())))
            merchant = Merchant()
            stack.callback(merchant.close)
            transport = stack.enter_context(Transport(timeout_seconds=2, connect_seconds=2))
            services = Services(
                database=database,
                desk=GatewayDesk(
                    gateways=build_registry(transport),
                    box=factories.BOX,
                    addresses={"paynow": GatewayAddresses(paynow_url, merchant.url)},
                ),
                mailer=SmtpMailer(SmtpSettings("127.0.0.1", smtp_port, Security.NONE)),
                links=lambda token: f"{PAGE}{token}",
                workflows=Workflows(client),
            )
            paynow = stack.enter_context(httpx.Client(base_url=f"{paynow_url}/_control", trust_env=False))
            staff = Staff(client, services, executor)
            await staff.start()
            yield Engine(environment, client, address, services, staff, paynow_url, paynow, merchant, letters, smtp_port)
            await staff.stop()


def _paynow() -> Config:
    account = factories.PAYNOW_CREDENTIALS
    integration = {"id": account["integration_id"], "key": account["integration_key"], "currency": "USD"}
    return Config.load({"integrations": [integration], "delay_scale": 0.01})
