"""A payment taken back: its invoice is chased again, one letter at a time, and whom it had let back in is held again."""

import asyncio
from datetime import timedelta

import pytest

from domain.customer import Customer
from domain.errors import ConflictError
from domain.invoice import Invoice, InvoiceState
from domain.payment import PaymentMethod, PaymentStatus
from domain.standing import BillingStatus
from persistence import audit, payments
from persistence.payments import Payment
from tests import factories
from tests.factories import usd
from tests.workflows import histories
from tests.workflows.bench import Bench, Handle, eventually, policy
from tests.workflows.engine import wall_clock
from tests.workflows.test_payment_recorded import bank_transfer, record
from workflows import names
from workflows.invoice_lifecycle import InvoiceLifecycle, PaymentSettled
from workflows.payment_reversal import PaymentReversal

REASON = "The bank returned the transfer to Nyaradzo Chikwanha."


def reversal(bench: Bench, payment: Payment) -> Handle:
    return bench._seen(names.reversal_id(payment.id), PaymentReversal.run)


async def reverse(bench: Bench, payment: Payment) -> None:
    """As the API has it done: staff's wish on record, and then the workflow."""
    with bench.database.tenant(bench.tenant.id) as session:
        audit.record(session, wall_clock(), "Chipo", audit.REVERSAL_REQUESTED, "Payment", payment.id, reason=REASON)
    reversal(bench, payment)
    await bench.engine.workflows.reverse_payment(bench.tenant.id, payment.id)


async def pay(bench: Bench, invoice: Invoice, amount: str = "25.00") -> Payment:
    """A bank transfer that was recorded and settled."""
    payment = bank_transfer(bench, invoice, amount)
    await record(bench, payment, invoice)
    await bench.ended(bench.recorded(payment))
    return bench.now_of(payment)


def old_invoice(bench: Bench, *, days: int) -> tuple[Customer, Invoice]:
    """One that was issued so many days ago, due two weeks later."""
    customer = bench.customer()
    issued_at = wall_clock() - timedelta(days=days)
    return customer, factories.issue_invoice(bench.database, bench.tenant, customer, amount=usd("25"), issued_at=issued_at)


async def test_an_invoice_whose_payment_is_taken_back_after_months_is_warned_once_and_given_the_policys_week(
    bench: Bench,
) -> None:
    customer, invoice = old_invoice(bench, days=90)
    payment = await pay(bench, invoice)
    await bench.begin_lifecycles()
    assert await bench.ended(bench.lifecycle(invoice)) == "PAID"

    await reverse(bench, payment)

    assert await bench.ended(reversal(bench, payment)) is True
    expected = ["payment_confirmation SENT", "invoice_issued SENT", "final_warning SENT"]
    await eventually(lambda: sorted(bench.letters(invoice)) == sorted(expected), "the warning")
    assert bench.steps(invoice) == [("3-final_warning", "TAKEN")]
    assert bench.detail(invoice).invoice.state is InvoiceState.OPEN
    assert (await bench.lifecycle(invoice).describe()).typed_search_attributes[names.INVOICE_STATE] == "FINAL_WARNING"
    await bench.forward(bench.lifecycle(invoice), timedelta(days=6))
    assert bench.steps(invoice) == [("3-final_warning", "TAKEN")]
    await bench.forward(bench.lifecycle(invoice), timedelta(days=2))
    assert bench.standing(customer, wall_clock()) is BillingStatus.SUSPENDED
    histories.keep("payment_reversed", await reversal(bench, payment).fetch_history())
    await pay(bench, invoice)
    assert await bench.ended(bench.lifecycle(invoice)) == "PAID"
    histories.keep("lifecycle_reopened", await bench.lifecycle(invoice).fetch_history())


async def test_no_step_is_taken_and_no_letter_sent_a_second_time(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3))
    payment = await pay(bench, invoice)
    assert await bench.ended(lifecycle) == "PAID"
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 0))
    assert bench.letters(invoice) == [
        "invoice_issued SENT",
        "payment_reminder SENT",
        "payment_confirmation SENT",
        "overdue_notice SENT",
    ]
    assert bench.steps(invoice) == [("0-remind", "TAKEN"), ("1-overdue_notice", "TAKEN")]


async def test_a_customer_whom_the_payment_had_let_back_in_is_suspended_again_and_let_in_by_the_next(bench: Bench) -> None:
    bench.tenant = factories.make_tenant(bench.database, dunning_policy=policy(("P1D", "final_warning"), ("P7D", "suspend")))
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 7))
    payment = await pay(bench, invoice)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.standing(customer, wall_clock()) is BillingStatus.ACTIVE

    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    assert bench.standing(customer, wall_clock()) is BillingStatus.SUSPENDED
    assert [letter for letter in bench.letters(invoice) if "suspension" in letter] == ["suspension_notice SENT"] * 2

    await pay(bench, invoice)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.standing(customer, wall_clock()) is BillingStatus.ACTIVE
    assert bench.audited(customer.id) == ["CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED"] * 2


