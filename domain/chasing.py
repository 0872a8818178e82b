"""Chasing set aside: when an invoice is not chased although it is owed, and until when.

An invoice is set aside while staff have paused it (a promise to pay), while it is disputed, and while its customer is blocked
from all chasing. What is set aside is not chased, and suspends nobody.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Block:
    """A customer is not chased at all, up to and including a local day; `until` None: until staff say so."""

    until: date | None = None

    def stands_on(self, today: date) -> bool:
        return self.until is None or today <= self.until


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why an invoice is not chased, in words for staff, and its last local day; `until` None: until staff say so."""

    why: str
    until: date | None


def set_aside(*, is_disputed: bool, paused_until: date | None, block: Block | None, today: date) -> SetAside | None:
    """Why an invoice is not chased on `today` (a local day); None when it is.

    Args:
        paused_until: the last day of a pause; one that is over counts no more.
        block: the customer's, when there is one.
    """
    reasons: list[SetAside] = []
    if is_disputed:
        reasons.append(SetAside("disputed", None))
    if paused_until is not None and today <= paused_until:
        reasons.append(SetAside(f"paused until {paused_until}", paused_until))
    if block is not None and block.stands_on(today):
        until = f" until {block.until}" if block.until else ""
        reasons.append(SetAside(f"chasing of the customer is blocked{until}", block.until))
    if not reasons:
        return None
    ends = [reason.until for reason in reasons]
    last = None if None in ends else max(end for end in ends if end is not None)
    return SetAside("; ".join(reason.why for reason in reasons), last)
