"""Staff moves on a customer: which are refused, and in which words (requirements L4, L5)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.chasing import Block
from domain.customer_moves import CustomerMove, CustomerMoveKind, MovableCustomer, refuse_impossible
from domain.errors import ConflictError, InvalidInputError
from domain.standing import STAFF_REASONS, HoldReason

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
FREE = MovableCustomer("cus_1", {}, None)
HELD = replace(FREE, holds={HoldReason.OVERDUE: "hld_1", HoldReason.MANUAL: "hld_2"})
BLOCKED = replace(FREE, block=Block(TODAY))
BLOCKED_FOR_GOOD = replace(FREE, block=Block())
BLOCK_IS_OVER = replace(FREE, block=Block(TODAY - DAY))


def refusal(customer: MovableCustomer, move: CustomerMove) -> str | None:
    """The words of the refusal; None when the move can be made."""
    try:
        refuse_impossible(move, customer, TODAY)
    except (ConflictError, InvalidInputError) as error:
        return str(error)
    return None


def place(reason: HoldReason | None) -> CustomerMove:
    return CustomerMove("mov_1", CustomerMoveKind.PLACE_HOLD, hold_reason=reason)


def lift(hold_id: str | None) -> CustomerMove:
    return CustomerMove("mov_1", CustomerMoveKind.LIFT_HOLD, hold_id=hold_id)


def block(until: date | None = None) -> CustomerMove:
    return CustomerMove("mov_1", CustomerMoveKind.BLOCK_CHASING, day=until)


CHOOSE = (
    "reason: choose MANUAL, BREACH, CHARGEBACK, ON_REQUEST, CLOSED; a hold for OVERDUE follows from unpaid invoices by itself."
)
RESUME = CustomerMove("mov_1", CustomerMoveKind.RESUME_CHASING)


@pytest.mark.parametrize("reason", STAFF_REASONS)
def test_staff_may_hold_a_customer_for_each_of_their_reasons(reason: HoldReason) -> None:
    assert refusal(FREE, place(reason)) is None


@pytest.mark.parametrize(
    ("customer", "move"),
    [
        (HELD, place(HoldReason.BREACH)),
        (HELD, place(HoldReason.CLOSED)),
        (HELD, lift("hld_1")),
        (HELD, lift("hld_2")),
        (FREE, block()),
        (FREE, block(TODAY)),
        (HELD, block(TODAY + 366 * DAY)),
        (BLOCK_IS_OVER, block()),
        (BLOCKED, RESUME),
        (BLOCKED_FOR_GOOD, RESUME),
    ],
)
def test_moves_that_can_be_made_on_a_customer(customer: MovableCustomer, move: CustomerMove) -> None:
    assert refusal(customer, move) is None


@pytest.mark.parametrize(
    ("customer", "move", "words"),
    [
        (FREE, place(HoldReason.OVERDUE), CHOOSE),
        (FREE, place(None), CHOOSE),
        (
            HELD,
            place(HoldReason.MANUAL),
            "Customer cus_1 is held for MANUAL already, by hld_2: lift that first, or choose another reason.",
        ),
        (HELD, lift("hld_3"), "Hold hld_3 does not stand on customer cus_1: there is nothing to lift."),
        (HELD, lift(None), "Hold None does not stand on customer cus_1: there is nothing to lift."),
        (
            FREE,
            block(TODAY - DAY),
            "until: 2026-11-19 is over: choose 2026-11-20 or later, or leave it out to block until resumed.",
        ),
        (
            FREE,
            block(TODAY + 367 * DAY),
            (
                "until: 2027-11-22 is more than a year away: choose 2027-11-21 or earlier, or leave it out to block until "
                "resumed."
            ),
        ),
        (
            BLOCKED,
            block(),
            "Chasing of customer cus_1 is blocked already, until 2026-11-20: resume it first to change that.",
        ),
        (
            BLOCKED_FOR_GOOD,
            block(TODAY),
            "Chasing of customer cus_1 is blocked already, until staff resume it: resume it first to change that.",
        ),
        (FREE, RESUME, "Chasing of customer cus_1 is not blocked: there is nothing to resume."),
        (BLOCK_IS_OVER, RESUME, "Chasing of customer cus_1 is not blocked: there is nothing to resume."),
    ],
)
def test_a_move_that_cannot_be_made_is_refused_with_the_way_out(
    customer: MovableCustomer, move: CustomerMove, words: str
) -> None:
    assert refusal(customer, move) == words
