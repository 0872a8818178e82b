"""An invoice's sums come from its lines, tax is rounded once, and only what is due can be paid."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError, InvariantError
from domain.invoice import Invoice, InvoiceState, format_number, tax_parts
from domain.money import Money
from tests.domain.strategies import moneys, tax_basis_points

INVOICE = Invoice(
    id="inv_1",
    customer_id="cus_1",
    number="CVT-000001",
    due_on=date(2026, 11, 15),
    total=Money(4000, "USD"),
    amount_due=Money(4000, "USD"),
    state=InvoiceState.OPEN,
)


@given(moneys, tax_basis_points, st.booleans())
def test_net_and_tax_always_make_gross(amount: Money, rate: int, includes_tax: bool) -> None:
    net, tax, gross = tax_parts(amount, rate, includes_tax=includes_tax)
    assert net + tax == gross
    assert amount == (gross if includes_tax else net)


@given(moneys, tax_basis_points, st.booleans())
def test_tax_is_within_half_a_cent_of_the_exact_tax(amount: Money, rate: int, includes_tax: bool) -> None:
    base = 10_000 + rate if includes_tax else 10_000
    _, tax, _ = tax_parts(amount, rate, includes_tax=includes_tax)
    assert abs(tax.minor - Fraction(amount.minor * rate, base)) <= Fraction(1, 2)


@given(moneys, tax_basis_points, st.booleans())
def test_the_tax_of_a_credit_mirrors_that_of_the_charge(amount: Money, rate: int, includes_tax: bool) -> None:
    charged = tax_parts(amount, rate, includes_tax=includes_tax)
    assert tax_parts(-amount, rate, includes_tax=includes_tax) == tuple(-part for part in charged)


@pytest.mark.parametrize(
    ("amount", "rate", "includes_tax", "parts"),
    [
        (11500, 1500, True, (10000, 1500, 11500)),
        (10000, 1500, False, (10000, 1500, 11500)),
        (10000, 1550, False, (10000, 1550, 11550)),
        (10000, 0, True, (10000, 0, 10000)),
        (10, 1500, False, (10, 2, 12)),  # 1.5 cents of tax are rounded up
        (99, 1500, True, (86, 13, 99)),  # 12.913 cents
    ],
)
def test_tax_inside_and_on_top(amount: int, rate: int, includes_tax: bool, parts: tuple[int, int, int]) -> None:
    assert tuple(part.minor for part in tax_parts(Money(amount, "ZAR"), rate, includes_tax=includes_tax)) == parts


@given(st.integers(1, 4000))
def test_what_is_paid_is_no_longer_due_and_only_all_of_it_closes(minor: int) -> None:
    left, state = INVOICE.after_payment(Money(minor, "USD"))
    assert left == Money(4000 - minor, "USD")
    assert state is (InvoiceState.PAID if minor == 4000 else InvoiceState.OPEN)


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_two_payments_leave_what_their_sum_leaves(first: int, second: int) -> None:
    left, state = INVOICE.after_payment(Money(first, "USD"))
    rest = replace(INVOICE, amount_due=left, state=state)
    if first + second > 4000:
        with pytest.raises(InvariantError):
            rest.after_payment(Money(second, "USD"))
    else:
        assert rest.after_payment(Money(second, "USD")) == INVOICE.after_payment(Money(first + second, "USD"))


@pytest.mark.parametrize("minor", [4001, 0, -1])
def test_more_than_is_due_or_nothing_cannot_be_paid(minor: int) -> None:
    with pytest.raises(InvariantError, match=r"cannot be allocated to invoice inv_1, on which USD 40\.00 is due"):
        INVOICE.after_payment(Money(minor, "USD"))


def test_another_currency_cannot_pay() -> None:
    with pytest.raises(InvalidInputError, match="cannot be reckoned together"):
        INVOICE.after_payment(Money(1, "ZAR"))


def test_only_open_invoices_are_not_closed() -> None:
    assert [state for state in InvoiceState if not state.is_closed] == [InvoiceState.OPEN]


def test_numbers_are_padded_and_grow_beyond_the_padding() -> None:
    assert [format_number("CVT-", sequence) for sequence in (1, 12, 1_234_567)] == ["CVT-000001", "CVT-000012", "CVT-1234567"]
