"""Staff moves: which are refused, and in which words (requirements L7)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConflictError, InvalidInputError
from domain.invoice import InvoiceState
from domain.moves import Movable, Move, MoveKind, refuse_impossible

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
LATE = Movable("CVT-000012", InvoiceState.OPEN, date(2026, 11, 15), is_disputed=False, paused_until=None, longest_pause_days=30)
DISPUTED = replace(LATE, is_disputed=True)
PAUSED = replace(LATE, paused_until=TODAY)
PAUSE_OVER = replace(LATE, paused_until=TODAY - DAY)


def refusal(kind: MoveKind, invoice: Movable, day: date | None = None) -> str | None:
    """The words of the refusal; None when the move can be made."""
    try:
        refuse_impossible(Move("mov_1", kind, day), invoice, TODAY)
    except (ConflictError, InvalidInputError) as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("kind", "invoice", "day"),
    [
        (MoveKind.VOID, LATE, None),
        (MoveKind.VOID, DISPUTED, None),
        (MoveKind.WRITE_OFF, LATE, None),
        (MoveKind.WRITE_OFF, PAUSED, None),
        (MoveKind.EXTEND, LATE, TODAY),
        (MoveKind.EXTEND, LATE, TODAY + 366 * DAY),
        (MoveKind.EXTEND, PAUSED, TODAY + DAY),
        (MoveKind.PAUSE, LATE, TODAY),
        (MoveKind.PAUSE, LATE, TODAY + 30 * DAY),
        (MoveKind.PAUSE, PAUSED, TODAY + 7 * DAY),
        (MoveKind.RESUME, PAUSED, None),
        (MoveKind.DISPUTE, LATE, None),
        (MoveKind.RESOLVE, DISPUTED, None),
        (MoveKind.REAPPLY_POLICY, LATE, None),
        (MoveKind.REAPPLY_POLICY, DISPUTED, None),
    ],
)
def test_moves_that_can_be_made_on_an_open_invoice(kind: MoveKind, invoice: Movable, day: date | None) -> None:
    assert refusal(kind, invoice, day) is None


@pytest.mark.parametrize(
    ("kind", "invoice", "day", "words"),
    [
        (MoveKind.EXTEND, LATE, None, "due_on: say to which day the invoice is extended, such as 2026-12-15."),
        (
            MoveKind.EXTEND,
            LATE,
            date(2026, 11, 15),
            "due_on: 2026-11-15 is not later than 2026-11-15, when invoice CVT-000012 is due now.",
        ),
        (MoveKind.EXTEND, LATE, TODAY - DAY, "due_on: 2026-11-19 is over: choose 2026-11-20 or later."),
        (
            MoveKind.EXTEND,
            LATE,
            TODAY + 367 * DAY,
            "due_on: 2027-11-22 is more than a year away: choose 2027-11-21 or earlier.",
        ),
        (MoveKind.PAUSE, LATE, None, "until: say until which day chasing is paused, such as 2026-12-15."),
        (MoveKind.PAUSE, LATE, TODAY - DAY, "until: 2026-11-19 is over: choose 2026-11-20 or later."),
        (
            MoveKind.PAUSE,
            LATE,
            TODAY + 31 * DAY,
            (
                "until: 2026-12-21 is further away than the 30 days that the policy of invoice CVT-000012 allows: choose "
                "2026-12-20 or earlier, or extend the due date."
            ),
        ),
        (MoveKind.RESUME, LATE, None, "Invoice CVT-000012 is not paused: there is nothing to resume."),
        (MoveKind.RESUME, PAUSE_OVER, None, "Invoice CVT-000012 is not paused: there is nothing to resume."),
        (MoveKind.DISPUTE, DISPUTED, None, "Invoice CVT-000012 is disputed already: resolve that first."),
        (MoveKind.RESOLVE, LATE, None, "Invoice CVT-000012 is not disputed: there is nothing to resolve."),
    ],
)
def test_what_is_refused_says_why_and_the_way_out(kind: MoveKind, invoice: Movable, day: date | None, words: str) -> None:
    assert refusal(kind, invoice, day) == words


@pytest.mark.parametrize("state", [state for state in InvoiceState if state.is_closed])
@pytest.mark.parametrize("kind", MoveKind)
def test_nothing_can_be_moved_on_a_closed_invoice(kind: MoveKind, state: InvoiceState) -> None:
    with pytest.raises(ConflictError, match=f"^Invoice CVT-000012 is {state.value}: "):
        refuse_impossible(Move("mov_1", kind, TODAY), replace(LATE, state=state), TODAY)


@pytest.mark.parametrize("kind", [MoveKind.VOID, MoveKind.WRITE_OFF])
def test_who_wants_to_close_a_paid_invoice_otherwise_is_told_to_reverse_its_payment(kind: MoveKind) -> None:
    words = "Invoice CVT-000012 is PAID: reverse its payment first, then it can be closed otherwise."
    assert refusal(kind, replace(LATE, state=InvoiceState.PAID)) == words


@given(st.integers(-400, 400), st.integers(1, 365))
def test_a_pause_is_granted_from_today_up_to_the_policys_longest(days: int, longest: int) -> None:
    granted = refusal(MoveKind.PAUSE, replace(LATE, longest_pause_days=longest), TODAY + days * DAY) is None
    assert granted is (0 <= days <= longest)


@given(st.integers(-400, 400), st.integers(-400, 400))
def test_an_extension_is_granted_to_a_day_after_the_due_day_that_is_not_over_within_a_year(due: int, days: int) -> None:
    granted = refusal(MoveKind.EXTEND, replace(LATE, due_on=TODAY + due * DAY), TODAY + days * DAY) is None
    assert granted is (max(0, due + 1) <= days <= 366)


def test_each_move_has_a_name_of_its_own_in_the_audit_log() -> None:
    assert len({kind.past_event for kind in MoveKind}) == len(MoveKind)
    assert all(kind.past_event.startswith("INVOICE_") for kind in MoveKind)
