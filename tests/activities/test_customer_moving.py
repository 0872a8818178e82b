"""What staff decide about a customer is done once: holds with a reason each, and blocking all chasing (pains 15)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from activities.collecting import Collecting, LookRequest, StepRequest
from activities.customer_moving import CustomerMoved, CustomerMoveRequest, CustomerMoving
from domain.chasing import Block
from domain.customer import Customer, Tenant
from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.dunning_ladder import Action
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.standing import HoldReason
from persistence import audit, chasing, customer_moves, holds, messages
from persistence.columns import new_id
from persistence.customer_moves import AskedCustomerMove
from persistence.database import Database
from persistence.moves import MoveStatus
from tests import factories
from tests.factories import NOW, usd
from tests.persistence.parallel import at_once

NOTE = "The licence was not renewed."
LATE = NOW + timedelta(days=36)  # a day after an invoice of NOW has reached suspension
TODAY = LATE.date()
SUSPENSION, BACK = "suspension_notice", "reactivation_confirmation"


@dataclass
class Desk:
    """Somebody of staff, and one customer with the invoices that a test gives them; a minute passes between two moves."""

    database: Database
    tenant: Tenant
    customer: Customer
    now: datetime = LATE

    def ask(self, kind: CustomerMoveKind, **terms: HoldReason | str | date | None) -> CustomerMove:
        move = CustomerMove(new_id(Prefix.STAFF_MOVE), kind, **terms)  # type: ignore[arg-type] # each kind has its own terms
        self.now += timedelta(minutes=1)
        with self.database.tenant(self.tenant.id) as session:
            customer_moves.request(session, move, customer_id=self.customer.id, reason=NOTE, actor="Rudo", now=self.now)
        return move

    def make(self, move: CustomerMove) -> CustomerMoved:
        return CustomerMoving(self.database).make(CustomerMoveRequest(self.tenant.id, self.customer.id, move, self.now))

    def make_again(self, move: CustomerMove) -> CustomerMoved:
        """The answer to the first try was lost; the workflow tries again, some seconds later."""
        self.now += timedelta(seconds=20)
        return self.make(move)

    def place(self, reason: HoldReason = HoldReason.MANUAL) -> CustomerMoved:
        return self.make(self.ask(CustomerMoveKind.PLACE_HOLD, hold_reason=reason))

    def lift(self, reason: HoldReason) -> CustomerMoved:
        return self.make(self.ask(CustomerMoveKind.LIFT_HOLD, hold_id=self.holds()[reason]))

    def block(self, until: date | None = None) -> CustomerMoved:
        return self.make(self.ask(CustomerMoveKind.BLOCK_CHASING, day=until))

    def resume(self) -> CustomerMoved:
        return self.make(self.ask(CustomerMoveKind.RESUME_CHASING))

    def invoice(self, amount: str = "25") -> Invoice:
        return factories.issue_invoice(self.database, self.tenant, self.customer, amount=usd(amount))

    def suspend(self, invoice: Invoice) -> None:
        """The invoice's ladder reaches suspension."""
        request = StepRequest(self.tenant.id, invoice.id, self.customer.id, "4-suspend", Action.SUSPEND, LATE)
        Collecting(self.database).take_step(request)

    def pay(self, invoice: Invoice, amount: str | None = None) -> None:
        payment = factories.start_payment(self.database, self.tenant, invoice, amount=usd(amount) if amount else None)
        factories.settle_payment(self.database, self.tenant, payment, LATE)

    def row(self, move: CustomerMove) -> AskedCustomerMove:
        with self.database.tenant(self.tenant.id) as session:
            return customer_moves.get(session, move.id)

    def holds(self) -> dict[HoldReason, str]:
        with self.database.tenant(self.tenant.id) as session:
            return holds.standing(session, self.customer.id)

    def letters(self) -> list[str]:
        with self.database.tenant(self.tenant.id) as session:
            return [message.letter.value for message in messages.of_entity(session, "Customer", self.customer.id)]

    def audited(self) -> list[tuple[str, str]]:
        """(who, what) of what happened to the customer, oldest first."""
        with self.database.tenant(self.tenant.id) as session:
            found = audit.page(session, after=None, limit=50, resource_id=self.customer.id)
        return [(entry.actor, entry.action) for entry in reversed(found)]

    def last_details(self) -> dict[str, object]:
        with self.database.tenant(self.tenant.id) as session:
            return audit.page(session, after=None, limit=1, resource_id=self.customer.id)[0].details


