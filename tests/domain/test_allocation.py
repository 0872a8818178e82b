"""Which invoices a received amount pays; what is left over is credit, and nothing is lost (pains 12, 13; requirements P9)."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import allocate
from domain.invoice import Invoice, InvoiceState
from domain.money import Money, total


@st.composite
def books(draw: st.DrawFn) -> list[Invoice]:
    """Invoices of one customer, open and closed, in two currencies, partly paid, in any order."""
    invoices = []
    for index in range(draw(st.integers(0, 8))):
        state = draw(st.sampled_from(InvoiceState))
        currency = draw(st.sampled_from(["USD", "USD", "ZAR"]))
        gross = draw(st.integers(1, 10_000))
        due = draw(st.integers(1, gross)) if state is InvoiceState.OPEN else 0
        due_on = draw(st.dates(date(2026, 11, 1), date(2026, 11, 4)))
        number = f"CVT-{index:06d}"
        invoices.append(Invoice(f"inv_{index}", "cus_1", number, due_on, Money(gross, currency), Money(due, currency), state))
    return draw(st.permutations(invoices))


received = st.builds(Money, st.integers(1, 40_000), st.just("USD"))


def invoice(number: int, due: int, *, due_on: int = 15, currency: str = "USD") -> Invoice:
    amount = Money(due, currency)
    return Invoice(f"inv_{number}", "cus_1", f"CVT-{number}", date(2026, 11, due_on), amount, amount, InvoiceState.OPEN)


@given(received, books(), st.none() | st.integers(0, 7))
def test_parts_and_credit_make_what_was_received_and_no_invoice_gets_more_than_is_due(
    amount: Money, invoices: list[Invoice], linked: int | None
) -> None:
    plan = allocate(amount, None if linked is None else f"inv_{linked}", invoices)
    due = {item.id: item.amount_due for item in invoices if item.state is InvoiceState.OPEN}
    assert total([part for _, part in plan.parts], "USD") + plan.credit == amount
    assert plan.credit.minor >= 0
    assert all(Money.zero("USD") < part <= due[invoice_id] for invoice_id, part in plan.parts)
    assert len({invoice_id for invoice_id, _ in plan.parts}) == len(plan.parts)


@given(received, books())
def test_without_a_link_credit_is_left_only_when_everything_is_paid(amount: Money, invoices: list[Invoice]) -> None:
    plan = allocate(amount, None, invoices)
    owed = total([item.amount_due for item in invoices if item.amount_due.currency == "USD"], "USD")
    assert plan.credit == max(amount - owed, Money.zero("USD"))


@given(received, books())
def test_an_older_invoice_is_paid_in_full_before_a_younger_one_gets_anything(amount: Money, invoices: list[Invoice]) -> None:
    plan = allocate(amount, None, invoices)
    by_id = {item.id: item for item in invoices}
    paid = [(by_id[invoice_id], part) for invoice_id, part in plan.parts]
    assert [item.id for item, _ in paid] == [
        item.id for item in sorted((item for item, _ in paid), key=lambda item: (item.due_on, item.number))
    ]
    assert all(part == item.amount_due for item, part in paid[:-1])


@given(received, books(), st.data())
def test_the_order_in_which_invoices_are_read_plays_no_part(
    amount: Money, invoices: list[Invoice], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(invoices))
    assert allocate(amount, None, shuffled) == allocate(amount, None, invoices)


@given(received, books(), st.integers(0, 9))
def test_a_linked_payment_pays_its_invoice_only(amount: Money, invoices: list[Invoice], linked: int) -> None:
    plan = allocate(amount, f"inv_{linked}", invoices)
    assert {invoice_id for invoice_id, _ in plan.parts} <= {f"inv_{linked}"}


def test_the_oldest_due_is_paid_first_and_of_one_day_the_lower_number() -> None:
    plan = allocate(Money(5500, "USD"), None, [invoice(3, 2000), invoice(2, 2000), invoice(4, 2000, due_on=1), invoice(1, 0)])
    assert plan.parts == (("inv_4", Money(2000, "USD")), ("inv_2", Money(2000, "USD")), ("inv_3", Money(1500, "USD")))
    assert plan.credit == Money.zero("USD")


def test_another_currency_is_passed_over_and_becomes_credit() -> None:
    plan = allocate(Money(3000, "USD"), None, [invoice(1, 2000, currency="ZAR")])
    assert (plan.parts, plan.credit) == ((), Money(3000, "USD"))


def test_money_for_an_invoice_that_was_paid_in_the_meantime_is_credit() -> None:
    """Pains 1 and 14: the second payment of the same link is not refused and not lost."""
    paid = Invoice("inv_1", "cus_1", "CVT-1", date(2026, 11, 1), Money(1, "USD"), Money(0, "USD"), InvoiceState.PAID)
    plan = allocate(Money(3000, "USD"), "inv_1", [paid, invoice(2, 2000)])
    assert (plan.parts, plan.credit) == ((), Money(3000, "USD"))


@pytest.mark.parametrize("state", [state for state in InvoiceState if state.is_closed])
def test_a_closed_invoice_gets_nothing_whatever_its_amount(state: InvoiceState) -> None:
    closed = replace(invoice(1, 2000), state=state)
    assert allocate(Money(3000, "USD"), None, [closed]).parts == ()
