"""Why a customer stands so, as a small business reads it: whole sentences, its own days, no codes and no ids."""

from datetime import UTC, date, datetime

import pytest

from api.standing_words import why_so
from api.timeline_words import LocalWords
from domain.standing import HoldReason
from persistence.chasing import StandingBlock
from persistence.holds import Hold

WORDS = LocalWords("en_ZW", "Africa/Harare")
# In Harare it is the 22nd already.
LATE_AT_NIGHT = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)


def hold(reason: HoldReason, note: str = "", by: str = "Rudo", placed_at: datetime = LATE_AT_NIGHT) -> Hold:
    return Hold("hld_1", "cus_1", reason, note, placed_at, by, None, None)


def block(until: date | None, note: str = "Talks about instalments.") -> StandingBlock:
    return StandingBlock("blk_1", until, note, LATE_AT_NIGHT, "Tendai")


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (hold(HoldReason.OVERDUE, by="system"), "Suspended since November 22, 2026 for unpaid invoices (CVT-1 and CVT-2)."),
        (
            hold(HoldReason.MANUAL, "The licence was not renewed"),
            "Suspended by Rudo on November 22, 2026: The licence was not renewed.",
        ),
        (
            hold(HoldReason.BREACH, "Cards were shared!"),
            "Suspended by Rudo on November 22, 2026 for broken terms: Cards were shared!",
        ),
        (
            hold(HoldReason.CHARGEBACK),
            "Suspended by Rudo on November 22, 2026 for a payment taken back at the bank.",
        ),
        (hold(HoldReason.ON_REQUEST), "Suspended by Rudo on November 22, 2026 at the customer's own request."),
        (hold(HoldReason.CLOSED, "They moved away."), "The account was closed by Rudo on November 22, 2026: They moved away."),
    ],
)
def test_each_hold_is_a_sentence_with_who_when_and_why(held: Hold, why: str) -> None:
    assert why_so([held], ["CVT-1", "CVT-2"], ["CVT-1", "CVT-2"], None, WORDS) == why


def test_several_holds_are_told_the_oldest_first() -> None:
    first = hold(HoldReason.OVERDUE, by="system", placed_at=datetime(2026, 11, 2, 8, tzinfo=UTC))
    assert why_so([hold(HoldReason.MANUAL), first], [], [], None, WORDS) == (
        "Suspended since November 2, 2026 for unpaid invoices. Suspended by Rudo on November 22, 2026."
    )


def test_a_block_is_told_whatever_else_there_is_to_tell() -> None:
    blocked = "All chasing is blocked until staff resume it, by Tendai on November 22, 2026: Talks about instalments."
    nothing = "Nothing is past its due day, and nothing holds the customer."
    assert why_so([], [], [], block(None), WORDS) == f"{nothing} {blocked}"
    assert why_so([], [], ["CVT-1"], block(None), WORDS) == f"Invoice CVT-1 is past its due day. {blocked}"
    assert why_so([hold(HoldReason.MANUAL)], [], ["CVT-1"], block(None), WORDS) == (
        f"Suspended by Rudo on November 22, 2026. {blocked}"
    )
    assert why_so([], [], [], block(date(2026, 12, 1), ""), WORDS) == (
        f"{nothing} All chasing is blocked until December 1, 2026, by Tendai on November 22, 2026."
    )


def test_without_a_hold_the_late_invoices_are_told_and_of_many_the_first_few() -> None:
    assert why_so([], [], [f"CVT-{number}" for number in range(1, 8)], None, WORDS) == (
        "Invoices CVT-1, CVT-2, CVT-3, CVT-4, CVT-5 and 2 more are past their due days."
    )
    assert why_so([], [], ["CVT-1", "CVT-2"], None, WORDS) == "Invoices CVT-1 and CVT-2 are past their due days."
