"""Staff moves on a customer (requirements L4, L5): holds, and blocking all chasing; what each is, and why one is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from domain.chasing import Block
from domain.errors import ConflictError, InvalidInputError
from domain.standing import STAFF_REASONS, HoldReason

# Whoever means longer leaves the day out, and says when it is over.
LONGEST_BLOCK = timedelta(days=366)
STAFF_REASONS_TOLD = f"choose {', '.join(STAFF_REASONS)}; a hold for OVERDUE follows from unpaid invoices by itself."


class CustomerMoveKind(StrEnum):
    """What staff may do to a customer's standing."""

    PLACE_HOLD = "PLACE_HOLD"  # suspended, or closed, until the hold is lifted
    LIFT_HOLD = "LIFT_HOLD"
    BLOCK_CHASING = "BLOCK_CHASING"  # no invoice of the customer is chased, or suspends
    RESUME_CHASING = "RESUME_CHASING"


@dataclass(frozen=True, slots=True)
class CustomerMove:
    """One move. Who asked for it and why is with its row (`staff_moves`): a history is no place for what people write.

    Attributes:
        id: `mov_…`; the same move twice is done once.
        hold_reason: of PLACE_HOLD; None for all others.
        hold_id: of LIFT_HOLD; None for all others.
        day: the last local day of BLOCK_CHASING; None: until staff resume it.
    """

    id: str
    kind: CustomerMoveKind
    hold_reason: HoldReason | None = None
    hold_id: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class MovableCustomer:
    """What decides whether a move can be made on a customer.

    Attributes:
        holds: the ids of the holds that stand, by reason.
        block: that was not lifted; its last day may be over.
    """

    id: str
    holds: Mapping[HoldReason, str]
    block: Block | None


def refuse_impossible(move: CustomerMove, customer: MovableCustomer, today: date) -> None:
    """Refuse a move that cannot be made on `today` (a local day).

    Raises:
        ConflictError: it is at odds with how the customer stands.
        InvalidInputError: its reason or its day cannot be meant.
    """
    match move.kind:
        case CustomerMoveKind.PLACE_HOLD:
            _refuse_bad_hold(move.hold_reason, customer)
        case CustomerMoveKind.LIFT_HOLD if move.hold_id not in customer.holds.values():
            raise ConflictError(f"Hold {move.hold_id} does not stand on customer {customer.id}: there is nothing to lift.")
        case CustomerMoveKind.BLOCK_CHASING:
            _refuse_bad_block(move.day, customer, today)
        case CustomerMoveKind.RESUME_CHASING if customer.block is None or not customer.block.stands_on(today):
            raise ConflictError(f"Chasing of customer {customer.id} is not blocked: there is nothing to resume.")
        case _:
            pass


def _refuse_bad_hold(reason: HoldReason | None, customer: MovableCustomer) -> None:
    if reason not in STAFF_REASONS:
        raise InvalidInputError("reason", STAFF_REASONS_TOLD)
    standing = customer.holds.get(reason)
    if standing is not None:
        raise ConflictError(
            f"Customer {customer.id} is held for {reason} already, by {standing}: lift that first, or choose another reason."
        )


def _refuse_bad_block(until: date | None, customer: MovableCustomer, today: date) -> None:
    if until is not None and until < today:
        raise InvalidInputError("until", f"{until} is over: choose {today} or later, or leave it out to block until resumed.")
    if until is not None and until > today + LONGEST_BLOCK:
        raise InvalidInputError(
            "until",
            f"{until} is more than a year away: choose {today + LONGEST_BLOCK} or earlier, or leave it out to block until "
            "resumed.",
        )
    if customer.block is not None and customer.block.stands_on(today):
        end = f"until {customer.block.until}" if customer.block.until else "until staff resume it"
        raise ConflictError(f"Chasing of customer {customer.id} is blocked already, {end}: resume it first to change that.")
