"""Staff moves that were stored and never handed over are made, or refused for ever; the sweeper's clock lies in 1990."""

from datetime import UTC, date, datetime, timedelta

from domain.ids import Prefix
from domain.invoice import Invoice
from domain.moves import Move, MoveKind
from persistence import moves
from persistence.columns import new_id
from persistence.moves import MoveStatus, StaffMove
from sweeper import FORGOTTEN_AFTER, sweep_moves
from tests.test_sweeper import unreachable
from tests.workflows.bench import Bench
from tests.workflows.fixtures import bench, engine

__all__ = ["bench", "engine"]

LONG_AGO = datetime(1990, 1, 1, 12, 0, tzinfo=UTC)
THEN = LONG_AGO + FORGOTTEN_AFTER + timedelta(seconds=1)


def ask(bench: Bench, invoice: Invoice, kind: MoveKind, day: date | None = None) -> str:
    """A move as the API's door stores it."""
    move = Move(new_id(Prefix.STAFF_MOVE), kind, day)
    with bench.database.tenant(bench.tenant.id) as session:
        moves.request(
            session, move, invoice_id=invoice.id, customer_id=invoice.customer_id, reason="Rang.", actor="Rudo", now=LONG_AGO
        )
    return move.id


def row(bench: Bench, move_id: str) -> StaffMove:
    with bench.database.tenant(bench.tenant.id) as session:
        return moves.get(session, move_id)


async def test_a_move_that_was_never_handed_over_is_made_once_when_temporal_is_back(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    move = ask(bench, invoice, MoveKind.DISPUTE)
    assert await sweep_moves(bench.database, await unreachable(), THEN) == 1
    assert row(bench, move).status is MoveStatus.REQUESTED
    assert await sweep_moves(bench.database, bench.engine.workflows, THEN) == 1
    assert row(bench, move).status is MoveStatus.DONE
    assert await sweep_moves(bench.database, bench.engine.workflows, THEN) == 0
    assert bench.audited(invoice.id) == ["INVOICE_DISPUTED"]


async def test_a_move_is_left_to_the_door_that_stored_it_at_first(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    ask(bench, invoice, MoveKind.DISPUTE)
    assert await sweep_moves(bench.database, bench.engine.workflows, LONG_AGO + FORGOTTEN_AFTER) == 0
    assert await sweep_moves(bench.database, bench.engine.workflows, THEN) == 1


async def test_what_cannot_be_made_is_refused_for_ever_and_holds_up_no_other(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    bad_day = ask(bench, invoice, MoveKind.EXTEND, invoice.due_on)
    never_disputed = ask(bench, invoice, MoveKind.RESOLVE)
    dispute = ask(bench, invoice, MoveKind.DISPUTE)
    assert await sweep_moves(bench.database, bench.engine.workflows, THEN) == 3
    assert (row(bench, bad_day).refusal or "").startswith("due_on: ")
    assert "is not disputed" in (row(bench, never_disputed).refusal or "")
    assert row(bench, dispute).status is MoveStatus.DONE
    assert await sweep_moves(bench.database, bench.engine.workflows, THEN) == 0
