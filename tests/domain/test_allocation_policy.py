"""A tenant's policy: what a payment brings beyond its invoice is credit or pays the oldest debt, and when credit is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import AllocationPolicy, Target, allocate, credit_to_apply
from domain.errors import ConflictError, InvalidInputError
from domain.invoice import Invoice, InvoiceState
from domain.money import Money, total
from tests.domain.test_allocation import books, invoice, received

NOTHING = Money.zero("USD")


@given(received, books(), st.none() | st.integers(0, 7), st.sampled_from(Target), st.sampled_from(Target))
def test_whatever_the_policy_parts_and_credit_make_what_was_received_and_no_invoice_gets_more_than_is_due(
    amount: Money, invoices: list[Invoice], linked: int | None, otherwise: Target, surplus: Target
) -> None:
    link = None if linked is None else f"inv_{linked}"
    plan = allocate(amount, link, invoices, otherwise=otherwise, surplus=surplus)
    due = {item.id: item.amount_due for item in invoices if item.state is InvoiceState.OPEN}
    assert total([part for _, part in plan.parts], "USD") + plan.credit == amount
    assert plan.credit.minor >= 0
    assert all(NOTHING < part <= due[invoice_id] for invoice_id, part in plan.parts)


@given(received, books(), st.integers(0, 7), st.sampled_from(Target))
def test_the_linked_invoice_is_paid_first_whatever_the_policy(
    amount: Money, invoices: list[Invoice], linked: int, surplus: Target
) -> None:
    plan = allocate(amount, f"inv_{linked}", invoices, surplus=surplus)
    payable = [
        item.amount_due
        for item in invoices
        if item.id == f"inv_{linked}" and item.state is InvoiceState.OPEN and item.amount_due.currency == "USD"
    ]
    expected = [(f"inv_{linked}", min(amount, due)) for due in payable]
    assert list(plan.parts[: len(expected)]) == expected


@given(received, books(), st.integers(0, 7))
def test_a_surplus_for_the_oldest_due_leaves_credit_only_when_everything_is_paid(
    amount: Money, invoices: list[Invoice], linked: int
) -> None:
    plan = allocate(amount, f"inv_{linked}", invoices, surplus=Target.OLDEST_DUE)
    owed = total([item.amount_due for item in invoices if item.amount_due.currency == "USD"], "USD")
    assert plan.credit == max(amount - owed, NOTHING)


@given(received, books())
def test_a_deposit_pays_no_invoice(amount: Money, invoices: list[Invoice]) -> None:
    plan = allocate(amount, None, invoices, otherwise=Target.CREDIT, surplus=Target.OLDEST_DUE)
    assert (plan.parts, plan.credit) == ((), amount)


def test_a_surplus_by_example() -> None:
    """50.00 for an invoice of 20.00 while an older one of 40.00 is open."""
    invoices = [invoice(1, 4000, due_on=1), invoice(2, 2000, due_on=20)]
    kept = allocate(Money(5000, "USD"), "inv_2", invoices, surplus=Target.CREDIT)
    spread = allocate(Money(5000, "USD"), "inv_2", invoices, surplus=Target.OLDEST_DUE)
    assert (kept.parts, kept.credit) == ((("inv_2", Money(2000, "USD")),), Money(3000, "USD"))
    assert (spread.parts, spread.credit) == ((("inv_2", Money(2000, "USD")), ("inv_1", Money(3000, "USD"))), NOTHING)


@given(st.builds(AllocationPolicy, st.sampled_from(Target), st.booleans()))
def test_a_policy_survives_being_stored(policy: AllocationPolicy) -> None:
    assert AllocationPolicy.from_data(policy.to_data()) == policy


def test_a_tenant_that_chose_nothing_keeps_surplus_as_credit_and_uses_credit_for_the_next_invoice() -> None:
    assert AllocationPolicy.from_data({}) == AllocationPolicy(Target.CREDIT, applies_credit=True)


@pytest.mark.parametrize(
    ("data", "field"),
    [({"surplus": "REFUND"}, "surplus"), ({"surplus": None}, "surplus"), ({"applies_credit": 1}, "applies_credit")],
)
def test_what_is_no_choice_is_refused_by_name(data: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        AllocationPolicy.from_data(data)
    assert refused.value.field == field


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_as_much_credit_is_applied_as_there_is_and_as_is_due(available: int, due: int) -> None:
    assert credit_to_apply(Money(available, "USD"), Money(due, "USD")) == Money(min(available, due), "USD")


@pytest.mark.parametrize(
    ("available", "due", "asked", "told"),
    [
        (0, 1000, None, "has no credit in USD"),
        (500, 0, None, "Nothing is due"),
        (500, 1000, 501, "credit is USD 5.00"),
        (1500, 1000, 1001, "Only USD 10.00 is due"),
    ],
)
def test_more_credit_than_is_possible_is_refused_with_what_is_possible(
    available: int, due: int, asked: int | None, told: str
) -> None:
    with pytest.raises(ConflictError, match=told):
        credit_to_apply(Money(available, "USD"), Money(due, "USD"), Money(asked, "USD") if asked else None)