@pytest.fixture
def desk(database: Database, tenant: Tenant) -> Desk:
    return Desk(database, tenant, factories.make_customer(database, tenant))


def test_a_hold_by_staff_suspends_once_with_its_letter_its_note_and_who_did_it(desk: Desk) -> None:
    move = desk.ask(CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.BREACH)
    first, made_at = desk.make(move), desk.now
    assert (len(first.message_ids), first.invoice_ids, first.refusal) == (1, (), None)
    assert desk.make_again(move) == first
    assert list(desk.holds()) == [HoldReason.BREACH]
    assert desk.letters() == [SUSPENSION]
    assert desk.audited() == [("Rudo", "CUSTOMER_SUSPENDED")]
    hold_id = desk.holds()[HoldReason.BREACH]
    assert desk.last_details() == {"hold_id": hold_id, "reason": "BREACH", "note": NOTE}
    with desk.database.tenant(desk.tenant.id) as session:
        hold = holds.get(session, hold_id)
    assert (hold.note, hold.placed_by, hold.placed_at) == (NOTE, "Rudo", made_at)
    assert (desk.row(move).status, desk.row(move).decided_at) == (MoveStatus.DONE, made_at)


def test_eight_tries_of_one_move_at_once_are_one_hold_and_one_letter(desk: Desk) -> None:
    move = desk.ask(CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.MANUAL)
    answers = at_once([lambda: desk.make(move)] * 8)
    assert len(set(answers)) == 1
    assert (len(desk.holds()), desk.letters(), len(desk.audited())) == (1, [SUSPENSION], 1)


def test_who_is_held_already_is_not_told_of_a_second_hold(desk: Desk) -> None:
    desk.place(HoldReason.MANUAL)
    assert desk.place(HoldReason.CHARGEBACK).message_ids == ()
    assert desk.letters() == [SUSPENSION]
    assert desk.audited() == [("Rudo", "CUSTOMER_SUSPENDED"), ("Rudo", "CUSTOMER_HOLD_PLACED")]


def test_closing_an_account_is_no_suspension(desk: Desk) -> None:
    assert desk.place(HoldReason.CLOSED) == CustomerMoved()
    assert desk.letters() == []
    assert desk.audited() == [("Rudo", "CUSTOMER_HOLD_PLACED")]


def test_of_two_who_place_the_same_hold_the_second_is_refused_and_told_why(desk: Desk) -> None:
    moves = [desk.ask(CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.MANUAL) for _ in range(2)]
    assert desk.make(moves[0]).refusal is None
    refused = desk.make(moves[1])
    assert refused.refusal is not None
    assert "is held for MANUAL already" in refused.refusal
    assert desk.make_again(moves[1]) == refused
    assert (desk.row(moves[1]).status, desk.row(moves[1]).refusal) == (MoveStatus.REFUSED, refused.refusal)
    assert (len(desk.holds()), len(desk.audited())) == (1, 1)


def test_only_when_nothing_holds_any_more_is_the_customer_told_to_be_back(desk: Desk) -> None:
    desk.place(HoldReason.MANUAL)
    desk.place(HoldReason.BREACH)
    assert desk.lift(HoldReason.MANUAL).message_ids == ()
    move = desk.ask(CustomerMoveKind.LIFT_HOLD, hold_id=desk.holds()[HoldReason.BREACH])
    back = desk.make(move)
    assert len(back.message_ids) == 1
    assert desk.make_again(move) == back
    assert (desk.holds(), desk.letters()) == ({}, [SUSPENSION, BACK])
    assert desk.last_details()["note"] == NOTE


