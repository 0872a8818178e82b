"""Three invoices of one customer: one letter a day of each kind over the whole ladder, counted in the inbox (pains 6)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.customer import Customer
from domain.invoice import Invoice
from domain.letters import Letter
from persistence import messages
from persistence.database import Database
from tests import factories
from tests.workflows.bench import Bench, eventually
from tests.workflows.engine import Engine

LADDER = [
    "Payment Reminder: 3 invoices",
    "OVERDUE: 3 invoices",
    "OVERDUE: 3 invoices",
    "FINAL WARNING: 3 invoices",
    "Account Suspended - Immediate Action Required",
]


@pytest.fixture
def sparing(engine: Engine, database: Database, bench: Bench) -> Bench:
    """The bench's business under a policy that writes one letter of a kind a day."""
    policy = replace(factories.EVERY_DAY, one_letter_a_day=True)
    bench.tenant = factories.make_tenant(database, dunning_policy=policy.to_data())
    factories.make_account(database, bench.tenant)
    return bench


async def three_invoices(bench: Bench) -> tuple[Customer, list[Invoice]]:
    customer = bench.customer()
    late = [bench.invoice(customer, amount) for amount in ("25.00", "40.00", "9.99")]
    await bench.begin_lifecycles()
    return customer, late


def reminders(bench: Bench, customer: Customer) -> list[str]:
    """What the customer got besides the invoices themselves."""
    return [subject for subject in bench.inbox(customer) if not subject.startswith("Invoice ")]


async def until_day(bench: Bench, late: list[Invoice], days: int) -> None:
    """Let the time of all lifecycles run at once to an hour after the steps of a day, counted from the due day."""
    await asyncio.gather(*(bench.forward(bench.lifecycle(one), bench.hour_after_step(one, days)) for one in late))


async def test_three_invoices_are_chased_with_one_letter_a_step(sparing: Bench) -> None:
    customer, late = await three_invoices(sparing)
    for days, letters in ((-3, 1), (0, 2), (7, 3), (14, 4), (21, 5)):
        await until_day(sparing, late, days)
        assert reminders(sparing, customer) == LADDER[:letters]
    for invoice in late:
        assert [outcome for _, outcome in sparing.steps(invoice)] == ["TAKEN"] * 5
        chased = [letter for letter in sparing.letters(invoice) if not letter.startswith(("invoice", "suspension"))]
        assert chased == [
            "payment_reminder SENT", "overdue_notice SENT", "overdue_notice SENT", "final_warning SENT",
        ]  # fmt: skip


async def test_what_is_paid_between_two_letters_is_missing_in_the_second(sparing: Bench) -> None:
    customer, late = await three_invoices(sparing)
    await until_day(sparing, late, 0)
    await sparing.pay(late[0])
    await until_day(sparing, late[1:], 7)
    got = [subject for subject in reminders(sparing, customer) if not subject.startswith("Payment Received")]
    assert got == ["Payment Reminder: 3 invoices", "OVERDUE: 3 invoices", "OVERDUE: 2 invoices"]


async def test_the_letter_of_an_invoice_that_is_paid_before_the_mail_server_is_back_goes_out_for_the_others(
    sparing: Bench,
) -> None:
    customer, late = await three_invoices(sparing)
    await until_day(sparing, late, -3)
    sparing.engine.letters.rcpt = "451 Try again later"
    await until_day(sparing, late, 0)
    with sparing.database.tenant(sparing.tenant.id) as session:
        (letter,) = [found for found in messages.of_invoice(session, late[0].id) if found.letter is Letter.OVERDUE_NOTICE]
    claimer = next(one for one in late if one.id == letter.invoice_id)
    payment = sparing.payment(claimer)
    await sparing.checkout(payment)
    sparing.at_gateway(payment, "Paid")
    await sparing.tell(payment)
    await eventually(lambda: sparing.due(claimer).minor == 0 or None, "the invoice is paid")
    assert await sparing.is_running(sparing.lifecycle(claimer)), "it has a letter to send"
    sparing.engine.letters.rcpt = None
    await sparing.forward(sparing.lifecycle(claimer), timedelta(hours=1))
    assert await sparing.ended(sparing.lifecycle(claimer)) == "PAID"
    assert "OVERDUE: 2 invoices" in reminders(sparing, customer)
    assert "OVERDUE: 3 invoices" not in reminders(sparing, customer)