async def test_a_lifecycle_that_still_runs_is_told_and_goes_on(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    payment = await pay(bench, invoice, "10.00")
    first_run = (await lifecycle.describe()).run_id
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    await bench.forward(lifecycle, timedelta(seconds=1))
    assert (await lifecycle.query(InvoiceLifecycle.standing)).amount_due == usd("25")
    assert (await lifecycle.describe()).run_id == first_run


async def test_a_lifecycle_that_waits_for_its_last_letter_only_takes_up_the_chase_again(bench: Bench) -> None:
    customer = bench.customer()
    invoice = bench.invoice(customer)
    bench.engine.letters.rcpt = f"451 4.7.1 <{customer.email}>: greylisted, try later"
    await bench.begin_lifecycles()
    lifecycle = bench.lifecycle(invoice)
    payment = bank_transfer(bench, invoice, "25.00")
    await record(bench, payment, invoice)
    await eventually(lambda: bench.now_of(payment).status is PaymentStatus.SETTLED, "the payment")
    first_run = (await lifecycle.describe()).run_id
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    bench.engine.letters.rcpt = None
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3))
    assert (await lifecycle.describe()).run_id == first_run
    assert bench.steps(invoice) == [("0-remind", "TAKEN")]
    assert await bench.is_running(lifecycle)


async def test_news_of_money_that_is_older_than_the_reversal_closes_nothing(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = await pay(bench, invoice)
    await bench.ended(lifecycle)
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    await lifecycle.signal(InvoiceLifecycle.payment_settled, PaymentSettled(payment.id, usd("0")))
    await bench.forward(lifecycle, timedelta(seconds=1))
    assert await bench.is_running(lifecycle)
    assert bench.due(invoice) == usd("25")


async def test_a_refusal_is_told_and_the_reversal_can_be_tried_again_when_its_cause_is_gone(bench: Bench) -> None:
    customer, invoice, _ = await bench.invoice_with_lifecycle("25.00")
    overpaid = await pay(bench, invoice, "40.00")
    other = bench.invoice(customer, "15.00")
    used = from_credit(bench, other, "15.00")
    await record(bench, used, other)
    await bench.ended(bench.recorded(used))
    with pytest.raises(ConflictError, match=f"reverse {used.id} over USD 15.00 first"):
        await reverse(bench, overpaid)
    assert await bench.ended(reversal(bench, overpaid)) is False
    await reverse(bench, used)
    await reverse(bench, overpaid)
    assert bench.now_of(overpaid).status is PaymentStatus.REVERSED
    assert (bench.due(invoice), bench.due(other)) == (usd("25"), usd("15"))


async def test_two_who_reverse_at_once_reverse_once_also_when_the_workers_are_away_at_first(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await pay(bench, invoice)
    await bench.engine.staff.stop()
    asked = [asyncio.create_task(reverse(bench, payment)) for _ in range(2)]
    await bench.engine.staff.start()
    await asyncio.gather(*asked)
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    assert bench.ledger_entries(payment.id) == 2
    assert bench.audited(payment.id).count("PAYMENT_REVERSED") == 1


async def test_what_staff_write_does_not_come_into_the_history(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await pay(bench, invoice)
    await reverse(bench, payment)
    await bench.ended(reversal(bench, payment))
    assert histories.holding([await reversal(bench, payment).fetch_history()], [REASON, "Chipo"]) == []
    assert bench.now_of(payment).reversal_reason == REASON


def from_credit(bench: Bench, invoice: Invoice, amount: str) -> Payment:
    with bench.database.tenant(bench.tenant.id) as session:
        return payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=PaymentMethod.CREDIT,
            amount=usd(amount),
            actor="Chipo",
            now=wall_clock(),
        )


async def test_credit_that_was_used_otherwise_meanwhile_fails_and_nobody_is_written_to(bench: Bench) -> None:
    customer, invoice, _ = await bench.invoice_with_lifecycle("25.00")
    await pay(bench, invoice, "35.00")
    other = bench.invoice(customer, "50.00")
    first, second = from_credit(bench, other, "8.00"), from_credit(bench, other, "8.00")
    for payment in (first, second):
        await record(bench, payment, other)
        await bench.ended(bench.recorded(payment))
    assert bench.now_of(first).status is PaymentStatus.SETTLED
    failed = bench.now_of(second)
    assert (failed.status, failed.failure_reason) == (
        PaymentStatus.FAILED,
        "The customer's credit is USD 2.00: USD 8.00 cannot be applied.",
    )
    assert bench.due(other) == usd("42")
    assert bench.letters(other) == ["payment_confirmation SENT"]
    assert bench.audited(first.id) == ["PAYMENT_INITIATED", "CREDIT_APPLIED"]
