"""The sweeper: what was stored and never told is told, whatever was down; and payments that never began are ended.

Its clock is handed in, and lies in 2020: so it finds what these tests have put there, and nothing of other tests.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

import sweeper
from activities.paying import CheckoutOpening, Paying
from activities.reconciling import Tally
from dev.ports import free_port
from domain.payment import Outcome, PaymentStatus
from persistence import webhooks
from persistence.database import Database
from persistence.models import WebhookRow
from persistence.payments import Payment
from persistence.reconciliations import OVERDUE_AFTER
from sweeper import ORPHANED_AFTER, reconcile_daily, sweep_inbox, sweep_orphans, sweep_overdue
from tests.workflows.bench import Bench, eventually
from tests.workflows.fixtures import bench, engine
from workflows import names
from workflows.client import EngineUnavailableError, Workflows, connect
from workflows.payment import PaymentResult
from workflows.reconciliation import Reconciliation

__all__ = ["bench", "engine"]

LONG_AGO = datetime(2001, 1, 1, 12, 0, tzinfo=UTC)
# The door itself tells a payment at once; the sweeper leaves it two seconds for that.
SOON = LONG_AGO + timedelta(seconds=3)


def store_update(bench: Bench, payment: Payment) -> str:
    """An update as the webhook's door stores it, two seconds before it is the sweeper's turn."""
    with bench.database.system() as session:
        stored = webhooks.store(
            session,
            gateway="paynow",
            event_key=f"1/{payment.id}/paid",
            body=b"status=Paid",
            verified=True,
            tenant_id=bench.tenant.id,
            payment_id=payment.id,
            now=LONG_AGO,
        )
    assert stored is not None
    return stored


def signalled_at(database: Database, webhook_id: str) -> datetime | None:
    with database.system() as session:
        return session.get_one(WebhookRow, webhook_id).signalled_at


async def unreachable() -> Workflows:
    """A door behind which no Temporal answers."""
    return Workflows(await connect(f"127.0.0.1:{free_port()}", lazy=True))


async def paid_at_the_gateway(bench: Bench) -> Payment:
    """A payment whose saga waits, and of which the gateway has news."""
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Paid")
    return payment


async def test_an_update_that_was_stored_and_never_told_is_told_and_marked(bench: Bench) -> None:
    payment = await paid_at_the_gateway(bench)
    update = store_update(bench, payment)
    assert await sweep_inbox(bench.database, bench.engine.workflows, SOON) == 1
    assert await bench.ended(bench.saga(payment)) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert signalled_at(bench.database, update) == SOON
    assert await sweep_inbox(bench.database, bench.engine.workflows, SOON + timedelta(hours=1)) == 0


async def test_an_update_is_left_to_the_door_that_stored_it_at_first(bench: Bench) -> None:
    payment = await paid_at_the_gateway(bench)
    store_update(bench, payment)
    assert await sweep_inbox(bench.database, bench.engine.workflows, LONG_AGO) == 0
    assert await sweep_inbox(bench.database, bench.engine.workflows, SOON) == 1


async def test_with_temporal_down_an_update_stays_and_is_told_when_it_is_back(bench: Bench) -> None:
    payment = await paid_at_the_gateway(bench)
    update = store_update(bench, payment)
    assert await sweep_inbox(bench.database, await unreachable(), SOON) == 1
    assert signalled_at(bench.database, update) is None
    assert await sweep_inbox(bench.database, bench.engine.workflows, SOON) == 0, "it was put off"
    assert await sweep_inbox(bench.database, bench.engine.workflows, SOON + timedelta(minutes=1)) == 1
    assert await bench.ended(bench.saga(payment)) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert signalled_at(bench.database, update) == SOON + timedelta(minutes=1)


async def test_a_payment_that_never_reached_a_gateway_is_ended_and_its_payer_told(bench: Bench) -> None:
    customer = bench.customer()
    payment = bench.payment(bench.invoice(customer), begun_at=LONG_AGO)
    now = LONG_AGO + ORPHANED_AFTER + timedelta(seconds=1)
    assert await sweep_orphans(bench.database, bench.engine.workflows, now) == 1
    assert await bench.ended(bench.late_look(payment, "never-begun")) == PaymentResult(PaymentStatus.FAILED, Outcome.DECLINED)
    assert bench.now_of(payment).failure_reason == "The payment could not be started."
    await eventually(lambda: len(bench.inbox(customer)) == 1, "the letter")
    assert await sweep_orphans(bench.database, bench.engine.workflows, now) == 0


async def test_a_payment_that_has_just_begun_is_given_time(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()), begun_at=LONG_AGO)
    now = LONG_AGO + ORPHANED_AFTER
    assert await sweep_orphans(bench.database, bench.engine.workflows, now) == 0
    assert await sweep_orphans(bench.database, bench.engine.workflows, now + timedelta(seconds=1)) == 1
    await bench.ended(bench.late_look(payment, "never-begun"))


async def test_with_temporal_down_a_payment_that_never_began_stays_pending(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()), begun_at=LONG_AGO)
    now = LONG_AGO + ORPHANED_AFTER + timedelta(seconds=1)
    assert await sweep_orphans(bench.database, await unreachable(), now) == 1
    assert bench.now_of(payment).status is PaymentStatus.PENDING
    assert await sweep_orphans(bench.database, bench.engine.workflows, now) == 1
    await bench.ended(bench.late_look(payment, "never-begun"))


async def test_a_payment_whose_saga_was_lost_is_decided_though_nobody_asks(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()), begun_at=LONG_AGO)
    services = bench.engine.services
    paying = Paying(services.database, services.desk, services.links)
    paying.open_checkout(CheckoutOpening(bench.tenant.id, payment.id, LONG_AGO))
    bench.at_gateway(payment, "Paid")
    after_a_day = LONG_AGO + OVERDUE_AFTER
    assert await sweep_overdue(bench.database, bench.engine.workflows, after_a_day) == 0, "its saga may still ask"
    assert await sweep_overdue(bench.database, bench.engine.workflows, after_a_day + timedelta(seconds=1)) == 1
    look = bench._seen(names.overdue_id(bench.tenant.id), Reconciliation.run)
    assert await bench.ended(look) == Tally(asked=1, settled=1)
    assert bench.now_of(payment).status is PaymentStatus.SETTLED
    assert await sweep_overdue(bench.database, bench.engine.workflows, after_a_day + timedelta(seconds=1)) == 0


async def test_each_tenants_payments_are_reconciled_once_a_day_from_three_in_its_own_night(bench: Bench) -> None:
    """Its clocks are two hours ahead: 00:59 UTC is too early in Harare, 01:00 UTC is not."""
    door = Door()
    early = LONG_AGO.replace(hour=0, minute=59)
    await reconcile_daily(bench.database, door, early)
    assert bench.tenant.id not in door.reconciled
    await reconcile_daily(bench.database, door, early + timedelta(minutes=1))
    assert door.reconciled[bench.tenant.id] == LONG_AGO.date()
    assert await reconcile_daily(bench.database, ShutDoor(), early + timedelta(hours=1)) > 0, "tried again in an hour"


class Door(Workflows):
    """Notes which tenants' reconciliations it was asked for: the database is all tests', and theirs are not to be started."""

    def __init__(self) -> None:
        self.reconciled: dict[str, date] = {}

    async def reconcile(self, tenant_id: str, day: date, *, again: bool = False) -> str:
        self.reconciled[tenant_id] = day
        return names.reconciliation_id(tenant_id, day)


class ShutDoor(Door):
    async def reconcile(self, tenant_id: str, day: date, *, again: bool = False) -> str:
        raise EngineUnavailableError("Temporal is away.")


async def test_the_door_says_so_when_temporal_does_not_answer(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    door = await unreachable()
    with pytest.raises(EngineUnavailableError):
        await door.tell_payment(bench.tenant.id, payment.id, "whk_1")
    with pytest.raises(EngineUnavailableError):
        await door.look_late(bench.tenant.id, payment.id, "whk_1")
    with pytest.raises(EngineUnavailableError, match="ask for its status"):
        await door.open_checkout(bench.tenant.id, payment.id, payment.method, invoice_id=None, currency="USD")
    with pytest.raises(EngineUnavailableError, match="is stored, but could not be started"):
        await door.start_billing_run(bench.tenant.id, "run_1", "2026-11")
    assert not await door.is_ready()
    assert await bench.engine.workflows.is_ready()


async def test_no_error_ends_the_sweeping(bench: Bench) -> None:
    swept: list[datetime] = []

    async def sweep(database: Database, workflows: Workflows, now: datetime) -> int:
        swept.append(now)
        if len(swept) == 1:
            raise ConnectionError("the database is restarting")
        return 0

    sweeping = asyncio.create_task(sweeper._repeat(sweep, bench.database, bench.engine.workflows, 0))
    await eventually(lambda: len(swept) > 2, "a third sweep")
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping


async def test_news_of_a_payment_that_ended_is_looked_at_once_per_update(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    await asyncio.gather(*(bench.tell(payment, "whk_2") for _ in range(3)))
    late = bench.late_look(payment, "whk_2")
    await bench.ended(late)
    await bench.tell(payment, "whk_2")
    assert (await late.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert (await bench.activities_of(late)).count("settling.confirm") == 1
