"""An invoice's life as a diary: what its customer gets and how its account stands, from the issue to the last cent."""

from datetime import timedelta

from domain.money import Money
from domain.standing import BillingStatus
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench, eventually
from workflows import names
from workflows.invoice_lifecycle import InvoiceLifecycle, PaymentSettled

MOST_EVENTS_WHEN_PAID_EARLY = 24


async def test_the_diary_of_an_invoice_that_is_paid_only_after_suspension(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    expected = ["invoice_issued SENT"]
    await bench.letters_are(invoice, *expected)
    diary = [
        (-3, "payment_reminder", "REMIND", BillingStatus.ACTIVE),
        (0, "overdue_notice", "OVERDUE_NOTICE", BillingStatus.ACTIVE),
        (7, "overdue_notice", "OVERDUE_NOTICE", BillingStatus.PAST_DUE),
        (14, "final_warning", "FINAL_WARNING", BillingStatus.PAST_DUE),
        (21, "suspension_notice", "SUSPEND", BillingStatus.SUSPENDED),
    ]
    for day, letter, state, standing in diary:
        at = bench.hour_after_step(invoice, day)
        await bench.forward(lifecycle, at)
        expected.append(f"{letter} SENT")
        await bench.letters_are(invoice, *expected)
        assert (await lifecycle.describe()).typed_search_attributes[names.INVOICE_STATE] == state
        assert bench.standing(customer, at) is standing

    await bench.pay(invoice)

    assert await bench.ended(lifecycle) == "PAID"
    await bench.letters_are(invoice, *expected, "payment_confirmation SENT", "reactivation_confirmation SENT")
    assert bench.standing(customer, bench.hour_after_step(invoice, 22)) is BillingStatus.ACTIVE
    assert bench.audited(customer.id) == ["CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED"]
    assert bench.inbox(customer)[:2] == [
        f"Invoice {invoice.number} - {bench.tenant.name}",
        f"Payment Reminder: Invoice {invoice.number}",
    ]
    assert len(bench.inbox(customer)) == 8
    histories.keep("lifecycle_suspended_and_reactivated", await lifecycle.fetch_history())


async def test_an_invoice_paid_before_its_first_reminder_costs_one_letter_and_at_most_24_events(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.pay(invoice)
    assert await bench.ended(lifecycle) == "PAID"
    await bench.letters_are(invoice, "invoice_issued SENT", "payment_confirmation SENT")
    assert len(bench.inbox(customer)) == 2
    assert bench.steps(invoice) == []
    assert await bench.events(lifecycle) <= MOST_EVENTS_WHEN_PAID_EARLY
    histories.keep("lifecycle_paid_early", await lifecycle.fetch_history())


async def test_an_invoice_paid_when_it_is_overdue_gets_no_further_letter(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 0))
    await bench.pay(invoice)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.letters(invoice) == [
        "invoice_issued SENT",
        "payment_reminder SENT",
        "overdue_notice SENT",
        "payment_confirmation SENT",
    ]


async def test_the_search_attribute_tells_the_next_step_and_nothing_when_there_is_none(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    attributes = (await lifecycle.describe()).typed_search_attributes
    assert attributes[names.NEXT_ACTION_AT] == bench.hour_after_step(invoice, -3) - timedelta(hours=1)
    assert attributes[names.INVOICE_STATE] == "OPEN"
    await bench.pay(invoice)
    await bench.ended(lifecycle)
    assert (await lifecycle.describe()).typed_search_attributes[names.INVOICE_STATE] == "PAID"


async def test_a_part_payment_does_not_stop_the_chase_and_the_next_letter_asks_for_the_rest(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    await bench.pay(invoice, "10.00")
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3))
    await eventually(lambda: len(bench.inbox(customer)) == 3, "the reminder")
    reminder = next(mail for mail in bench.engine.letters.seen if customer.email and customer.email in str(mail["To"])
                    and "Reminder" in str(mail["Subject"]))  # fmt: skip
    body = reminder.get_body(("plain",))
    assert body is not None
    assert "15.00" in body.get_content()
    assert await bench.is_running(lifecycle)


async def test_news_of_the_same_payment_is_looked_at_once(bench: Bench) -> None:
    _, _, lifecycle = await bench.invoice_with_lifecycle("25.00")

    async def looks_after(payment_id: str) -> int:
        await lifecycle.signal(InvoiceLifecycle.payment_settled, PaymentSettled(payment_id, Money(10_00, "USD")))
        await bench.forward(lifecycle, timedelta(seconds=1))
        return (await bench.activities_of(lifecycle)).count("collecting.look_again")

    assert await looks_after("pay_1") == 1
    assert await looks_after("pay_1") == 1
    assert await looks_after("pay_2") == 2
    standing = await lifecycle.query(InvoiceLifecycle.standing)
    assert standing.amount_due == factories.usd("25.00"), "the database knows best"
    news = PaymentSettled("pay_2", Money(5_00, "USD"))
    await lifecycle.signal(InvoiceLifecycle.payment_settled, news)
    await bench.forward(lifecycle, timedelta(seconds=1))
    assert (await bench.activities_of(lifecycle)).count("collecting.look_again") == 3, "further money under its reference"


async def test_a_reminder_that_could_not_be_sent_yet_is_cancelled_when_the_invoice_is_paid_meanwhile(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.letters_are(invoice, "invoice_issued SENT")
    bench.engine.letters.rcpt = f"451 4.7.1 <{customer.email}>: greylisted, try later"
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3) - timedelta(minutes=59))
    assert bench.letters(invoice) == ["invoice_issued SENT", "payment_reminder QUEUED"]
    bench.engine.letters.rcpt = None
    await bench.pay(invoice)
    await bench.forward(lifecycle, timedelta(minutes=6))
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.letters(invoice) == [
        "invoice_issued SENT",
        "payment_reminder CANCELLED",
        "payment_confirmation SENT",
    ]


async def test_a_lifecycle_goes_on_where_it_was_when_its_worker_is_replaced(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3))
    await bench.engine.staff.stop()
    await bench.engine.staff.start()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 0))
    await bench.pay(invoice)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.letters(invoice) == [
        "invoice_issued SENT",
        "payment_reminder SENT",
        "overdue_notice SENT",
        "payment_confirmation SENT",
    ]