def test_payment_lifts_the_hold_over_debt_and_never_that_of_staff(desk: Desk) -> None:
    invoice = desk.invoice()
    desk.suspend(invoice)
    desk.place(HoldReason.MANUAL)
    desk.pay(invoice)
    assert list(desk.holds()) == [HoldReason.MANUAL]
    assert desk.letters() == [SUSPENSION]
    desk.lift(HoldReason.MANUAL)
    assert (desk.holds(), desk.letters()) == ({}, [SUSPENSION, BACK])


def test_after_staff_lift_a_hold_over_debt_a_part_payment_does_not_bring_it_back(desk: Desk) -> None:
    invoice = desk.invoice()
    desk.suspend(invoice)
    lifted = desk.lift(HoldReason.OVERDUE)
    assert (len(lifted.message_ids), lifted.invoice_ids) == (1, (invoice.id,))
    desk.pay(invoice, "5")
    look = LookRequest(desk.tenant.id, invoice.id, desk.customer.id, LATE)
    assert not Collecting(desk.database).look_again(look).is_suspending
    assert (desk.holds(), desk.letters()) == ({}, [SUSPENSION, BACK])


def test_lifting_a_hold_of_staffs_leaves_the_debt_to_suspend_and_the_lifecycles_alone(desk: Desk) -> None:
    desk.suspend(desk.invoice())
    desk.place(HoldReason.MANUAL)
    assert desk.lift(HoldReason.MANUAL) == CustomerMoved()
    assert list(desk.holds()) == [HoldReason.OVERDUE]


def test_a_blocked_customer_is_back_and_suspended_again_when_chasing_is_resumed(desk: Desk) -> None:
    late, paid = desk.invoice("30"), desk.invoice("25")
    desk.pay(paid)
    desk.suspend(late)
    blocked = desk.block()
    assert (len(blocked.message_ids), blocked.invoice_ids) == (1, (late.id,))
    assert (desk.holds(), desk.letters()) == ({}, [SUSPENSION, BACK])
    resumed = desk.resume()
    assert (len(resumed.message_ids), resumed.invoice_ids) == (1, (late.id,))
    assert (list(desk.holds()), desk.letters()) == ([HoldReason.OVERDUE], [SUSPENSION, BACK, SUSPENSION])
    assert [action for _, action in desk.audited()] == [
        "CUSTOMER_SUSPENDED",
        "CUSTOMER_CHASING_BLOCKED",
        "CUSTOMER_HOLD_LIFTED",
        "CUSTOMER_CHASING_RESUMED",
        "CUSTOMER_SUSPENDED",
    ]


def test_a_block_whose_answer_was_lost_stands_once_and_answers_the_same(desk: Desk) -> None:
    desk.suspend(desk.invoice())
    move = desk.ask(CustomerMoveKind.BLOCK_CHASING, day=TODAY)
    first = desk.make(move)
    assert desk.make_again(move) == first
    assert desk.letters() == [SUSPENSION, BACK]


def test_resuming_leaves_an_invoice_alone_that_is_set_aside_for_another_reason(desk: Desk) -> None:
    invoice = desk.invoice()
    desk.suspend(invoice)
    desk.block()
    with desk.database.tenant(desk.tenant.id) as session:
        chasing.mark_disputed(session, invoice.id, LATE)
    assert desk.resume().message_ids == ()
    assert desk.holds() == {}


def test_a_block_whose_last_day_is_over_makes_room_for_the_next(desk: Desk) -> None:
    desk.block(TODAY)
    assert desk.block(TODAY).refusal is not None
    desk.now += timedelta(days=1)
    assert desk.resume().refusal == f"Chasing of customer {desk.customer.id} is not blocked: there is nothing to resume."
    assert desk.block().refusal is None
    with desk.database.tenant(desk.tenant.id) as session:
        assert chasing.standing_block(session, desk.customer.id) == Block()
    assert desk.audited()[1:] == [("system", "CUSTOMER_CHASING_RESUMED"), ("Rudo", "CUSTOMER_CHASING_BLOCKED")]


def test_a_customer_without_an_address_is_held_and_let_back_without_letters(database: Database, tenant: Tenant) -> None:
    desk = Desk(database, tenant, factories.make_customer(database, tenant, email=None))
    assert desk.place() == CustomerMoved()
    assert desk.lift(HoldReason.MANUAL) == CustomerMoved()
    assert desk.holds() == {}
