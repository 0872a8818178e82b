"""The workers' composition root: `python worker.py [billing] [payments] [mail]` serves these queues, or all of them.

`build_worker` is what tests use too. The worker that serves payments also sweeps the inbox and watches over the gateways.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import telemetry
from activities.collecting import Collecting
from activities.customer_moving import CustomerMoving
from activities.gateway_calls import GatewayDesk
from activities.invoicing import Invoicing
from activities.letter_facts import LinkMaker
from activities.mailing import Mailing
from activities.moving import Moving
from activities.paying import Paying
from activities.reconciling import Reconciling
from activities.reversing import Reversing
from activities.scheduling import Scheduling
from activities.settling import Settling
from gateways.breaker import Breakers
from gateways.transport import Transport
from mail.mailer import Mailer, SmtpMailer
from operations import Addresses, Outbox
from outage_watch import OutageWatch, watch_for_ever
from persistence.database import Database
from settings import Settings
from sweeper import sweep_for_ever
from wiring import build_desk
from workflows import names
from workflows.billing_run import BillingRun
from workflows.client import Workflows, connect
from workflows.customer_move import CustomerMoveWorkflow
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.letter_delivery import LetterDelivery
from workflows.lifecycle_revival import LifecycleRevival
from workflows.payment import LatePayment, Payment, RecordedPayment
from workflows.payment_reversal import PaymentReversal
from workflows.reconciliation import DecidedPayment, Reconciliation
from workflows.scheduled_billing import ScheduledBilling

# Longer than any activity's call to a gateway or a mail server: what is under way is finished, not repeated.
DRAIN = timedelta(seconds=30)
THREADS = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What the activities work with."""

    database: Database
    desk: GatewayDesk
    mailer: Mailer
    links: LinkMaker
    workflows: Workflows


def build_services(settings: Settings, client: Client, breakers: Breakers) -> Services:
    """Wire the real collaborators."""
    return Services(
        database=Database(settings.database_url, connections=settings.database_connections),
        desk=build_desk(settings, Transport(), breakers),
        mailer=SmtpMailer(settings.smtp),
        links=settings.payment_page,
        workflows=Workflows(client),
    )


def build_worker(client: Client, queue: str, services: Services, executor: ThreadPoolExecutor) -> Worker:
    """A worker for one task queue, with the workflows and activities that belong to it."""
    workflows, activities = _served_on(queue, services)
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities,
        activity_executor=executor,
        max_concurrent_activities=THREADS,
        graceful_shutdown_timeout=DRAIN,
        interceptors=[telemetry.BindIds()],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(
                "activities", "domain", "holidays", "persistence", "public_holidays", "reapplying", "workflows"
            )
        ),
    )


def _served_on(queue: str, services: Services) -> tuple[Sequence[type], Sequence[Callable[..., Any]]]:
    match queue:
        case names.BILLING_QUEUE:
            invoicing = Invoicing(services.database, services.workflows)
            collecting = Collecting(services.database)
            return [BillingRun, InvoiceLifecycle, CustomerMoveWorkflow, ScheduledBilling], [
                invoicing.issue_batch,
                invoicing.start_lifecycles,
                invoicing.complete_run,
                Scheduling(services.database).take_up,
                collecting.take_step,
                collecting.look_again,
                collecting.resume,
                CustomerMoving(services.database).make,
                Moving(services.database).make,
            ]
        case names.PAYMENTS_QUEUE:
            paying = Paying(services.database, services.desk, services.links)
            settling = Settling(services.database, services.desk)
            reconciling = Reconciling(services.database, services.desk)
            reversing = Reversing(services.database, services.workflows)
            return [Payment, LatePayment, RecordedPayment, PaymentReversal, DecidedPayment, Reconciliation, LifecycleRevival], [
                paying.open_checkout,
                settling.confirm,
                settling.settle_recorded,
                settling.hand_to_a_person,
                reversing.reverse,
                reversing.reopen_lifecycles,
                reconciling.look_at_page,
                reconciling.conclude,
                reconciling.carry_out,
            ]
        case names.MAIL_QUEUE:
            mailing = Mailing(services.database, services.mailer, services.links)
            return [LetterDelivery], [mailing.deliver]
        case _:
            raise SystemExit(f"There is no task queue {queue!r}: choose from {', '.join(names.QUEUES)}.")


async def serve(settings: Settings, queues: Sequence[str]) -> None:
    """Serve the queues until SIGTERM or SIGINT, then finish what is under way."""
    runtime = telemetry.temporal_runtime(settings.metrics_port)
    client = await connect(settings.temporal_address, settings.temporal_namespace, runtime=runtime)
    breakers = Breakers(time.monotonic, telemetry.BreakerTelemetry(runtime.metric_meter))
    services = build_services(settings, client, breakers)
    outbox = Outbox(services.mailer, Addresses(settings.operations_email, settings.email_from))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with ThreadPoolExecutor(max_workers=THREADS * len(queues)) as executor:
        async with AsyncExitStack() as stack:
            for queue in queues:
                await stack.enter_async_context(build_worker(client, queue, services, executor))
            background = _beside_payments(services, breakers, outbox) if names.PAYMENTS_QUEUE in queues else []
            log.info("serving", queues=list(queues))
            if settings.dunlin_ready_file:
                settings.dunlin_ready_file.write_text("ready")
            await stopped.wait()
            log.info("draining", queues=list(queues))
            for task in background:
                task.cancel()
    services.database.close()


def _beside_payments(services: Services, breakers: Breakers, outbox: Outbox) -> "list[asyncio.Task[None]]":
    """What runs beside the payments queue until it is cancelled."""
    watch = OutageWatch(services.database, services.desk, breakers, outbox)
    return [
        asyncio.create_task(sweep_for_ever(services.database, services.workflows)),
        asyncio.create_task(watch_for_ever(watch, outbox, lambda: datetime.now(UTC))),
    ]


def main(arguments: Sequence[str]) -> None:
    """Serve the queues named on the command line, or all."""
    queues = arguments or names.QUEUES
    for queue in queues:
        if queue not in names.QUEUES:
            raise SystemExit(f"There is no task queue {queue!r}: choose from {', '.join(names.QUEUES)}.")
    settings = Settings()
    telemetry.configure_logging(settings.log_level)
    asyncio.run(serve(settings, queues))


if __name__ == "__main__":
    main(sys.argv[1:])
