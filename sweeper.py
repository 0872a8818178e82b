"""The sweeper: takes up what another process left lying when it died, or when Temporal was down.

It signals updates that were stored and never signalled, ends payments that never reached a gateway, settles what staff
recorded and nobody settled, does what staff decided in a review, on an invoice or about a customer and nobody did, and sends
the letters that staff asked for and nobody sent. It tells Temporal of billing schedules that it was not told of. It has
payments looked at again: those that are overdue soon, all that deserve it once a day. A plain loop in the worker's process and
not a Temporal schedule, which would be down together with Temporal.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

import structlog

from domain.calendar import local_day, local_instant
from domain.customer import Tenant
from domain.errors import ConflictError, DunlinError, InvalidInputError
from domain.letters import Letter
from persistence import customer_moves, forgotten, messages, moves, reconciliations, reviews, tenants, webhooks
from persistence.customer_moves import AskedCustomerMove
from persistence.database import Database
from persistence.moves import StaffMove
from persistence.payments import Payment
from persistence.webhooks import Unsignalled
from schedule_sync import sync_schedules, tell_all_schedules
from workflows.client import EngineUnavailableError, Workflows

PAUSE_SECONDS = 1.0
ORPHANS_EVERY_SECONDS = 60.0
OVERDUE_EVERY_SECONDS = 15 * 60.0
RECONCILE_EVERY_SECONDS = 60 * 60.0
TELL_ALL_EVERY_SECONDS = 24 * 60 * 60.0
UPDATES_A_SWEEP = 50
# A payment of which no gateway was asked by then never will be: its payer has long gone.
ORPHANED_AFTER = timedelta(minutes=15)
# Money that staff recorded is settled within a second, unless the process that was to see to it died.
FORGOTTEN_AFTER = timedelta(minutes=1)
# In the tenant's night, when nobody waits for a gateway.
RECONCILED_FROM = time(3, 0)
# All other letters belong to a workflow that sends them.
LETTERS_OF_STAFF = (Letter.PAYMENT_LINK,)

log = structlog.get_logger(__name__)


async def sweep_for_ever(database: Database, workflows: Workflows) -> None:
    """Sweep until cancelled; no error ends it."""
    await asyncio.gather(
        _repeat(sweep_inbox, database, workflows, PAUSE_SECONDS),
        _repeat(sweep_orphans, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_recorded, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_decided, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_overdue, database, workflows, OVERDUE_EVERY_SECONDS),
        _repeat(reconcile_daily, database, workflows, RECONCILE_EVERY_SECONDS),
        _repeat(sweep_letters, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_moves, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sweep_customer_moves, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(sync_schedules, database, workflows, ORPHANS_EVERY_SECONDS),
        _repeat(tell_all_schedules, database, workflows, TELL_ALL_EVERY_SECONDS),
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


async def sweep_letters(database: Database, workflows: Workflows, now: datetime) -> int:
    """Send what staff asked to be sent while Temporal was down; how many were tried."""
    waiting = await asyncio.to_thread(_never_tried, database, now - FORGOTTEN_AFTER)
    for tenant_id, message_id in waiting:
        try:
            await workflows.send_letter(tenant_id, message_id)
        except EngineUnavailableError as error:
            log.warning("a letter stays unsent", message_id=message_id, error=str(error))
    return len(waiting)


async def sweep_decided(database: Database, workflows: Workflows, now: datetime) -> int:
    """Do to payments what staff decided in a review and nobody did; how many were tried."""
    undone = await asyncio.to_thread(_not_carried_out, database, now - FORGOTTEN_AFTER)
    for tenant_id, payment_id, review_id in undone:
        try:
            await workflows.carry_out_decision(tenant_id, payment_id, review_id)
        except EngineUnavailableError as error:
            log.warning("a decision is not carried out", review_id=review_id, payment_id=payment_id, error=str(error))
    return len(undone)


async def sweep_moves(database: Database, workflows: Workflows, now: datetime) -> int:
    """Have the moves on invoices made that staff asked for and nobody decided; how many were tried."""
    waiting = await asyncio.to_thread(_not_moved, database, now - FORGOTTEN_AFTER)
    for tenant_id, asked in waiting:
        try:
            await workflows.move_invoice(tenant_id, asked.invoice_id, asked.move)
        except (ConflictError, InvalidInputError) as error:
            await asyncio.to_thread(_mark_refused, database, tenant_id, asked, error, now)
        except DunlinError as error:
            log.warning("a move on an invoice was not made", move_id=asked.id, invoice_id=asked.invoice_id, error=str(error))
    return len(waiting)


async def sweep_customer_moves(database: Database, workflows: Workflows, now: datetime) -> int:
    """Make the moves on customers that staff asked for and nobody made; how many were tried."""
    waiting = await asyncio.to_thread(_customers_not_moved, database, now - FORGOTTEN_AFTER)
    for tenant_id, asked in waiting:
        try:
            await workflows.make_customer_move(tenant_id, asked.customer_id, asked.move)
        except DunlinError as error:
            log.warning("a move on a customer was not made", move_id=asked.id, customer_id=asked.customer_id, error=str(error))
    return len(waiting)


async def sweep_overdue(database: Database, workflows: Workflows, now: datetime) -> int:
    """Have payments looked at whose saga was ended by hand, or lost, before they were decided; how many tenants have some."""
    waiting = await asyncio.to_thread(_tenants_with_overdue, database, now)
    for tenant_id in waiting:
        try:
            await workflows.look_at_overdue(tenant_id, now.date())
        except EngineUnavailableError as error:
            log.warning("overdue payments are not looked at", tenant_id=tenant_id, error=str(error))
    return len(waiting)


async def reconcile_daily(database: Database, workflows: Workflows, now: datetime) -> int:
    """Start each tenant's reconciliation once a day, from its night on; for how many tenants that was tried.

    Tried every hour, so that a night in which this was down is made up for; Temporal knows which were done already.
    """
    due = [tenant for tenant in await asyncio.to_thread(_tenants, database) if _is_late_enough(tenant, now)]
    for tenant in due:
        try:
            await workflows.reconcile(tenant.id, local_day(now, tenant.time_zone))
        except EngineUnavailableError as error:
            log.warning("payments are not reconciled", tenant_id=tenant.id, error=str(error))
    return len(due)


def _is_late_enough(tenant: Tenant, now: datetime) -> bool:
    return now >= local_instant(local_day(now, tenant.time_zone), RECONCILED_FROM, tenant.time_zone)


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
        return forgotten.never_begun(session, before, UPDATES_A_SWEEP)


def _recorded_unsettled(database: Database, before: datetime) -> list[tuple[str, Payment]]:
    with database.system() as session:
        return forgotten.recorded_unsettled(session, before, UPDATES_A_SWEEP)


def _never_tried(database: Database, before: datetime) -> list[tuple[str, str]]:
    with database.system() as session:
        return messages.never_tried(session, LETTERS_OF_STAFF, before, UPDATES_A_SWEEP)


def _not_carried_out(database: Database, before: datetime) -> list[tuple[str, str, str]]:
    with database.system() as session:
        return reviews.not_carried_out(session, before, UPDATES_A_SWEEP)


def _not_moved(database: Database, before: datetime) -> list[tuple[str, StaffMove]]:
    with database.system() as session:
        return moves.forgotten(session, before, UPDATES_A_SWEEP)


def _mark_refused(
    database: Database, tenant_id: str, asked: StaffMove, error: ConflictError | InvalidInputError, now: datetime
) -> None:
    with database.tenant(tenant_id) as session:
        moves.mark_refused(session, asked.id, error, now)


def _customers_not_moved(database: Database, before: datetime) -> list[tuple[str, AskedCustomerMove]]:
    with database.system() as session:
        return customer_moves.forgotten(session, before, UPDATES_A_SWEEP)


def _tenants_with_overdue(database: Database, now: datetime) -> list[str]:
    with database.system() as session:
        return reconciliations.tenants_with_overdue(session, now)


def _tenants(database: Database) -> list[Tenant]:
    with database.system() as session:
        return tenants.everyone(session)
