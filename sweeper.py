"""The sweeper: takes up what another process left lying when it died, or when Temporal was down.

It signals updates that were stored and never signalled, ends payments that never reached a gateway, and settles what staff
recorded and nobody settled. A plain loop in the worker's process and not a Temporal schedule, which would be down together
with Temporal.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from persistence import payments, webhooks
from persistence.database import Database
from persistence.payments import Payment
from persistence.webhooks import Unsignalled
from workflows.client import EngineUnavailableError, Workflows

PAUSE_SECONDS = 1.0
ORPHANS_EVERY_SECONDS = 60.0
UPDATES_A_SWEEP = 50
# A payment of which no gateway was asked by then never will be: its payer has long gone.
ORPHANED_AFTER = timedelta(minutes=15)
# Money that staff recorded is settled within a second, unless the process that was to see to it died.
FORGOTTEN_AFTER = timedelta(minutes=1)

log = structlog.get_logger(__name__)


async def sweep_for_ever(database: Database, workflows: Workflows) -> None:
    """Sweep until cancelled; no error ends it."""
    await asyncio.gather(
        _repeat(sweep_inbox, database, workflows, PAUSE_SECONDS),
        _repeat(sweep_orphans, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_recorded, database, workflows, ORPHANS_EVERY_SECONDS),
    )


async def sweep_inbox(database: Database, workflows: Workflows, now: datetime) -> int:
    """Signal the updates that wait; how many were tried."""
    waiting = await asyncio.to_thread(_take_unsignalled, database, now)
    for update in waiting:
        try:
            await workflows.tell_payment(update.tenant_id, update.payment_id, update.id)
        except EngineUnavailableError as error:
            log.warning("an update stays in the inbox", webhook_id=update.id, payment_id=update.payment_id, error=str(error))
            continue
        await asyncio.to_thread(_mark_signalled, database, update.id, now)
    return len(waiting)


async def sweep_orphans(database: Database, workflows: Workflows, now: datetime) -> int:
    """End the payments that were begun and never reached a gateway; how many were tried."""
    orphans = await asyncio.to_thread(_never_begun, database, now - ORPHANED_AFTER)
    for tenant_id, payment_id in orphans:
        try:
            await workflows.look_late(tenant_id, payment_id, "never-begun")
        except EngineUnavailableError as error:
            log.warning("a payment that never began stays pending", payment_id=payment_id, error=str(error))
    return len(orphans)


async def sweep_recorded(database: Database, workflows: Workflows, now: datetime) -> int:
    """Settle what staff recorded and nobody settled; how many were tried."""
    forgotten = await asyncio.to_thread(_recorded_unsettled, database, now - FORGOTTEN_AFTER)
    for tenant_id, payment in forgotten:
        try:
            await workflows.settle_recorded(
                tenant_id, payment.id, invoice_id=payment.invoice_id or "", currency=payment.amount.currency
            )
        except EngineUnavailableError as error:
            log.warning("recorded money stays unsettled", payment_id=payment.id, error=str(error))
    return len(forgotten)


Sweep = Callable[[Database, Workflows, datetime], Awaitable[int]]


async def _repeat(sweep: Sweep, database: Database, workflows: Workflows, pause: float) -> None:
    while True:
        try:
            await sweep(database, workflows, datetime.now(UTC))
        except Exception:
            log.exception("a sweep failed and is tried again")
        await asyncio.sleep(pause)


def _take_unsignalled(database: Database, now: datetime) -> list[Unsignalled]:
    with database.system() as session:
        return webhooks.take_unsignalled(session, now, UPDATES_A_SWEEP)


def _mark_signalled(database: Database, webhook_id: str, now: datetime) -> None:
    with database.system() as session:
        webhooks.mark_signalled(session, webhook_id, now)


def _never_begun(database: Database, before: datetime) -> list[tuple[str, str]]:
    with database.system() as session:
        return payments.never_begun(session, before, UPDATES_A_SWEEP)


def _recorded_unsettled(database: Database, before: datetime) -> list[tuple[str, Payment]]:
    with database.system() as session:
        return payments.recorded_unsettled(session, before, UPDATES_A_SWEEP)
