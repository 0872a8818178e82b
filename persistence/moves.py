"""What staff asked for on an invoice, who did and why, and what became of it: one row a move, decided once."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from domain.errors import ConflictError, InvalidInputError, NotFoundError
from domain.moves import Movable, Move, MoveKind
from persistence.invoices import InvoiceDetail
from persistence.models import StaffMoveRow

_DAY = "day"
# The fields of staff's requests that the rules name when they refuse a move's day.
_DAY_FIELDS = ("due_on", "until")


class MoveStatus(StrEnum):
    """What became of a move. A move that was refused is refused for ever: another try is another move."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class StaffMove:
    """A move with who asked for it and why; `refusal` is the sentence that told them why not."""

    move: Move
    invoice_id: str
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

    def raise_refusal(self) -> None:
        """Tell again why the move was refused, when it was.

        Raises:
            ConflictError: it was at odds with how the invoice stood.
            InvalidInputError: its day could not be meant.
        """
        if self.status is not MoveStatus.REFUSED:
            return
        field, _, message = (self.refusal or "").partition(": ")
        if field in _DAY_FIELDS:
            raise InvalidInputError(field, message)
        raise ConflictError(self.refusal or f"Move {self.id} was refused.")


def movable(detail: InvoiceDetail) -> Movable:
    """What decides whether a move can be made on an invoice."""
    invoice = detail.invoice
    return Movable(
        number=invoice.number,
        state=invoice.state,
        due_on=invoice.due_on,
        is_disputed=detail.disputed_at is not None,
        paused_until=detail.paused_until,
        longest_pause_days=detail.policy.longest_pause_days,
    )


def request(
    session: Session, move: Move, *, invoice_id: str, customer_id: str, reason: str, actor: str, now: datetime
) -> StaffMove:
    """Store what staff ask for, for the workflow that makes it."""
    row = StaffMoveRow(
        id=move.id,
        kind=move.kind.value,
        customer_id=customer_id,
        invoice_id=invoice_id,
        details={_DAY: move.day.isoformat()} if move.day else {},
        reason=reason,
        actor=actor,
    )
    return _move(put_on_record(session, row, now))


def put_on_record(session: Session, row: StaffMoveRow, now: datetime) -> StaffMoveRow:
    """Store a move that nobody has decided yet, on an invoice or on a customer."""
    row.requested_at, row.status = now, MoveStatus.REQUESTED.value
    session.add(row)
    session.flush()
    return row


def get(session: Session, move_id: str) -> StaffMove:
    """Raises: NotFoundError: the bound tenant has no such move on an invoice."""
    found = find(session, move_id)
    if found is None:
        raise NotFoundError("move", move_id)
    return found


def find(session: Session, move_id: str) -> StaffMove | None:
    row = session.get(StaffMoveRow, move_id, populate_existing=True)
    return _move(row) if row is not None and row.invoice_id is not None else None


def lock(session: Session, move_id: str) -> StaffMove:
    """Lock a move (after its customer and invoice) for this transaction.

    Raises:
        NotFoundError: the bound tenant has no such move on an invoice.
    """
    session.execute(select(StaffMoveRow.id).where(StaffMoveRow.id == move_id).with_for_update())
    return get(session, move_id)


def waiting(session: Session, invoice_id: str, kind: MoveKind, day: date | None) -> StaffMove | None:
    """The same move on an invoice that was asked for before and is not decided yet."""
    rows = session.scalars(
        select(StaffMoveRow)
        .where(
            StaffMoveRow.invoice_id == invoice_id,
            StaffMoveRow.kind == kind.value,
            StaffMoveRow.status == MoveStatus.REQUESTED.value,
        )
        .order_by(StaffMoveRow.id)
    )
    return next((found for found in map(_move, rows) if found.move.day == day), None)


def mark_done(session: Session, move_id: str, now: datetime) -> None:
    """Note that a move was made; one that was decided before stays as it is."""
    _decide(session, move_id, MoveStatus.DONE, now, None)


def mark_refused(session: Session, move_id: str, error: ConflictError | InvalidInputError, now: datetime) -> None:
    """Note why a move was refused; one that was decided before stays as it is."""
    _decide(session, move_id, MoveStatus.REFUSED, now, str(error))


def last_done(session: Session, invoice_id: str, kind: MoveKind) -> StaffMove | None:
    """The last move of a kind that was made on an invoice."""
    row = session.scalars(
        select(StaffMoveRow)
        .where(
            StaffMoveRow.invoice_id == invoice_id,
            StaffMoveRow.kind == kind.value,
            StaffMoveRow.status == MoveStatus.DONE.value,
        )
        .order_by(StaffMoveRow.decided_at.desc(), StaffMoveRow.id.desc())
        .limit(1)
    ).one_or_none()
    return _move(row) if row else None


def of_invoice(session: Session, invoice_id: str, *, after: str | None = None, limit: int) -> list[StaffMove]:
    """Moves on an invoice in the order in which they were asked for; `after` a move's id."""
    statement = select(StaffMoveRow).where(StaffMoveRow.invoice_id == invoice_id).order_by(StaffMoveRow.id).limit(limit)
    if after:
        statement = statement.where(StaffMoveRow.id > after)
    return [_move(row) for row in session.scalars(statement)]


def forgotten(system: Session, before: datetime, limit: int) -> list[tuple[str, StaffMove]]:
    """(tenant id, move) of what was asked for on invoices before then and nobody decided, oldest first."""
    rows = undecided(system, StaffMoveRow.invoice_id.is_not(None), before, limit)
    return [(row.tenant_id, _move(row)) for row in rows]


def undecided(system: Session, about: ColumnElement[bool], before: datetime, limit: int) -> list[StaffMoveRow]:
    """What was asked for before then and nobody decided, oldest first.

    The process that was to hand it over died, or could not reach Temporal.

    Args:
        about: whether it is a move on an invoice or on a customer.
    """
    return list(
        system.scalars(
            select(StaffMoveRow)
            .where(StaffMoveRow.status == MoveStatus.REQUESTED.value, about, StaffMoveRow.requested_at < before)
            .order_by(StaffMoveRow.requested_at, StaffMoveRow.id)
            .limit(limit)
        )
    )


def _decide(session: Session, move_id: str, status: MoveStatus, now: datetime, refusal: str | None) -> None:
    session.execute(
        update(StaffMoveRow)
        .where(StaffMoveRow.id == move_id, StaffMoveRow.status == MoveStatus.REQUESTED.value)
        .values(status=status.value, decided_at=now, refusal=refusal)
    )


def _move(row: StaffMoveRow) -> StaffMove:
    day = row.details.get(_DAY)
    return StaffMove(
        move=Move(row.id, MoveKind(row.kind), date.fromisoformat(day) if day else None),
        invoice_id=row.invoice_id or "",
        customer_id=row.customer_id,
        reason=row.reason,
        actor=row.actor,
        requested_at=row.requested_at,
        status=MoveStatus(row.status),
        decided_at=row.decided_at,
        refusal=row.refusal,
    )


def was_extended_since(session: Session, invoice_id: str, since: datetime) -> bool:
    """Whether an invoice got another due day at `since` or later."""
    extended = last_done(session, invoice_id, MoveKind.EXTEND)
    return extended is not None and extended.decided_at is not None and extended.decided_at >= since


def due_day_since(session: Session, detail: InvoiceDetail) -> datetime:
    """When the invoice got the due day that it has: steps that were taken before were about another."""
    extended = last_done(session, detail.invoice.id, MoveKind.EXTEND)
    return extended.decided_at if extended and extended.decided_at else detail.issued_at
