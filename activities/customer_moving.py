"""Customer moving: makes what staff decided about a customer, once: holds, and blocking all chasing (requirements L4, L5)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.replanning import warn_anew
from activities.suspension import lift, reactivate, suspend
from domain.calendar import local_day
from domain.customer_moves import CustomerMove, CustomerMoveKind, refuse_impossible
from domain.errors import ConflictError, InvalidInputError
from domain.letters import Letter
from domain.standing import HoldReason
from persistence import audit, chasing, customer_moves, customers, holds, invoices, messages, moves, tenants
from persistence.customer_moves import AskedCustomerMove
from persistence.database import Database
from persistence.messages import Claim

_ACCOUNT_LETTERS = {Letter.SUSPENSION_NOTICE, Letter.REACTIVATION_CONFIRMATION}


@dataclass(frozen=True, slots=True)
class CustomerMoveRequest:
    """A staff move that is on record; who asked for it and why is there only. `now` is the workflow's time (UTC)."""

    tenant_id: str
    customer_id: str
    move: CustomerMove
    now: datetime


@dataclass(frozen=True, slots=True)
class CustomerMoved:
    """What a move brought about.

    Attributes:
        message_ids: letters to send.
        invoice_ids: open invoices whose lifecycles must look again.
        refusal: why it could not be made, as a sentence; None when it was made.
    """

    message_ids: tuple[str, ...] = ()
    invoice_ids: tuple[str, ...] = ()
    refusal: str | None = None


class CustomerMoving:
    """Carries out staff moves on customers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="customer_moving.make")
    @translated
    def make(self, request: CustomerMoveRequest) -> CustomerMoved:
        """Make a move under the customer's lock, or refuse it; asked again, it gives the same answer and does nothing."""
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            asked = customer_moves.get(session, request.move.id)
            if asked.decided_at is None:
                _decide(session, asked, request.now)
            return _as_decided(session, customer_moves.get(session, asked.id))


def _decide(session: Session, asked: AskedCustomerMove, now: datetime) -> None:
    today = local_day(now, tenants.current(session).time_zone)
    try:
        refuse_impossible(asked.move, chasing.movable(session, asked.customer_id), today)
    except (ConflictError, InvalidInputError) as error:
        moves.mark_refused(session, asked.id, error, now)
        return
    _Making(session, asked, now).make(today)
    moves.mark_done(session, asked.id, now)


def _as_decided(session: Session, asked: AskedCustomerMove) -> CustomerMoved:
    """The answer, read from what the move left behind: its letters are those that were claimed when it was decided."""
    if asked.refusal is not None:
        return CustomerMoved(refusal=asked.refusal)
    letters = [
        message.id
        for message in messages.of_entity(session, "Customer", asked.customer_id)
        if message.letter in _ACCOUNT_LETTERS and message.queued_at == asked.decided_at
    ]
    return CustomerMoved(tuple(letters), _concerned(session, asked))


def _concerned(session: Session, asked: AskedCustomerMove) -> tuple[str, ...]:
    """The open invoices of which something is different after the move: a hold of staff's leaves them as they are."""
    if asked.move.kind is CustomerMoveKind.PLACE_HOLD:
        return ()
    if asked.move.hold_id is not None and holds.get(session, asked.move.hold_id).reason is not HoldReason.OVERDUE:
        return ()
    return tuple(invoice.id for invoice in invoices.lock_open_of_customer(session, asked.customer_id))


@dataclass(frozen=True, slots=True)
class _Making:
    """One move while it is made."""

    session: Session
    asked: AskedCustomerMove
    now: datetime

    @property
    def customer_id(self) -> str:
        return self.asked.customer_id

    def make(self, today: date) -> None:
        move = self.asked.move
        match move.kind:
            case CustomerMoveKind.PLACE_HOLD if move.hold_reason is not None:
                self._place(move.hold_reason)
            case CustomerMoveKind.LIFT_HOLD if move.hold_id is not None:
                self._lift(move.hold_id)
            case CustomerMoveKind.BLOCK_CHASING:
                self._block(move.day, today)
            case _:
                self._resume()

    def _place(self, reason: HoldReason) -> None:
        """Hold the customer; the letter goes out only to who was not held before, and closing an account is no suspension."""
        before = holds.standing(self.session, self.customer_id)
        hold_id = holds.place(self.session, self.customer_id, reason, self.now, actor=self.asked.actor, note=self.asked.reason)
        suspends_now = not before and reason is not HoldReason.CLOSED
        action = "CUSTOMER_SUSPENDED" if suspends_now else "CUSTOMER_HOLD_PLACED"
        self._record(action, hold_id=hold_id, reason=reason.value, note=self.asked.reason)
        if suspends_now and hold_id is not None:
            letter = Claim(Letter.SUSPENSION_NOTICE, "Customer", self.customer_id, hold_id, self.customer_id)
            messages.claim(self.session, letter, self.now)

    def _lift(self, hold_id: str) -> None:
        """Lift one hold. The invoices behind one over debt suspend no more: a part payment must not suspend again."""
        if holds.get(self.session, hold_id).reason is HoldReason.OVERDUE:
            suspending = invoices.suspending(self.session, self.customer_id)
            chasing.stop_suspending(self.session, [detail.invoice.id for detail in suspending])
        lift(self.session, self.customer_id, hold_id, self.asked.actor, self.now, note=self.asked.reason)

    def _block(self, until: date | None, today: date) -> None:
        """Chase the customer no more; what is not chased suspends nobody."""
        self._end_block_that_is_over(today)
        block_id = chasing.block(
            self.session, self.customer_id, until=until, note=self.asked.reason, actor=self.asked.actor, now=self.now
        )
        last_day = until.isoformat() if until else None
        self._record("CUSTOMER_CHASING_BLOCKED", block_id=block_id, until=last_day, reason=self.asked.reason)
        reactivate(self.session, self.customer_id, self.now)

    def _resume(self) -> None:
        """Chase the customer again; invoices whose ladder had reached suspension suspend again."""
        block_id = chasing.lift_block(self.session, self.customer_id, self.asked.actor, self.now)
        self._record("CUSTOMER_CHASING_RESUMED", block_id=block_id, reason=self.asked.reason)
        for invoice in invoices.lock_open_of_customer(self.session, self.customer_id):
            detail = invoices.get(self.session, invoice.id)
            if chasing.set_aside_now(self.session, detail, self.now) is None:
                warn_anew(self.session, detail, self.now)
        for detail in invoices.suspending(self.session, self.customer_id):
            if chasing.set_aside_now(self.session, detail, self.now) is None:
                suspend(self.session, self.customer_id, detail.invoice.id, self.now)
                return

    def _end_block_that_is_over(self, today: date) -> None:
        """One whose last day is over stands until a lifecycle looks; where no invoice is open, that is now."""
        block = chasing.standing_block(self.session, self.customer_id)
        if block is not None and not block.stands_on(today):
            block_id = chasing.lift_block(self.session, self.customer_id, audit.SYSTEM, self.now)
            audit.record(
                self.session, self.now, audit.SYSTEM, "CUSTOMER_CHASING_RESUMED", "Customer", self.customer_id,
                block_id=block_id,
            )  # fmt: skip

    def _record(self, action: str, **details: str | None) -> None:
        audit.record(self.session, self.now, self.asked.actor, action, "Customer", self.customer_id, **details)
