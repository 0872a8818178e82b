"""Moves that were not made, for the reader of a timeline: no field names, no ids, no codes, days as people write them."""

import re
from datetime import date

import pytest

from domain.chasing import Block
from domain.customer_moves import CustomerMove, CustomerMoveKind, MovableCustomer
from domain.customer_moves import refuse_impossible as refuse_customer_move
from domain.errors import DunlinError
from domain.happenings import MoveAsked
from domain.invoice import InvoiceState
from domain.moves import Movable, Move, MoveKind, refuse_impossible
from domain.standing import HoldReason
from domain.timeline_asked import asked_sentence
from tests.domain.plain_words import PlainWords

TODAY = date(2026, 11, 1)
CUSTOMER = MovableCustomer(
    "cus_01ktqmxh9sfyb9xm7r5kxt1a2b",
    {HoldReason.MANUAL: "hld_01ktqmxh9sfyb9xm7r5kxt1a2c"},
    Block(date(2026, 12, 1)),
)
WORDS = PlainWords()


def refused(move: Move | CustomerMove, state: InvoiceState = InvoiceState.OPEN) -> str:
    """What a timeline tells of a move that the rules refuse."""
    invoice = Movable("CVT-000001", state, date(2026, 11, 15), is_disputed=True, paused_until=None, longest_pause_days=30)
    with pytest.raises(DunlinError) as refusal:
        refuse_impossible(move, invoice, TODAY) if isinstance(move, Move) else refuse_customer_move(move, CUSTOMER, TODAY)
    return asked_sentence(MoveAsked(move.kind.value, str(refusal.value)), WORDS)


TOO_LONG = (
    "pause chasing; refused: day 2027-12-01 is further away than the 30 days that the policy of invoice CVT-000001 allows: "
    "choose day 2026-12-01 or earlier, or extend the due date."
)
HELD = "place a hold; refused: The customer is held by the accounts team already: lift that first, or choose another reason."
NOT_THERE = "lift a hold; refused: The hold does not stand on the customer: there is nothing to lift."
BLOCKED = (
    "block all chasing; refused: Chasing of the customer is blocked already, until day 2026-12-01: resume it first to change "
    "that."
)


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        (Move("mov_1", MoveKind.PAUSE, date(2027, 12, 1)), TOO_LONG),
        (CustomerMove("mov_1", CustomerMoveKind.PLACE_HOLD, HoldReason.MANUAL), HELD),
        (CustomerMove("mov_1", CustomerMoveKind.LIFT_HOLD, hold_id="hld_01ktqmxh9sfyb9xm7r5kxt1a2d"), NOT_THERE),
        (CustomerMove("mov_1", CustomerMoveKind.BLOCK_CHASING), BLOCKED),
    ],
)
def test_a_refusal_reads_without_fields_ids_and_codes(move: Move | CustomerMove, sentence: str) -> None:
    assert refused(move) == f"Asked to {sentence}"


def test_no_refusal_of_a_closed_invoice_shows_a_state_by_its_code() -> None:
    told = refused(Move("mov_1", MoveKind.VOID), InvoiceState.PAID)
    assert told.startswith("Asked to void the invoice; refused: Invoice CVT-000001 is paid: reverse its payment first")
    for state in (InvoiceState.VOID, InvoiceState.WRITTEN_OFF):
        told = refused(Move("mov_1", MoveKind.PAUSE, TODAY), state)
        assert not re.search(r"\b[A-Z]{4,}", told.replace("CVT-000001", "")), told


def test_what_waits_and_what_nobody_thought_of_is_told_too() -> None:
    assert asked_sentence(MoveAsked("PAUSE", None), WORDS) == "Asked to pause chasing; this is being carried out"
    assert asked_sentence(MoveAsked("PAINT_IT_RED", "No."), WORDS) == "Asked to paint it red; refused: No."
