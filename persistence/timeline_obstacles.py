"""What kept invoices from being chased in the past: pauses, disputes, and blocks of their customer, as they are on record."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.chasing import Block
from domain.happenings import Obstacle
from domain.moves import MoveKind
from persistence.models import ChasingBlockRow, StaffMoveRow
from persistence.moves import MoveStatus

_PAUSES = {MoveKind.PAUSE.value, MoveKind.RESUME.value}
_DISPUTES = {MoveKind.DISPUTE.value, MoveKind.RESOLVE.value}


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Of one customer.

    Attributes:
        zone: of the tenant (IANA).
        moves: those that were made to set invoices aside or to have them chased again, the latest first.
        blocks: of all chasing, lifted ones too.
    """

    zone: str
    moves: Sequence[StaffMoveRow]
    blocks: Sequence[ChasingBlockRow]

    def at(self, invoice_id: str, instant: datetime) -> list[Obstacle]:
        """What kept an invoice from being chased at an instant."""
        today, found = local_day(instant, self.zone), []
        pause = self._last(invoice_id, _PAUSES, instant)
        if pause is not None and pause.kind == MoveKind.PAUSE.value and today <= date.fromisoformat(pause.details["day"]):
            found.append(Obstacle.PAUSED)
        dispute = self._last(invoice_id, _DISPUTES, instant)
        if dispute is not None and dispute.kind == MoveKind.DISPUTE.value:
            found.append(Obstacle.DISPUTED)
        if any(_stood(block, instant) and Block(block.until).stands_on(today) for block in self.blocks):
            found.append(Obstacle.BLOCKED)
        return found

    def _last(self, invoice_id: str, kinds: Collection[str], instant: datetime) -> StaffMoveRow | None:
        return next(
            (
                move
                for move in self.moves
                if move.invoice_id == invoice_id
                and move.kind in kinds
                and move.decided_at is not None
                and move.decided_at <= instant
            ),
            None,
        )


def load(session: Session, customer_id: str, invoice_ids: Collection[str], zone: str) -> Obstacles:
    """What there was on these invoices of a customer."""
    if not invoice_ids:
        return Obstacles(zone, (), ())
    moves = session.scalars(
        select(StaffMoveRow)
        .where(
            StaffMoveRow.invoice_id.in_(sorted(invoice_ids)),
            StaffMoveRow.kind.in_(sorted(_PAUSES | _DISPUTES)),
            StaffMoveRow.status == MoveStatus.DONE.value,
        )
        .order_by(StaffMoveRow.decided_at.desc(), StaffMoveRow.id.desc())
    )
    blocks = session.scalars(select(ChasingBlockRow).where(ChasingBlockRow.customer_id == customer_id))
    return Obstacles(zone, moves.all(), blocks.all())


def _stood(block: ChasingBlockRow, instant: datetime) -> bool:
    return block.placed_at <= instant and (block.lifted_at is None or instant < block.lifted_at)
