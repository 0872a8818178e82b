"""The inbox sweeper: signals what was stored and never signalled, so that Temporal may be down and no update is lost.

A plain loop in the worker's process and not a Temporal schedule, which would be down together with Temporal.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from persistence import webhooks
from persistence.database import Database
from persistence.webhooks import Unsignalled
from workflows.client import EngineUnavailableError, Workflows

PAUSE_SECONDS = 1.0
UPDATES_A_SWEEP = 50

log = structlog.get_logger(__name__)


async def sweep_for_ever(database: Database, workflows: Workflows) -> None:
    """Sweep until cancelled; no error ends it."""
    while True:
        try:
            swept = await sweep(database, workflows, datetime.now(UTC))
        except Exception:
            log.exception("The sweep of the inbox failed; it is tried again.")
            swept = 0
        if swept < UPDATES_A_SWEEP:
            await asyncio.sleep(PAUSE_SECONDS)


async def sweep(database: Database, workflows: Workflows, now: datetime) -> int:
    """Signal the updates that wait; how many were tried."""
    waiting = await asyncio.to_thread(_take, database, now)
    for update in waiting:
        try:
            await workflows.tell_payment(update.tenant_id, update.payment_id, update.id)
        except EngineUnavailableError as error:
            log.warning("An update stays in the inbox.", webhook_id=update.id, payment_id=update.payment_id, error=str(error))
            continue
        await asyncio.to_thread(_mark, database, update.id, now)
    return len(waiting)


def _take(database: Database, now: datetime) -> list[Unsignalled]:
    with database.system() as session:
        return webhooks.take_unsignalled(session, now, UPDATES_A_SWEEP)


def _mark(database: Database, webhook_id: str, now: datetime) -> None:
    with database.system() as session:
        webhooks.mark_signalled(session, webhook_id, now)
