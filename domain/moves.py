"""Staff moves on an invoice (requirements L7): what each one is, and why it would be refused."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from domain.errors import ConflictError, InvalidInputError
from domain.invoice import InvoiceState

LONGEST_EXTENSION = timedelta(days=366)


class MoveKind(StrEnum):
    """What staff may do to an open invoice."""

    VOID = "VOID"  # it should never have been issued: a credit note takes it back
    WRITE_OFF = "WRITE_OFF"  # it is owed, and will not be paid
    EXTEND = "EXTEND"  # it is due later
    PAUSE = "PAUSE"  # a promise to pay: not chased until a day
    RESUME = "RESUME"  # chased again before that day
    DISPUTE = "DISPUTE"  # the customer says that it is wrong: not chased until that is resolved
    RESOLVE = "RESOLVE"  # the invoice stands: chased again
    REAPPLY_POLICY = "REAPPLY_POLICY"  # the customer's policy of today instead of the snapshot

    @property
    def past_event(self) -> str:
        """What the audit log calls it."""
        return _PAST_EVENTS[self]

    @property
    def participle(self) -> str:
        """What an invoice is after it: "voided"."""
        return _PARTICIPLES[self]

    @property
    def closes_as(self) -> InvoiceState | None:
        """The state in which it leaves an invoice that it closes."""
        return _CLOSING.get(self)


_PAST_EVENTS = {
    MoveKind.VOID: "INVOICE_VOIDED",
    MoveKind.WRITE_OFF: "INVOICE_WRITTEN_OFF",
    MoveKind.EXTEND: "INVOICE_EXTENDED",
    MoveKind.PAUSE: "INVOICE_PAUSED",
    MoveKind.RESUME: "INVOICE_RESUMED",
    MoveKind.DISPUTE: "INVOICE_DISPUTED",
    MoveKind.RESOLVE: "INVOICE_DISPUTE_RESOLVED",
    MoveKind.REAPPLY_POLICY: "INVOICE_POLICY_REAPPLIED",
}

_PARTICIPLES = {
    MoveKind.VOID: "voided",
    MoveKind.WRITE_OFF: "written off",
    MoveKind.EXTEND: "extended",
    MoveKind.PAUSE: "paused",
    MoveKind.RESUME: "resumed",
    MoveKind.DISPUTE: "marked as disputed",
    MoveKind.RESOLVE: "taken out of dispute",
    MoveKind.REAPPLY_POLICY: "given the policy of today",
}
_CLOSING = {MoveKind.VOID: InvoiceState.VOID, MoveKind.WRITE_OFF: InvoiceState.WRITTEN_OFF}


@dataclass(frozen=True, slots=True)
class Move:
    """One move. Who asked for it and why is with its row (`staff_moves`): a history is no place for what people write.

    Attributes:
        id: `mov_…`; the same move twice is done once.
        day: the new due day of EXTEND, the last day of PAUSE; None for all others.
    """

    id: str
    kind: MoveKind
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Movable:
    """What decides whether a move can be made on an invoice.

    Attributes:
        paused_until: the last day of a pause that stands or stood; it may be over.
        longest_pause_days: by the invoice's policy.
    """

    number: str
    state: InvoiceState
    due_on: date
    is_disputed: bool
    paused_until: date | None
    longest_pause_days: int


def refuse_impossible(move: Move, invoice: Movable, today: date) -> None:
    """Refuse a move that cannot be made on `today` (a local day).

    Raises:
        ConflictError: it is at odds with how the invoice stands.
        InvalidInputError: its day cannot be meant.
    """
    if invoice.state.is_closed:
        raise ConflictError(_closed(move, invoice))
    match move.kind:
        case MoveKind.EXTEND:
            _refuse_bad_extension(move.day, invoice, today)
        case MoveKind.PAUSE:
            _refuse_bad_pause(move.day, invoice, today)
        case MoveKind.RESUME if invoice.paused_until is None or invoice.paused_until < today:
            raise ConflictError(f"Invoice {invoice.number} is not paused: there is nothing to resume.")
        case MoveKind.DISPUTE if invoice.is_disputed:
            raise ConflictError(f"Invoice {invoice.number} is disputed already: resolve that first.")
        case MoveKind.RESOLVE if not invoice.is_disputed:
            raise ConflictError(f"Invoice {invoice.number} is not disputed: there is nothing to resolve.")
        case _:
            pass


def _closed(move: Move, invoice: Movable) -> str:
    if invoice.state is InvoiceState.PAID and move.kind in {MoveKind.VOID, MoveKind.WRITE_OFF}:
        return f"Invoice {invoice.number} is PAID: reverse its payment first, then it can be closed otherwise."
    return f"Invoice {invoice.number} is {invoice.state}: nothing is chased on it any more, so nothing can be moved."


def _refuse_bad_extension(day: date | None, invoice: Movable, today: date) -> None:
    if day is None:
        raise InvalidInputError("due_on", "say to which day the invoice is extended, such as 2026-12-15.")
    if day <= invoice.due_on:
        raise InvalidInputError(
            "due_on", f"{day} is not later than {invoice.due_on}, when invoice {invoice.number} is due now."
        )
    if day < today:
        raise InvalidInputError("due_on", f"{day} is over: choose {today} or later.")
    if day > today + LONGEST_EXTENSION:
        raise InvalidInputError("due_on", f"{day} is more than a year away: choose {today + LONGEST_EXTENSION} or earlier.")


def _refuse_bad_pause(day: date | None, invoice: Movable, today: date) -> None:
    if day is None:
        raise InvalidInputError("until", "say until which day chasing is paused, such as 2026-12-15.")
    if day < today:
        raise InvalidInputError("until", f"{day} is over: choose {today} or later.")
    latest = today + timedelta(days=invoice.longest_pause_days)
    if day > latest:
        raise InvalidInputError(
            "until",
            f"{day} is further away than the {invoice.longest_pause_days} days that the policy of invoice {invoice.number} "
            f"allows: choose {latest} or earlier, or extend the due date.",
        )
