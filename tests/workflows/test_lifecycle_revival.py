"""Invoices that staff move although no lifecycle runs: an open one gets its lifecycle back, a closed one is left alone."""

import asyncio
import contextlib

import pytest

from domain.errors import ConflictError
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.moves import Move, MoveKind
from persistence import customers, moves
from persistence.columns import new_id
from persistence.moves import MoveStatus
from tests.workflows import histories
from tests.workflows.bench import PATIENCE_SECONDS, PAUSE_SECONDS, Bench, Handle
from tests.workflows.engine import wall_clock
from workflows import names
from workflows.lifecycle_revival import LifecycleRevival


def ask(bench: Bench, invoice: Invoice, kind: MoveKind) -> Move:
    move = Move(new_id(Prefix.STAFF_MOVE), kind)
    with bench.database.tenant(bench.tenant.id) as session:
        moves.request(
            session,
            move,
            invoice_id=invoice.id,
            customer_id=invoice.customer_id,
            reason="Rang.",
            actor="Rudo",
            now=wall_clock(),
        )
    return move


def revival(bench: Bench, invoice: Invoice, move: Move) -> Handle:
    return bench._seen(names.lifecycle_revival_id(invoice.id, move.id), LifecycleRevival.run)


async def test_an_open_invoice_whose_lifecycle_was_ended_by_a_hand_is_moved_and_chased_again(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.letters_are(invoice, "invoice_issued SENT")
    await lifecycle.terminate("by a hand")
    move = ask(bench, invoice, MoveKind.DISPUTE)
    await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, move)
    assert bench.detail(invoice).disputed_at is not None
    await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, ask(bench, invoice, MoveKind.RESOLVE))
    assert bench.audited(invoice.id) == ["INVOICE_DISPUTED", "INVOICE_DISPUTE_RESOLVED"]
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3))
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_reminder SENT")
    histories.keep("lifecycle_revived", await revival(bench, invoice, move).fetch_history())


async def test_an_invoice_whose_lifecycle_never_began_is_moved_and_its_letter_goes_out(bench: Bench) -> None:
    customer = bench.customer()
    invoice = bench.invoice(customer)
    move = ask(bench, invoice, MoveKind.DISPUTE)
    await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, move)
    for began in (bench.lifecycle(invoice), revival(bench, invoice, move)):
        assert await bench.activities_of(began)
    await bench.letters_are(invoice, "invoice_issued SENT")


async def test_a_lifecycle_that_is_ended_by_a_hand_under_a_move_loses_nothing(bench: Bench) -> None:
    """The move waits for the customer's row, which another transaction holds."""
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    move = ask(bench, invoice, MoveKind.DISPUTE)
    with bench.database.tenant(bench.tenant.id) as session:
        customers.lock(session, customer.id)
        moving = asyncio.create_task(bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, move))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "moving.make" not in await bench.activities_of(lifecycle):
                await asyncio.sleep(PAUSE_SECONDS)
        await lifecycle.terminate("by a hand")
    # The try that was under way makes it; the one that follows finds it made, or is told that it was disputed already.
    with contextlib.suppress(ConflictError):
        await moving
    revival(bench, invoice, move)
    assert bench.detail(invoice).disputed_at is not None
    assert bench.audited(invoice.id) == ["INVOICE_DISPUTED"]
    with bench.database.tenant(bench.tenant.id) as session:
        assert moves.get(session, move.id).status is MoveStatus.DONE


async def test_an_invoice_that_was_paid_meanwhile_stays_closed(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    move = ask(bench, invoice, MoveKind.DISPUTE)
    await bench.pay(invoice)
    await bench.ended(lifecycle)
    with pytest.raises(ConflictError, match="is closed"):
        await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, move)
    await bench.ended(revival(bench, invoice, move))
    assert not await bench.is_running(lifecycle)
