"""News that comes after a payment was decided, while its saga or its letter is still under way."""

from datetime import UTC, datetime, timedelta

from activities.collecting import Collecting, StepRequest
from domain.dunning_ladder import Action
from domain.payment import Outcome, PaymentStatus
from domain.standing import BillingStatus
from sweeper import FORGOTTEN_AFTER, sweep_recorded
from tests.workflows.bench import Bench, eventually
from tests.workflows.engine import wall_clock
from tests.workflows.test_payment_recorded import SETTLED, bank_transfer
from workflows.payment import PaymentResult

LONG_AGO = datetime(2001, 1, 1, 12, 0, tzinfo=UTC)


async def test_money_that_comes_while_the_letter_of_failure_waits_for_the_mail_server_is_settled(bench: Bench) -> None:
    bench.engine.letters.rcpt = "451 try later"
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Cancelled")
    await bench.tell(payment, "whk_1")
    await eventually(lambda: bench.now_of(payment).status is PaymentStatus.FAILED, "the payment to fail")
    assert await bench.is_running(bench.saga(payment)), "its letter waits"

    bench.at_gateway(payment, "Paid")
    await bench.tell(payment, "whk_2")

    await eventually(lambda: bench.now_of(payment).status is PaymentStatus.SETTLED, "the money to settle")
    assert not bench.due(invoice)
    bench.engine.letters.rcpt = None
    await bench.forward(bench.saga(payment), timedelta(minutes=6))
    assert await bench.ended(bench.saga(payment)) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert "payment_failed CANCELLED" in bench.letters(invoice), "nobody is told of a failure that turned out paid"
    assert "payment_confirmation SENT" in bench.letters(invoice)


async def test_a_gateway_that_lags_behind_its_late_update_is_asked_until_it_says_the_same(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Cancelled")
    await bench.tell(payment, "whk_1")
    await bench.ended(bench.saga(payment))

    bench.at_gateway(payment, "Sent")
    await bench.tell(payment, "whk_2")
    late = bench.late_look(payment, "whk_2")
    await eventually(lambda: bench.attempt(payment).gateway_status == "Sent", "the first question")
    bench.at_gateway(payment, "Paid")
    await bench.forward(late, timedelta(seconds=10))

    assert await bench.ended(late) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)


async def test_late_news_that_stays_unclear_is_put_before_a_person(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Cancelled")
    await bench.tell(payment, "whk_1")
    await bench.ended(bench.saga(payment))

    bench.at_gateway(payment, "Sent")
    await bench.tell(payment, "whk_2")
    late = bench.late_look(payment, "whk_2")
    await bench.forward(late, timedelta(minutes=7))

    assert await bench.ended(late) == PaymentResult(PaymentStatus.FAILED, Outcome.PENDING)
    assert bench.reviews(payment) == ["OUTCOME_UNKNOWN"]


async def test_who_paid_while_the_answer_of_the_suspension_was_lost_is_let_back_in(bench: Bench) -> None:
    customer, invoice, _ = await bench.invoice_with_lifecycle()
    step = StepRequest(bench.tenant.id, invoice.id, customer.id, "4-suspend", Action.SUSPEND, wall_clock())
    Collecting(bench.database).take_step(step)
    assert bench.standing(customer, wall_clock()) is BillingStatus.SUSPENDED
    await bench.pay(invoice)

    again = Collecting(bench.database).take_step(step)

    assert (again.state, again.message_id) == ("PAID", None), "the payment has sent the letter that welcomes back"
    assert "reactivation_confirmation SENT" in bench.letters(invoice)
    assert bench.standing(customer, wall_clock()) is BillingStatus.ACTIVE


async def test_what_staff_recorded_and_nobody_settled_is_settled_by_the_sweeper(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    # Long ago, so that the sweep of the database that all tests share finds nothing else.
    payment = bank_transfer(bench, invoice, "25.00", at=LONG_AGO)
    assert await sweep_recorded(bench.database, bench.engine.workflows, LONG_AGO + FORGOTTEN_AFTER) == 0, "it may be under way"

    assert await sweep_recorded(bench.database, bench.engine.workflows, LONG_AGO + 2 * FORGOTTEN_AFTER) == 1

    assert await bench.ended(bench.recorded(payment)) == SETTLED
    assert await bench.ended(lifecycle) == "PAID"
