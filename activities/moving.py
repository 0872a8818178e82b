"""Moving: makes what staff decided about an invoice, once, with its audit entry.

Who asked for it and why stands with the move's row: a history is no place for what people write.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.closing import void, write_off
from activities.failures import translated
from activities.replanning import Told, extend, reapply_policy, warn_anew
from activities.standing import Standing, read_standing, today_of
from activities.suspension import letter_of_standing_hold, reactivate, suspend, unsent_reactivation
from domain.errors import ConflictError, InvalidInputError, InvariantError, NotFoundError
from domain.moves import Move, MoveKind, refuse_impossible
from domain.standing import HoldReason
from persistence import audit, chasing, customers, holds, invoices, moves
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.moves import MoveStatus, StaffMove

# After these the lifecycle goes by another plan than the one it knows.
_REPLANS = {MoveKind.EXTEND, MoveKind.REAPPLY_POLICY, MoveKind.RESUME, MoveKind.RESOLVE}
# After these an invoice may suspend again.
_CHASES_AGAIN = {MoveKind.RESUME, MoveKind.RESOLVE, MoveKind.REAPPLY_POLICY}


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """A staff move; `customer_id` is locked first, so the caller hands it in. `now` is the workflow's time (UTC)."""

    tenant_id: str
    invoice_id: str
    customer_id: str
    move: Move
    now: datetime


class Moving:
    """Carries out staff moves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="moving.make")
    @translated
    def make(self, request: MoveRequest) -> Standing:
        """Make a move, or find it made: how the invoice stands then, and the letter to send because of it.

        Raises:
            ConflictError: it is at odds with how the invoice stands.
            InvalidInputError: its day cannot be meant.
            NotFoundError: nobody asked for such a move on this invoice.
        """
        try:
            with self._database.tenant(request.tenant_id) as session:
                return _decide(session, request)
        except (ConflictError, InvalidInputError) as error:
            # Nothing of the move is kept, but that it was refused is.
            with self._database.tenant(request.tenant_id) as session:
                moves.mark_refused(session, request.move.id, error, request.now)
            raise


def _decide(session: Session, request: MoveRequest) -> Standing:
    customers.lock(session, request.customer_id)
    detail = invoices.lock_one(session, request.invoice_id)
    asked = moves.lock(session, request.move.id)
    if asked.invoice_id != request.invoice_id:
        raise NotFoundError("move", asked.id)
    asked.raise_refusal()
    if asked.status is MoveStatus.DONE:
        letter = _letter_again(session, detail, asked)
    else:
        refuse_impossible(asked.move, moves.movable(detail), today_of(session, request.now))
        letter = _make(session, detail, asked, request.now)
        moves.mark_done(session, asked.id, request.now)
    detail = invoices.lock_one(session, request.invoice_id)
    return read_standing(session, detail, request.now, letter, tells_plan=asked.move.kind in _REPLANS)


def _make(session: Session, detail: InvoiceDetail, asked: StaffMove, now: datetime) -> str | None:
    """Make a move that can be made; the letter to send, if any."""
    match asked.move.kind:
        case MoveKind.VOID:
            return void(session, detail, asked.actor, now, reason=asked.reason)
        case MoveKind.WRITE_OFF:
            return write_off(session, detail, asked.actor, now, reason=asked.reason)
        case _:
            told, letter = _make_open(session, detail, asked.move, now)
    audit.record(
        session, now, asked.actor, asked.move.kind.past_event, "Invoice", detail.invoice.id,
        number=detail.invoice.number, **told, reason=asked.reason,
    )  # fmt: skip
    return letter


def _make_open(session: Session, detail: InvoiceDetail, move: Move, now: datetime) -> Told:
    """Make a move that leaves the invoice open."""
    match move.kind:
        case MoveKind.EXTEND:
            return extend(session, detail, _day(move), now)
        case MoveKind.REAPPLY_POLICY:
            return reapply_policy(session, detail, now)
        case MoveKind.PAUSE:
            chasing.pause(session, detail.invoice.id, _day(move))
            return {"from": _text(detail.paused_until), "until": _text(move.day)}, _set_aside(session, detail, now)
        case MoveKind.RESUME:
            chasing.pause(session, detail.invoice.id, None)
            return {"was_paused_until": _text(detail.paused_until)}, _chase_again(session, detail, now)
        case MoveKind.DISPUTE:
            chasing.mark_disputed(session, detail.invoice.id, now)
            return {}, _set_aside(session, detail, now)
        case MoveKind.RESOLVE:
            chasing.mark_disputed(session, detail.invoice.id, None)
            disputed_at = detail.disputed_at.isoformat() if detail.disputed_at else None
            return {"disputed_since": disputed_at}, _chase_again(session, detail, now)
        case _:
            raise InvariantError(f"Move {move.id} ({move.kind}) does not leave invoice {detail.invoice.id} open.")


def _set_aside(session: Session, detail: InvoiceDetail, now: datetime) -> str | None:
    """What is set aside suspends nobody: the customer may be back."""
    return reactivate(session, detail.invoice.customer_id, now, invoice_id=detail.invoice.id)


def _chase_again(session: Session, detail: InvoiceDetail, now: datetime) -> str | None:
    """An invoice that suspended before it was set aside suspends again, unless it is set aside for another reason too."""
    if detail.suspended_at is None:
        warn_anew(session, detail, now)
        return None
    return suspend(session, detail.invoice.customer_id, detail.invoice.id, now)


def _letter_again(session: Session, detail: InvoiceDetail, asked: StaffMove) -> str | None:
    """The letter of a move that was made before, for a caller whose first answer was lost."""
    if HoldReason.OVERDUE not in holds.standing(session, asked.customer_id):
        return unsent_reactivation(session, asked.customer_id, invoice_id=asked.invoice_id)
    if asked.move.kind not in _CHASES_AGAIN or detail.suspended_at is None:
        return None
    return letter_of_standing_hold(session, asked.customer_id, asked.invoice_id)


def _day(move: Move) -> date:
    if move.day is None:
        raise InvariantError(f"Move {move.id} ({move.kind}) names no day.")
    return move.day


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
