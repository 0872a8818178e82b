"""Every entry sums to zero in each currency, whatever it is about; one that does not cannot be made."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError, InvariantError
from domain.invoice import Invoice, InvoiceDraft, InvoiceLine, InvoiceState, tax_parts
from domain.ledger import (
    Account,
    Cause,
    Entry,
    Posting,
    fee_corrected,
    invoice_issued,
    invoice_voided,
    invoice_written_off,
    payment_reversed,
    payment_settled,
)
from domain.money import Money, total
from tests.domain.strategies import tax_basis_points

CLEARING = Posting(Account.GATEWAY_CLEARING, Money(0, "USD"), gateway="paynow")
amounts = st.builds(Money, st.integers(1, 10**9), st.just("USD"))


def line(amount: Money, rate: int) -> InvoiceLine:
    net, tax, gross = tax_parts(amount, rate, includes_tax=False)
    return InvoiceLine("Installation", 1, amount, rate, net, tax, gross, charge_id="chg_1")


def invoice(gross: Money, due: Money) -> Invoice:
    return Invoice("inv_1", "cus_1", "CVT-000001", date(2026, 11, 15), gross, due, InvoiceState.OPEN)


def by_account(entry: Entry) -> dict[Account, int]:
    return {posting.account: posting.amount.minor for posting in entry.postings}


@given(st.lists(st.builds(line, amounts, tax_basis_points), min_size=1, max_size=8))
def test_an_issued_invoice_is_owed_in_full_and_sums_to_zero(lines: list[InvoiceLine]) -> None:
    draft = InvoiceDraft("cus_1", "USD", tuple(lines))
    entry = invoice_issued("inv_1", draft)
    assert total([posting.amount for posting in entry.postings], "USD") == Money.zero("USD")
    assert all(posting.amount for posting in entry.postings)
    assert by_account(entry)[Account.ACCOUNTS_RECEIVABLE] == draft.gross.minor
    assert (entry.cause, entry.cause_id) == (Cause.INVOICE_ISSUED, "inv_1")


@given(
    st.lists(amounts, max_size=6), st.builds(Money, st.integers(0, 10**9), st.just("USD")), st.none() | st.integers(0, 10**6)
)
def test_a_settled_payment_pays_receivables_and_credit_and_sums_to_zero(
    parts: list[Money], credit: Money, fee_minor: int | None
) -> None:
    """The fee is the business's: the customer is credited in full."""
    received = total([*parts, credit], "USD")
    fee = None if fee_minor is None else Money(min(fee_minor, received.minor), "USD")
    named = tuple((f"inv_{index}", part) for index, part in enumerate(parts))
    if not received:
        return
    entry = payment_settled("pay_1", "cus_1", received, named, credit, CLEARING, fee)
    assert total([posting.amount for posting in entry.postings], "USD") == Money.zero("USD")
    owed_less = [-posting.amount for posting in entry.postings if posting.customer_id == "cus_1"]
    assert total(owed_less, "USD") == received
    in_hand = [posting.amount for posting in entry.postings if posting.gateway == "paynow"]
    assert total(in_hand, "USD") == received


def test_an_invoice_by_example() -> None:
    entry = invoice_issued("inv_1", InvoiceDraft("cus_1", "USD", (line(Money(10000, "USD"), 1500),)))
    assert entry.postings == (
        Posting(Account.ACCOUNTS_RECEIVABLE, Money(11500, "USD"), customer_id="cus_1", invoice_id="inv_1"),
        Posting(Account.REVENUE, Money(-10000, "USD"), invoice_id="inv_1"),
        Posting(Account.TAX_PAYABLE, Money(-1500, "USD"), invoice_id="inv_1"),
    )


def test_without_tax_nothing_is_posted_to_tax() -> None:
    entry = invoice_issued("inv_1", InvoiceDraft("cus_1", "USD", (line(Money(10000, "USD"), 0),)))
    assert by_account(entry) == {Account.ACCOUNTS_RECEIVABLE: 10000, Account.REVENUE: -10000}


