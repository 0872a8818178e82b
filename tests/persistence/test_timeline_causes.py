"""Cause before effect: what staff did, then what the system did about it, and what never came to be because of it."""

from datetime import date

import pytest

from domain.customer_moves import CustomerMoveKind
from domain.happenings import Cause, Event, LeftOut, MoveAsked, Obstacle, Recorded, StepDecided
from domain.invoice import Invoice, InvoiceState
from domain.moves import MoveKind
from domain.standing import HoldReason
from persistence import holds
from persistence.database import Database
from tests.persistence.timeline_story import RUDO, Story, at

NUMBER = "CVT-000001"


@pytest.fixture
def story(database: Database) -> Story:
    return Story.of(database, working_days_only=False)


@pytest.fixture
def invoice(story: Story) -> Invoice:
    """USD 100.00, due on 10 August 2026: reminded on the 7th, then on the 10th, 17th and 24th; it suspends on the 31st."""
    return story.issue("2026-07-27 10:00")


def suspended(story: Story, invoice: Invoice) -> None:
    for when, key in [
        ("2026-08-07", "0-remind"),
        ("2026-08-10", "1-overdue_notice"),
        ("2026-08-17", "2-overdue_notice"),
        ("2026-08-24", "3-final_warning"),
        ("2026-08-31", "4-suspend"),
    ]:
        story.take(f"{when} 09:00", invoice, key)


def recorded(events: list[Event], when: str) -> list[tuple[str, str, Cause | None]]:
    """(action, actor, cause) of what the audit log tells of an instant, oldest first."""
    found = [event for event in reversed(events) if event.at == at(when)]
    return [(event.what.action, event.actor, event.what.cause) for event in found if isinstance(event.what, Recorded)]


def left_out(events: list[Event]) -> list[tuple[str, LeftOut]]:
    return [(str(event.at), event.what) for event in reversed(events) if isinstance(event.what, LeftOut)]


@pytest.mark.parametrize(
    ("kind", "day", "action"),
    [
        (MoveKind.PAUSE, date(2026, 9, 20), "INVOICE_PAUSED"),
        (MoveKind.DISPUTE, None, "INVOICE_DISPUTED"),
        (MoveKind.EXTEND, date(2026, 9, 20), "INVOICE_EXTENDED"),
        (MoveKind.VOID, None, "INVOICE_VOIDED"),
        (MoveKind.WRITE_OFF, None, "INVOICE_WRITTEN_OFF"),
    ],
)
def test_a_move_that_lets_a_customer_back_is_told_before_that_and_as_its_cause(
    story: Story, invoice: Invoice, kind: MoveKind, day: date | None, action: str
) -> None:
    suspended(story, invoice)
    story.move("2026-09-01 10:00", invoice, kind, day)
    cause = Cause(kind.value, RUDO, NUMBER)
    expected = [(action, RUDO, None), ("CUSTOMER_HOLD_LIFTED", "system", cause)]
    assert recorded(story.events(), "2026-09-01 10:00") == expected
    assert recorded(story.events(invoice), "2026-09-01 10:00") == expected
    lifted = next(event for event in story.events() if isinstance(event.what, Recorded) and event.what.cause == cause)
    assert lifted.references.move_id is not None


def test_a_block_lets_back_and_resuming_suspends_again_each_after_its_move(story: Story, invoice: Invoice) -> None:
    suspended(story, invoice)
    story.move_customer("2026-09-01 10:00", CustomerMoveKind.BLOCK_CHASING)
    story.move_customer("2026-09-02 10:00", CustomerMoveKind.RESUME_CHASING)
    story.move("2026-09-03 10:00", invoice, MoveKind.DISPUTE)
    story.move("2026-09-04 10:00", invoice, MoveKind.RESOLVE)
    events = story.events()
    assert recorded(events, "2026-09-01 10:00") == [
        ("CUSTOMER_CHASING_BLOCKED", RUDO, None),
        ("CUSTOMER_HOLD_LIFTED", "system", Cause("BLOCK_CHASING", RUDO, None)),
    ]
    assert recorded(events, "2026-09-02 10:00") == [
        ("CUSTOMER_CHASING_RESUMED", RUDO, None),
        ("CUSTOMER_SUSPENDED", "system", Cause("RESUME_CHASING", RUDO, None)),
    ]
    assert recorded(events, "2026-09-04 10:00") == [
        ("INVOICE_DISPUTE_RESOLVED", RUDO, None),
        ("CUSTOMER_SUSPENDED", "system", Cause("RESOLVE", RUDO, NUMBER)),
    ]


def test_money_that_lets_a_customer_back_is_no_move_of_staffs(story: Story, invoice: Invoice) -> None:
    suspended(story, invoice)
    story.move_customer("2026-09-01 09:00", CustomerMoveKind.BLOCK_CHASING)
    story.move_customer("2026-09-01 10:00", CustomerMoveKind.RESUME_CHASING)
    story.pay("2026-09-01 10:00", invoice, "100")
    assert recorded(story.events(), "2026-09-01 10:00")[-1] == ("CUSTOMER_HOLD_LIFTED", "system", None)


