"""What staff ask for on a customer is stored as it was asked for, and found again when nobody made it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.customer import Tenant
from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix
from domain.moves import Move, MoveKind
from domain.standing import HoldReason
from persistence import customer_moves, moves
from persistence.columns import new_id
from persistence.database import Database
from persistence.moves import MoveStatus
from tests import factories
from tests.factories import NOW

# Before all other tests: what they left undecided is not found at that time.
LONG_AGO = datetime(1998, 3, 1, 8, 0, tzinfo=UTC)
MOVES = [
    CustomerMove("mov_1", CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.CHARGEBACK),
    CustomerMove("mov_2", CustomerMoveKind.LIFT_HOLD, hold_id="hld_1"),
    CustomerMove("mov_3", CustomerMoveKind.BLOCK_CHASING, day=date(2026, 12, 15)),
    CustomerMove("mov_4", CustomerMoveKind.BLOCK_CHASING),
    CustomerMove("mov_5", CustomerMoveKind.RESUME_CHASING),
]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: f"{move.kind}-{move.id}")
def test_a_move_is_read_as_it_was_asked_for(database: Database, tenant: Tenant, move: CustomerMove) -> None:
    customer = factories.make_customer(database, tenant)
    asked_for = CustomerMove(new_id(Prefix.STAFF_MOVE), move.kind, move.hold_reason, move.hold_id, move.day)
    with database.tenant(tenant.id) as session:
        customer_moves.request(session, asked_for, customer_id=customer.id, reason="Why.", actor="Rudo", now=NOW)
    with database.tenant(tenant.id) as session:
        asked = customer_moves.get(session, asked_for.id)
    assert asked.move == asked_for
    assert (asked.customer_id, asked.reason, asked.actor, asked.requested_at) == (customer.id, "Why.", "Rudo", NOW)
    assert (asked.status, asked.decided_at, asked.refusal) == (MoveStatus.REQUESTED, None, None)
    with database.tenant(tenant.id) as session:
        moves.mark_done(session, asked.id, NOW)
        done = customer_moves.get(session, asked.id)
    assert (done.status, done.decided_at, done.refusal) == (MoveStatus.DONE, NOW, None)


def test_a_move_on_an_invoice_is_none_on_its_customer(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    move = Move(new_id(Prefix.STAFF_MOVE), MoveKind.VOID)
    with database.tenant(tenant.id) as session:
        moves.request(
            session, move, invoice_id=invoice.id, customer_id=invoice.customer_id, reason="", actor="Rudo", now=LONG_AGO
        )
        assert customer_moves.find(session, move.id) is None
        with pytest.raises(NotFoundError):
            customer_moves.get(session, move.id)
    with database.system() as system:
        assert customer_moves.forgotten(system, LONG_AGO + timedelta(minutes=1), 9) == []


def test_what_nobody_made_is_found_oldest_first_until_it_is_decided(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    ids = [new_id(Prefix.STAFF_MOVE) for _ in range(3)]
    with database.tenant(tenant.id) as session:
        for minutes, move_id in enumerate(ids):
            move = CustomerMove(move_id, CustomerMoveKind.RESUME_CHASING)
            at = LONG_AGO - timedelta(minutes=minutes)
            customer_moves.request(session, move, customer_id=customer.id, reason="", actor="Rudo", now=at)

    def found() -> list[str]:
        with database.system() as system:
            waiting = customer_moves.forgotten(system, LONG_AGO + timedelta(seconds=1), 9)
        assert {tenant_id for tenant_id, _ in waiting} <= {tenant.id}
        return [asked.id for _, asked in waiting]

    assert found() == [ids[2], ids[1], ids[0]]
    with database.tenant(tenant.id) as session:
        moves.mark_done(session, ids[2], NOW)
        moves.mark_refused(session, ids[1], ConflictError("It is not blocked."), NOW)
        assert customer_moves.get(session, ids[1]).refusal == "It is not blocked."
    assert found() == [ids[0]]
    with database.tenant(tenant.id) as session:
        moves.mark_done(session, ids[0], NOW)
    assert found() == []
