"""Why a customer stands as they do, in sentences for the people of a small business; days are theirs."""

from collections.abc import Sequence

from api.timeline_words import LocalWords
from domain.standing import HoldReason
from domain.timeline_moves import hold_in_words
from persistence.chasing import StandingBlock
from persistence.holds import Hold

_NUMBERS_NAMED = 5


def why_so(
    held: Sequence[Hold], suspending: Sequence[str], late: Sequence[str], block: StandingBlock | None, words: LocalWords
) -> str:
    """Why the customer has their billing status, and that nobody chases them, where a block stands.

    Args:
        held: the holds that stand.
        suspending: the numbers of the invoices that suspend.
        late: the numbers of the open invoices whose due day is over.
    """
    reasons = [_held(hold, suspending, words) for hold in sorted(held, key=lambda hold: hold.placed_at)]
    if not reasons:
        reasons = [_late(late) if late else "Nothing is past its due day, and nothing holds the customer."]
    return " ".join([*reasons, *([_blocked(block, words)] if block else [])])


def _held(hold: Hold, suspending: Sequence[str], words: LocalWords) -> str:
    day = words.day(words.local_day(hold.placed_at))
    match hold.reason:
        case HoldReason.OVERDUE:
            invoices = f" ({_named(suspending)})" if suspending else ""
            return f"Suspended since {day} for unpaid invoices{invoices}."
        case HoldReason.CLOSED:
            said = f"The account was closed by {hold.placed_by} on {day}"
        case HoldReason.MANUAL:
            said = f"Suspended by {hold.placed_by} on {day}"
        case _:
            said = f"Suspended by {hold.placed_by} on {day} {hold_in_words(hold.reason.value)}"
    return _with_reason(said, hold.note)


def _blocked(block: StandingBlock, words: LocalWords) -> str:
    until = words.day(block.until) if block.until else "staff resume it"
    by = f"{block.placed_by} on {words.day(words.local_day(block.placed_at))}"
    return _with_reason(f"All chasing is blocked until {until}, by {by}", block.note)


def _with_reason(said: str, reason: str) -> str:
    reason = reason.strip()
    if not reason:
        return f"{said}."
    return f"{said}: {reason}{'' if reason.endswith(('.', '!', '?')) else '.'}"


def _late(numbers: Sequence[str]) -> str:
    if len(numbers) == 1:
        return f"Invoice {numbers[0]} is past its due day."
    return f"Invoices {_named(numbers)} are past their due days."


def _named(numbers: Sequence[str]) -> str:
    """`CVT-1, CVT-2 and CVT-3`; of many the first few."""
    if len(numbers) > _NUMBERS_NAMED:
        return f"{', '.join(numbers[:_NUMBERS_NAMED])} and {len(numbers) - _NUMBERS_NAMED} more"
    return " and ".join([", ".join(numbers[:-1]), numbers[-1]] if len(numbers) > 1 else numbers)