def test_a_second_invoice_that_reaches_suspension_finds_the_customer_held(story: Story, invoice: Invoice) -> None:
    other = story.issue("2026-07-28 10:00")
    suspended(story, invoice)
    story.take("2026-09-01 09:00", other, "4-suspend")
    (step,) = [event.what for event in story.events(other) if isinstance(event.what, StepDecided)]
    assert step.was_held
    assert not [event for event in story.events(invoice) if isinstance(event.what, StepDecided)]


def test_a_suspension_of_less_than_the_policy_suspends_for_finds_nobody_held(database: Database) -> None:
    story = Story.of(database, working_days_only=False, lift_below={"USD": 5000})
    invoice = story.issue("2026-07-27 10:00")
    story.move_customer("2026-08-02 10:00", CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.MANUAL)
    with database.tenant(story.tenant.id) as session:
        (hold_id,) = holds.standing(session, story.customer.id).values()
    story.move_customer("2026-08-03 10:00", CustomerMoveKind.LIFT_HOLD, hold_id=hold_id)
    story.pay("2026-08-20 10:00", invoice, "60")
    suspended(story, invoice)
    (step,) = [event.what for event in story.events(invoice) if isinstance(event.what, StepDecided)]
    assert not step.was_held


def test_steps_that_a_pause_and_a_block_held_up_are_told_with_the_step_that_stands_for_them(
    story: Story, invoice: Invoice
) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 12))
    story.move_customer("2026-08-14 10:00", CustomerMoveKind.BLOCK_CHASING, day=date(2026, 8, 20))
    story.take("2026-08-24 09:00", invoice, "3-final_warning")
    for events in (story.events(invoice), story.events()):
        ((when, what),) = left_out(events)
        assert when == str(at("2026-08-24 09:00"))
        assert [step.key for step in what.steps] == ["0-remind", "1-overdue_notice", "2-overdue_notice"]
        assert what.obstacles == (Obstacle.PAUSED, Obstacle.BLOCKED)
        assert what.stands_for_them is not None
        assert what.stands_for_them.key == "3-final_warning"


def test_what_was_let_through_by_an_early_end_is_not_laid_at_the_door_of_what_ended(story: Story, invoice: Invoice) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 20))
    story.move("2026-08-06 10:00", invoice, MoveKind.RESUME)
    story.move_customer("2026-08-06 11:00", CustomerMoveKind.BLOCK_CHASING)
    story.move_customer("2026-08-06 12:00", CustomerMoveKind.RESUME_CHASING)
    story.move("2026-08-08 10:00", invoice, MoveKind.DISPUTE)
    story.move("2026-08-09 10:00", invoice, MoveKind.RESOLVE)
    story.take("2026-08-11 09:00", invoice, "1-overdue_notice")
    ((_, what),) = left_out(story.events(invoice))
    assert ([step.key for step in what.steps], what.obstacles) == (["0-remind"], ())


def test_steps_that_were_due_when_an_invoice_was_closed_are_told_then_and_later_ones_never(
    story: Story, invoice: Invoice
) -> None:
    story.take("2026-08-07 09:00", invoice, "0-remind")
    story.move("2026-08-08 10:00", invoice, MoveKind.DISPUTE)
    story.pay("2026-08-18 10:00", invoice, "100")
    ((when, what),) = left_out(story.events(invoice))
    assert when == str(at("2026-08-18 10:00"))
    assert [step.key for step in what.steps] == ["1-overdue_notice", "2-overdue_notice"]
    assert (what.obstacles, what.stands_for_them, what.state) == ((Obstacle.DISPUTED,), None, InvoiceState.PAID)


def test_a_ladder_that_was_climbed_in_time_left_nothing_out(story: Story, invoice: Invoice) -> None:
    suspended(story, invoice)
    story.pay("2026-09-01 10:00", invoice, "100")
    assert left_out(story.events(invoice)) == left_out(story.events()) == []


def test_a_second_click_that_is_refused_as_the_first_was_is_told_once(story: Story) -> None:
    for when in ("2026-08-01 10:00:00", "2026-08-01 10:00:40", "2026-08-01 10:01:10", "2026-08-01 10:05:00"):
        assert story.move_customer(when, CustomerMoveKind.RESUME_CHASING) is not None
    story.reason = "She rang again."
    assert story.move_customer("2026-08-01 10:05:10", CustomerMoveKind.RESUME_CHASING) is not None
    told = [(str(event.at), event.reason) for event in story.events() if isinstance(event.what, MoveAsked)]
    assert told == [
        (str(at("2026-08-01 10:05:10")), "She rang again."),
        (str(at("2026-08-01 10:05:00")), "Mr Moyo rang."),
        (str(at("2026-08-01 10:00:00")), "Mr Moyo rang."),
    ]
