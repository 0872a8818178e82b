"""A payment's saga: from checkout to settlement by either door, and to its failure."""

import asyncio
from datetime import timedelta

import pytest

from domain.payment import Outcome, PaymentStatus
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import DECLINES, HAS_NO_MONEY, PAYS_SOON, Bench
from workflows.payment import PaymentResult

MOST_EVENTS = 45
SETTLED = PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)


async def test_a_checkout_tells_the_payer_what_to_do(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    assert await bench.checkout(payment) is Outcome.PENDING
    checkout = bench.attempt(payment).checkout
    assert checkout is not None
    assert checkout["instructions"].startswith("Dial *151*2*4# and enter your EcoCash PIN")
    assert bench.now_of(payment).status is PaymentStatus.PENDING


async def test_a_webhook_settles_the_payment_and_closes_the_invoice(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice, phone=PAYS_SOON)
    await bench.checkout(payment)
    await bench.until_at_gateway(payment, "Paid")
    await bench.tell(payment)
    saga = bench.saga(payment)
    assert await bench.ended(saga) == SETTLED
    assert bench.due(invoice) == factories.usd("0.00")
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.inbox(customer)[-1] == f"Payment Received - {invoice.number}"
    assert bench.audited(payment.id) == ["PAYMENT_INITIATED", "ONLINE_PAYMENT_RECEIVED"]
    histories.keep("payment_by_webhook", await saga.fetch_history())


async def test_a_saga_costs_at_most_45_events(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    assert await bench.events(bench.saga(payment)) <= MOST_EVENTS


async def test_a_poll_after_5_minutes_settles_what_no_webhook_ever_told(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice, phone=PAYS_SOON)
    await bench.checkout(payment)
    await bench.until_at_gateway(payment, "Paid")
    saga = bench.saga(payment)
    await bench.forward(saga, timedelta(minutes=5, seconds=1))
    assert await bench.ended(saga) == SETTLED
    histories.keep("payment_by_poll", await saga.fetch_history())


async def test_a_payment_is_asked_for_from_5_minutes_on_every_15_minutes(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    await bench.checkout(payment)
    saga = bench.saga(payment)
    await bench.forward(saga, timedelta(minutes=36))
    assert await bench.timers_of(saga) == [timedelta(minutes=minutes) for minutes in (5, 15, 15, 15)]
    assert (await bench.activities_of(saga)).count("settling.confirm") == 3


@pytest.mark.parametrize("told", ["by a webhook", "by a poll"])
async def test_a_declined_payment_fails_and_its_payer_is_told(bench: Bench, told: str) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice, phone=DECLINES)
    await bench.checkout(payment)
    await bench.until_at_gateway(payment, "Failed")
    saga = bench.saga(payment)
    if told == "by a webhook":
        await bench.tell(payment)
    else:
        await bench.forward(saga, timedelta(minutes=5, seconds=1))
    assert await bench.ended(saga) == PaymentResult(PaymentStatus.FAILED, Outcome.DECLINED)
    assert bench.now_of(payment).failure_reason == "The payment was cancelled or refused before any money moved."
    assert bench.inbox(customer)[-1].startswith("Payment Failed")
    assert bench.due(invoice) == invoice.total
    assert await bench.is_running(lifecycle)
    histories.keep("payment_declined", await saga.fetch_history())


async def test_an_insufficient_balance_fails_at_once_with_the_gateways_reason(bench: Bench) -> None:
    invoice = bench.invoice(bench.customer())
    payment = bench.payment(invoice, phone=HAS_NO_MONEY)
    assert await bench.checkout(payment) is Outcome.DECLINED
    assert await bench.ended(bench.saga(payment)) == PaymentResult(PaymentStatus.FAILED, Outcome.DECLINED)
    assert bench.now_of(payment).failure_reason == "Insufficient balance"


async def test_the_same_update_told_five_times_at_once_settles_once(bench: Bench) -> None:
    customer, invoice, _ = await bench.invoice_with_lifecycle()
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Paid")
    bench.late_look(payment, "whk_1")
    await asyncio.gather(*(bench.tell(payment) for _ in range(5)))
    assert await bench.ended(bench.saga(payment)) == SETTLED
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_confirmation SENT")
    assert bench.ledger_entries(payment.id) == 1
    assert bench.audited(payment.id).count("ONLINE_PAYMENT_RECEIVED") == 1
    assert len(bench.inbox(customer)) == 2


async def test_two_payments_of_one_invoice_are_both_confirmed_and_the_second_becomes_credit(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    first, second = bench.payment(invoice), bench.payment(invoice)
    for payment in (first, second):
        await bench.checkout(payment)
        bench.at_gateway(payment, "Paid")
    for payment in (first, second):
        await bench.tell(payment)
        assert await bench.ended(bench.saga(payment)) == SETTLED
    assert bench.now_of(first).credited == factories.usd("0.00")
    assert bench.now_of(second).credited == factories.usd("25.00")
    assert await bench.ended(lifecycle) == "PAID"
    assert [subject for subject in bench.inbox(customer) if subject.startswith("Payment Received")] == [
        f"Payment Received - {invoice.number}"
    ] * 2


async def test_the_saga_asks_at_once_when_a_person_wants_to_know(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    await bench.checkout(payment)
    ask = bench.engine.workflows.ask_gateway_now
    assert await ask(payment.id, "ask-1") is PaymentStatus.PENDING
    bench.at_gateway(payment, "Paid")
    assert await ask(payment.id, "ask-2") is PaymentStatus.SETTLED


async def test_asking_about_a_payment_without_a_saga_finds_nobody_to_ask(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    assert await bench.engine.workflows.ask_gateway_now(payment.id, "ask-1") is None


async def test_a_checkout_asked_for_twice_is_one_transaction_at_the_gateway(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    answers = tuple(await asyncio.gather(bench.checkout(payment), bench.checkout(payment)))
    assert answers == (Outcome.PENDING, Outcome.PENDING)
    assert len(bench.transactions(payment)) == 1


async def test_a_checkout_asked_for_again_when_all_is_over_has_the_same_answer(bench: Bench) -> None:
    invoice = bench.invoice(bench.customer())
    payment = await bench.pay(invoice)
    assert await bench.checkout(payment) is Outcome.PENDING
    assert len(bench.transactions(payment)) == 1
