"""What staff asked for on a customer, who did and why, and what became of it; rows of the same table as in `moves.py`."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.errors import NotFoundError
from domain.standing import HoldReason
from persistence.models import StaffMoveRow
from persistence.moves import MoveStatus, put_on_record, undecided


@dataclass(frozen=True, slots=True)
class AskedCustomerMove:
    """A move with who asked for it and why; `refusal` is the sentence that told them why not."""

    move: CustomerMove
    customer_id: str
    reason: str
    actor: str
    requested_at: datetime
    status: MoveStatus
    decided_at: datetime | None
    refusal: str | None

    @property
    def id(self) -> str:
        return self.move.id


def request(
    session: Session, move: CustomerMove, *, customer_id: str, reason: str, actor: str, now: datetime
) -> AskedCustomerMove:
    """Store what staff ask for, for the workflow that makes it."""
    row = StaffMoveRow(
        id=move.id,
        kind=move.kind.value,
        customer_id=customer_id,
        details=_details(move),
        reason=reason,
        actor=actor,
    )
    return _move(put_on_record(session, row, now))


def get(session: Session, move_id: str) -> AskedCustomerMove:
    """Raises: NotFoundError: the bound tenant has no such move on a customer."""
    found = find(session, move_id)
    if found is None:
        raise NotFoundError("move", move_id)
    return found


def find(session: Session, move_id: str) -> AskedCustomerMove | None:
    row = session.get(StaffMoveRow, move_id, populate_existing=True)
    return _move(row) if row is not None and row.invoice_id is None else None


def forgotten(system: Session, before: datetime, limit: int) -> list[tuple[str, AskedCustomerMove]]:
    """(tenant id, move) of what was asked for on customers before then and nobody decided, oldest first."""
    rows = undecided(system, StaffMoveRow.invoice_id.is_(None), before, limit)
    return [(row.tenant_id, _move(row)) for row in rows]


def _details(move: CustomerMove) -> dict[str, str]:
    told = {
        "hold_reason": move.hold_reason.value if move.hold_reason else None,
        "hold_id": move.hold_id,
        "day": move.day.isoformat() if move.day else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _move(row: StaffMoveRow) -> AskedCustomerMove:
    hold_reason, day = row.details.get("hold_reason"), row.details.get("day")
    return AskedCustomerMove(
        move=CustomerMove(
            id=row.id,
            kind=CustomerMoveKind(row.kind),
            hold_reason=HoldReason(hold_reason) if hold_reason else None,
            hold_id=row.details.get("hold_id"),
            day=date.fromisoformat(day) if day else None,
        ),
        customer_id=row.customer_id,
        reason=row.reason,
        actor=row.actor,
        requested_at=row.requested_at,
        status=MoveStatus(row.status),
        decided_at=row.decided_at,
        refusal=row.refusal,
    )
