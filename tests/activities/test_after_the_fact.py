"""What happens late, twice, or while an answer is lost: nobody is suspended or let off wrongly, or left untold (pains 15)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from activities.collecting import Collecting, LookRequest
from activities.customer_moving import CustomerMoveRequest, CustomerMoving
from activities.letter_facts import is_wanted
from activities.lifecycles import start_after_reversal
from activities.standing import Standing
from domain.customer import Tenant
from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.dunning_ladder import Action
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.moves import MoveKind
from domain.standing import HoldReason
from persistence import customer_moves, holds, messages
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.activities.moving_bench import LATER, MovingBench
from tests.factories import NOW
from tests.reversals import reverse_payment

# 10:00 in Harare on the day of the final warning by the default ladder.
WARNING_DAY = datetime(2026, 11, 29, 8, tzinfo=UTC)
PROMISED_UNTIL = date(2026, 11, 20)
MORNING_AFTER = datetime(2026, 11, 21, 7, tzinfo=UTC)


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    return MovingBench.of(database, tenant)


def look(bench: MovingBench, now: datetime) -> Standing:
    on = bench.invoice
    return Collecting(bench.database).look_again(LookRequest(bench.tenant.id, on.id, on.customer_id, now))


def resume(bench: MovingBench, invoice: Invoice, now: datetime) -> Standing:
    return Collecting(bench.database).resume(LookRequest(bench.tenant.id, invoice.id, invoice.customer_id, now))


def customer_move(bench: MovingBench, kind: CustomerMoveKind, now: datetime, hold_id: str | None = None) -> None:
    move = CustomerMove(new_id(Prefix.STAFF_MOVE), kind, hold_id=hold_id)
    with bench.database.tenant(bench.tenant.id) as session:
        customer_moves.request(session, move, customer_id=bench.customer.id, reason="told us", actor="Rudo", now=now)
    CustomerMoving(bench.database).make(CustomerMoveRequest(bench.tenant.id, bench.customer.id, move, now))


def cancel(bench: MovingBench, standing: Standing) -> None:
    """The letter finds its invoice set aside when it is about to be sent."""
    assert standing.message_id is not None
    with bench.database.tenant(bench.tenant.id) as session:
        messages.mark_cancelled(session, standing.message_id, "Set aside before it could be sent.")


def test_who_was_back_because_little_was_left_is_suspended_again_when_the_payment_is_reversed(database: Database) -> None:
    policy = {**factories.EVERY_DAY.to_data(), "lift_below": {"USD": 1000}}
    tenant = factories.make_tenant(database, dunning_policy=policy)
    bench = MovingBench.of(database, tenant)
    bench.suspend()
    payment = bench.pay("95")
    assert bench.held() == [], "5.00 of 100.00 is less than the 10.00 that the policy lifts below"
    reverse_payment(database, tenant, payment, LATER)
    assert bench.held() == [HoldReason.OVERDUE]


def test_the_suspension_letter_is_sent_although_its_invoice_was_paid_before_the_answer_came(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    lost = bench.suspend()
    bench.suspend(invoice=other)
    bench.pay("100")
    assert bench.held() == [HoldReason.OVERDUE], "the other invoice suspends"
    assert lost.message_id in bench.suspend().more_message_ids


def test_the_same_holds_when_a_broken_promise_suspends(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    for invoice in (bench.invoice, other):
        bench.suspend(invoice=invoice)
        bench.move(MoveKind.PAUSE, PROMISED_UNTIL, invoice=invoice)
    assert bench.held() == []
    lost = resume(bench, bench.invoice, MORNING_AFTER)
    resume(bench, other, MORNING_AFTER)
    bench.pay("100")
    assert lost.message_id is not None
    assert lost.message_id in resume(bench, bench.invoice, MORNING_AFTER).more_message_ids


def test_news_in_the_night_after_a_promise_does_not_let_it_be_forgotten(bench: MovingBench) -> None:
    bench.suspend()
    bench.move(MoveKind.PAUSE, PROMISED_UNTIL)
    half_past_midnight = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    bench.pay("10")
    waiting = look(bench, half_past_midnight).waiting
    assert waiting is not None
    assert waiting.until == MORNING_AFTER, "the policy's hour"
    resume(bench, bench.invoice, MORNING_AFTER)
    assert bench.held() == [HoldReason.OVERDUE]
    assert look(bench, MORNING_AFTER).waiting is None


def test_a_suspension_whose_answer_was_lost_is_not_taken_again_after_staff_let_the_customer_off(bench: MovingBench) -> None:
    bench.suspend()
    with bench.database.tenant(bench.tenant.id) as session:
        hold_id = holds.standing(session, bench.customer.id)[HoldReason.OVERDUE]
    customer_move(bench, CustomerMoveKind.LIFT_HOLD, NOW + timedelta(seconds=5), hold_id)
    again = bench.suspend()
    assert (bench.held(), again.is_suspending) == ([], False)


def test_a_policy_that_suspends_without_a_word_sends_no_letter(database: Database) -> None:
    steps = [{"offset": "P7D", "action": "final_warning"}, {"offset": "P14D", "action": "suspend", "letter": "none"}]
    tenant = factories.make_tenant(database, dunning_policy={**factories.EVERY_DAY.to_data(), "steps": steps})
    bench = MovingBench.of(database, tenant)
    assert bench.suspend(key="1-suspend").message_id is None
    assert (bench.held(), bench.letters()) == ([HoldReason.OVERDUE], [])


def test_a_letter_that_waits_is_dropped_when_its_invoice_is_extended(bench: MovingBench) -> None:
    warned = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    bench.move(MoveKind.EXTEND, date(2027, 1, 15), now=WARNING_DAY + timedelta(minutes=1))
    assert warned.message_id is not None
    with bench.database.tenant(bench.tenant.id) as session:
        assert not is_wanted(session, messages.get(session, warned.message_id), WARNING_DAY + timedelta(minutes=2))


def test_a_warning_that_came_to_nothing_is_given_again_also_under_a_later_due_day(bench: MovingBench) -> None:
    bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    bench.move(MoveKind.EXTEND, date(2027, 1, 15), now=WARNING_DAY + timedelta(days=1))
    second_day = datetime(2027, 1, 29, 8, tzinfo=UTC)
    second = bench.take("r2.3-final_warning", Action.FINAL_WARNING, now=second_day)
    bench.move(MoveKind.PAUSE, date(2027, 2, 10), now=second_day)
    cancel(bench, second)
    plan = bench.move(MoveKind.RESUME, now=second_day + timedelta(days=1)).plan or ()
    assert [step.key for step in plan][-2:] == ["r3.3-final_warning", "r3.4-suspend"]


def test_the_lifecycle_learns_of_a_plan_that_was_made_when_chasing_its_customer_was_resumed(bench: MovingBench) -> None:
    warned = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    customer_move(bench, CustomerMoveKind.BLOCK_CHASING, WARNING_DAY)
    cancel(bench, warned)
    customer_move(bench, CustomerMoveKind.RESUME_CHASING, WARNING_DAY + timedelta(hours=2))
    told = look(bench, WARNING_DAY + timedelta(hours=2)).plan or ()
    assert told == bench.plan()
    assert [step.key for step in told][-2:] == ["r2.3-final_warning", "r2.4-suspend"]


def test_who_paid_before_the_warning_went_out_is_warned_when_the_payment_is_reversed(bench: MovingBench) -> None:
    warned = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    payment = bench.pay("100")
    cancel(bench, warned)
    reverse_payment(bench.database, bench.tenant, payment, WARNING_DAY + timedelta(days=20))
    assert [step.key for step in bench.plan()][-2:] == ["r2.3-final_warning", "r2.4-suspend"]


def test_a_warning_that_nobody_sent_because_its_invoice_was_paid_does_not_wait_for_ever(bench: MovingBench) -> None:
    lost = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    bench.pay("100")
    again = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    assert again.more_message_ids == (lost.message_id,), "sent to be found pointless, and to be logged as that"


def test_a_lifecycle_that_is_brought_back_sends_what_the_lost_one_had_claimed(bench: MovingBench) -> None:
    claimed = bench.take("3-final_warning", Action.FINAL_WARNING, now=WARNING_DAY)
    with bench.database.tenant(bench.tenant.id) as session:
        start = start_after_reversal(session, bench.tenant.id, bench.detail(), WARNING_DAY)
    assert start.waiting_message_ids == (claimed.message_id,)