def test_a_payment_by_example() -> None:
    """115.00 on an invoice of 100.00, of which the gateway kept 2.50."""
    parts = (("inv_1", Money(10000, "USD")),)
    entry = payment_settled("pay_1", "cus_1", Money(11500, "USD"), parts, Money(1500, "USD"), CLEARING, Money(250, "USD"))
    assert entry.postings == (
        Posting(Account.GATEWAY_CLEARING, Money(11250, "USD"), gateway="paynow"),
        Posting(Account.GATEWAY_FEES, Money(250, "USD"), gateway="paynow"),
        Posting(Account.ACCOUNTS_RECEIVABLE, Money(-10000, "USD"), customer_id="cus_1", invoice_id="inv_1"),
        Posting(Account.CUSTOMER_CREDIT, Money(-1500, "USD"), customer_id="cus_1"),
    )


@given(st.integers(-100, 100).filter(bool))
def test_a_payment_whose_parts_do_not_make_it_cannot_be_posted(difference: int) -> None:
    parts = (("inv_1", Money(10000, "USD")),)
    with pytest.raises(InvariantError, match="payment_settled pay_1 does not sum to zero"):
        payment_settled("pay_1", "cus_1", Money(10000, "USD"), parts, Money(difference, "USD"), CLEARING)


def test_a_fee_in_another_currency_cannot_be_posted() -> None:
    parts = (("inv_1", Money(10000, "USD")),)
    with pytest.raises(InvalidInputError, match="cannot be reckoned together"):
        payment_settled("pay_1", "cus_1", Money(10000, "USD"), parts, Money(0, "USD"), CLEARING, Money(1, "ZAR"))


@given(st.lists(amounts, min_size=1, max_size=6), st.builds(Money, st.integers(0, 10**9), st.just("USD")))
def test_a_reversal_takes_back_what_settling_did_to_the_customer_and_leaves_the_fee_with_the_business(
    parts: list[Money], credit: Money
) -> None:
    amount = total([*parts, credit], "USD")
    named = tuple((f"inv_{index}", part) for index, part in enumerate(parts))
    fee = min(Money(250, "USD"), amount)
    there = payment_settled("pay_1", "cus_1", amount, named, credit, CLEARING, fee)
    back = payment_reversed("pay_1", "cus_1", amount, named, credit, CLEARING)
    assert (back.cause, back.cause_id) == (Cause.PAYMENT_REVERSED, "pay_1")
    assert total([posting.amount for posting in back.postings], "USD") == Money.zero("USD")
    both = [*there.postings, *back.postings]
    assert total([posting.amount for posting in both if posting.customer_id], "USD") == Money.zero("USD")
    left = {posting.account for posting in both if posting.account is Account.GATEWAY_FEES}
    assert left == {Account.GATEWAY_FEES}


def test_credit_that_is_applied_moves_from_the_customers_credit_to_the_receivable() -> None:
    from_credit = Posting(Account.CUSTOMER_CREDIT, Money(0, "USD"), customer_id="cus_1")
    parts = (("inv_1", Money(500, "USD")),)
    entry = payment_settled("pay_1", "cus_1", Money(500, "USD"), parts, Money(0, "USD"), from_credit)
    assert entry.postings == (
        Posting(Account.CUSTOMER_CREDIT, Money(500, "USD"), customer_id="cus_1"),
        Posting(Account.ACCOUNTS_RECEIVABLE, Money(-500, "USD"), customer_id="cus_1", invoice_id="inv_1"),
    )


@pytest.mark.parametrize(("estimate", "fee"), [(250, 300), (250, 200)])
def test_a_fee_that_was_an_estimate_is_corrected_by_the_difference(estimate: int, fee: int) -> None:
    entry = fee_corrected("gtx_1", Money(estimate, "USD"), Money(fee, "USD"), "yoco")
    assert by_account(entry) == {Account.GATEWAY_FEES: fee - estimate, Account.GATEWAY_CLEARING: estimate - fee}


def test_a_right_estimate_needs_no_entry() -> None:
    with pytest.raises(InvariantError):
        fee_corrected("gtx_1", Money(250, "USD"), Money(250, "USD"), "yoco")


