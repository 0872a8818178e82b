"""A payment whose gateway does not answer, answers wrongly or changes its mind: unknown is not failed, and nothing is lost."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.service import RPCError

from domain.payment import Outcome, PaymentStatus
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench
from workflows.payment import PaymentResult

SETTLED = PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
A_DAY = timedelta(hours=24, minutes=1)


@pytest.fixture
def rare_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice a day instead of 96 times, each of which costs the server a second; `test_payment.py` holds the true pace."""
    monkeypatch.setattr("workflows.payment.POLL_EVERY", timedelta(hours=12))


async def test_a_lost_answer_to_the_checkout_is_traced_and_never_charged_twice(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    bench.arm("remote", "drop_after_effect")
    assert await bench.checkout(payment) is Outcome.PENDING
    assert len(bench.transactions(payment)) == 1
    bench.at_gateway(payment, "Paid")
    await bench.tell(payment)
    assert await bench.ended(bench.saga(payment)) == SETTLED
    assert len(bench.transactions(payment)) == 1


async def test_an_unknown_checkout_is_looked_up_until_the_gateway_tells(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    bench.arm("remote", "drop_after_effect")
    bench.arm("trace", "http_500", times=3)
    assert await bench.checkout(payment) is Outcome.UNKNOWN
    assert bench.now_of(payment).status is PaymentStatus.PENDING
    bench.at_gateway(payment, "Paid")
    await bench.tell(payment)
    assert await bench.ended(bench.saga(payment)) == SETTLED
    assert len(bench.transactions(payment)) == 1


async def test_a_checkout_that_the_gateway_surely_never_got_is_sent_again_under_the_same_trace(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    bench.arm("remote", "http_500")
    assert await bench.checkout(payment) is Outcome.PENDING
    assert len(bench.transactions(payment)) == 1
    assert bench.transactions(payment)[0]["merchanttrace"] == bench.attempt(payment).id


@pytest.mark.usefixtures("rare_polls")
async def test_a_payment_that_nobody_makes_expires_after_24_hours_when_it_was_asked_one_last_time(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    saga = bench.saga(payment)
    await bench.forward(saga, A_DAY)
    assert await bench.ended(saga) == PaymentResult(PaymentStatus.FAILED, Outcome.PENDING)
    assert bench.now_of(payment).failure_reason == "Payment expired after 24 hours"
    waits = await bench.timers_of(saga)
    assert timedelta(hours=24) - sum(waits, timedelta()) < timedelta(minutes=1), "the last time was at 24 hours"
    assert (await bench.activities_of(saga)).count("settling.confirm") == len(waits)
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_failed SENT")
    assert bench.inbox(customer)[-1].startswith("Payment Failed")
    assert await bench.is_running(lifecycle)
    histories.keep("payment_expired", await saga.fetch_history())


@pytest.mark.usefixtures("rare_polls")
async def test_money_that_comes_after_the_payment_expired_still_settles(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    await bench.forward(bench.saga(payment), A_DAY)
    bench.at_gateway(payment, "Paid")
    await bench.tell(payment, "whk_late")
    late = bench.late_look(payment, "whk_late")
    assert await bench.ended(late) == SETTLED
    assert bench.now_of(payment).status is PaymentStatus.SETTLED
    assert await bench.ended(lifecycle) == "PAID"
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_failed SENT", "payment_confirmation SENT")
    assert bench.inbox(customer)[-1] == f"Payment Received - {invoice.number}"
    histories.keep("late_payment", await late.fetch_history())


@pytest.mark.usefixtures("rare_polls")
async def test_a_gateway_that_is_down_all_day_leaves_the_payment_pending_for_a_person_to_look_at(bench: Bench) -> None:
    invoice = bench.invoice(bench.customer())
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.arm("poll", "http_500", times=1000)
    saga = bench.saga(payment)
    await bench.forward(saga, A_DAY)
    assert (await bench.ended(saga)).status is PaymentStatus.PENDING
    assert bench.now_of(payment).status is PaymentStatus.PENDING
    assert bench.reviews(payment) == ["OUTCOME_UNKNOWN"]
    assert bench.letters(invoice) == []
    histories.keep("payment_never_answered", await saga.fetch_history())


@pytest.mark.usefixtures("rare_polls")
async def test_a_word_that_nobody_knows_is_no_failure_and_a_person_looks_at_it_after_a_day(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    await bench.checkout(payment)
    bench.at_gateway(payment, "Under Observation")
    saga = bench.saga(payment)
    await bench.forward(saga, A_DAY)
    assert await bench.ended(saga) == PaymentResult(PaymentStatus.PENDING, Outcome.UNKNOWN)
    assert bench.reviews(payment) == ["OUTCOME_UNKNOWN"]
    bench.at_gateway(payment, "Paid")
    await bench.tell(payment, "whk_late")
    assert await bench.ended(bench.late_look(payment, "whk_late")) == SETTLED


async def test_another_amount_than_was_asked_for_is_not_settled_but_shown_to_a_person(bench: Bench) -> None:
    invoice = bench.invoice(bench.customer())
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Paid")
    bench.arm("poll", "amount_changed")
    status = await bench.engine.workflows.ask_gateway_now(payment.id, "ask-1")
    assert status is PaymentStatus.PENDING
    assert bench.reviews(payment) == ["MISMATCH"]
    assert bench.due(invoice) == invoice.total
    assert bench.ledger_entries(payment.id) == 0


@pytest.mark.parametrize(("word", "reason"), [("Disputed", "DISPUTED"), ("Refunded", "REFUNDED")])
async def test_what_happens_to_settled_money_is_for_a_person_to_decide(bench: Bench, word: str, reason: str) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    bench.at_gateway(payment, word)
    await bench.tell(payment, f"whk_{word}")
    await bench.ended(bench.late_look(payment, f"whk_{word}"))
    assert bench.reviews(payment) == [reason]
    assert bench.now_of(payment).status is PaymentStatus.SETTLED
    assert bench.due(invoice) == factories.usd("0.00")


async def test_a_settled_payment_that_the_gateway_later_calls_failed_is_shown_to_a_person(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    bench.at_gateway(payment, "Failed")
    await bench.tell(payment, "whk_2")
    await bench.ended(bench.late_look(payment, "whk_2"))
    assert bench.reviews(payment) == ["CONTRADICTION"]
    assert bench.now_of(payment).status is PaymentStatus.SETTLED


async def test_an_older_answer_that_comes_late_does_not_undo_a_settlement(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    bench.arm("poll", "out_of_order")
    await bench.tell(payment, "whk_2")
    assert await bench.ended(bench.late_look(payment, "whk_2")) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert bench.now_of(payment).status is PaymentStatus.SETTLED
    assert bench.attempt(payment).outcome is Outcome.PAID
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_confirmation SENT")


async def test_whoever_asks_hears_that_the_gateway_was_silent_rather_than_an_old_answer(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    await bench.checkout(payment)
    bench.at_gateway(payment, "Paid")
    bench.arm("poll", "http_500", times=4)
    assert await bench.engine.workflows.ask_gateway_now(payment.id, "in-the-dark") is None
    assert bench.now_of(payment).status is PaymentStatus.PENDING
    assert await bench.engine.workflows.ask_gateway_now(payment.id, "by-light") is PaymentStatus.SETTLED


@pytest.mark.usefixtures("rare_polls")
async def test_a_saga_that_is_asked_while_it_gives_up_ends_all_the_same(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    await bench.checkout(payment)
    saga = bench.saga(payment)
    await bench.forward(saga, timedelta(hours=23, minutes=59))
    bench.at_gateway(payment, "Under Observation")
    bench.arm("poll", "http_500", times=4)
    await bench.forward(saga, timedelta(minutes=2))
    workflows = bench.engine.workflows
    asking = [asyncio.create_task(workflows.ask_gateway_now(payment.id, f"ask-{number}")) for number in range(2)]
    await bench.tell(payment, "whk_1")
    with suppress(RPCError):  # it has ended
        for _ in range(6):
            await bench.forward(saga, timedelta(minutes=6))
    await asyncio.gather(*asking)
    assert (await bench.ended(saga)).status is PaymentStatus.PENDING
    assert bench.reviews(payment)