@given(st.lists(st.builds(line, amounts, tax_basis_points), min_size=1, max_size=8), st.integers(0, 100))
def test_voiding_takes_back_what_issuing_posted_and_what_was_paid_of_it_is_credit(
    lines: list[InvoiceLine], percent: int
) -> None:
    draft = InvoiceDraft("cus_1", "USD", tuple(lines))
    paid = draft.gross.share(percent, 100)
    there, back = invoice_issued("inv_1", draft), invoice_voided(invoice(draft.gross, draft.gross - paid), draft.net, draft.tax)
    assert (back.cause, back.cause_id) == (Cause.INVOICE_VOIDED, "inv_1")
    assert all(posting.amount for posting in back.postings)
    left = {account: by_account(there).get(account, 0) + by_account(back).get(account, 0) for account in Account}
    assert left == dict.fromkeys(Account, 0) | {
        Account.ACCOUNTS_RECEIVABLE: paid.minor,  # as the payment's own entry took off the receivable
        Account.CUSTOMER_CREDIT: -paid.minor,
    }


def test_voiding_an_invoice_of_115_of_which_15_were_paid() -> None:
    entry = invoice_voided(invoice(Money(11500, "USD"), Money(10000, "USD")), Money(10000, "USD"), Money(1500, "USD"))
    assert entry.postings == (
        Posting(Account.REVENUE, Money(10000, "USD"), invoice_id="inv_1"),
        Posting(Account.TAX_PAYABLE, Money(1500, "USD"), invoice_id="inv_1"),
        Posting(Account.ACCOUNTS_RECEIVABLE, Money(-10000, "USD"), customer_id="cus_1", invoice_id="inv_1"),
        Posting(Account.CUSTOMER_CREDIT, Money(-1500, "USD"), customer_id="cus_1"),
    )


def test_voiding_by_other_amounts_than_the_invoices_cannot_be_posted() -> None:
    with pytest.raises(InvariantError, match="invoice_voided inv_1 does not sum to zero"):
        invoice_voided(invoice(Money(11500, "USD"), Money(11500, "USD")), Money(10000, "USD"), Money(0, "USD"))


def test_writing_off_100_makes_them_a_bad_debt() -> None:
    entry = invoice_written_off(invoice(Money(11500, "USD"), Money(10000, "USD")))
    assert (entry.cause, entry.cause_id) == (Cause.INVOICE_WRITTEN_OFF, "inv_1")
    assert entry.postings == (
        Posting(Account.BAD_DEBT, Money(10000, "USD"), invoice_id="inv_1"),
        Posting(Account.ACCOUNTS_RECEIVABLE, Money(-10000, "USD"), customer_id="cus_1", invoice_id="inv_1"),
    )


@given(amounts)
def test_what_is_written_off_is_what_is_left_and_sums_to_zero(due: Money) -> None:
    entry = invoice_written_off(invoice(due + due, due))
    assert by_account(entry) == {Account.BAD_DEBT: due.minor, Account.ACCOUNTS_RECEIVABLE: -due.minor}


def test_nothing_is_left_to_write_off_of_a_paid_invoice() -> None:
    paid = replace(invoice(Money(11500, "USD"), Money(0, "USD")), state=InvoiceState.PAID)
    with pytest.raises(InvariantError, match="invoice_written_off inv_1 does not sum to zero"):
        invoice_written_off(paid)


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting(Account.BANK, Money(1, "USD")),),
        (Posting(Account.BANK, Money(100, "USD")), Posting(Account.CASH, Money(-99, "USD"))),
        (Posting(Account.BANK, Money(100, "USD")), Posting(Account.CASH, Money(-100, "ZAR"))),
    ],
    ids=["nothing", "one side", "a cent short", "two currencies"],
)
def test_an_unbalanced_entry_cannot_be_made(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(InvariantError, match="invoice_issued inv_1 does not sum to zero"):
        Entry(Cause.INVOICE_ISSUED, "inv_1", postings)
