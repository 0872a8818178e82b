"""What people are told of their money: what a payment was for and went to, what credit paid, and what is asked for."""

from typing import Any

import pytest

from domain.letters import (
    Facts,
    InvoiceIssuedFacts,
    PaidPart,
    PaymentConfirmationFacts,
    PaymentFailedFacts,
    PaymentLinkFacts,
)
from domain.money import Money
from mail.letters import RenderedLetter, render
from tests.mail.page import Page
from tests.mail.samples import CVT, DUE_ON, LINK, NAME, NUMBER, OWED

NOTHING = Money(0, "USD")
PAID: dict[str, Any] = {
    "customer_name": NAME,
    "reference": "pay_01jd3s8v7re2",
    "amount": OWED,
    "payment_on": DUE_ON,
    "method_name": "Cash",
}


def parts_of(facts: Facts) -> tuple[RenderedLetter, str, str]:
    """The letter, its text part, and its HTML part as it is read."""
    rendered = render(facts, CVT)
    return rendered, rendered.text, Page(rendered.html).text


def test_a_payment_that_covers_no_invoice_is_confirmed_by_its_reference() -> None:
    rendered = render(PaymentConfirmationFacts(**PAID, credit=OWED), CVT)
    assert rendered.subject == "Payment Received - pay_01jd3s8v7re2"
    for part in (rendered.text, Page(rendered.html).text):
        assert "$25.00 is kept as credit on your account." in part
        assert "nvoice" not in part


def test_a_part_payment_tells_what_is_still_due() -> None:
    rendered = render(PaymentConfirmationFacts(**PAID, invoice_number=NUMBER, amount_still_due=Money(1050, "USD")), CVT)
    for part in (rendered.text, Page(rendered.html).text):
        assert "Still due on invoice CVT-000012: $10.50" in part
        assert "paid in full" not in part
        assert "credit" not in part


def test_a_failed_payment_for_no_invoice_is_named_by_its_reference() -> None:
    facts = PaymentFailedFacts(customer_name=NAME, reference="pay_1", amount=OWED, reason="Cancelled.", payment_link=LINK)
    rendered = render(facts, CVT)
    assert rendered.subject == "Payment Failed: pay_1"
    assert "nvoice" not in rendered.text + Page(rendered.html).text


def test_a_payment_of_several_invoices_names_each_with_what_is_left_of_it() -> None:
    parts = (PaidPart("CVT-000011", Money(1000, "USD"), NOTHING), PaidPart("CVT-000012", Money(1500, "USD"), Money(500, "USD")))
    rendered, text, page = parts_of(
        PaymentConfirmationFacts(**PAID, purpose="Outstanding balance", parts=parts, credit=NOTHING)
    )
    assert rendered.subject == "Payment Received - pay_01jd3s8v7re2"
    assert "It went to these invoices:\n- CVT-000011: $10.00, paid in full\n- CVT-000012: $15.00, $5.00 still due\n" in text
    for said in ("Invoice CVT-000011", "$10.00, paid in full", "Invoice CVT-000012", "$15.00, $5.00 still due"):
        assert said in page
    for part in (text, page):
        assert "Outstanding balance" in part
        assert "credit" not in part


@pytest.mark.parametrize("purpose", ["Registration fee 2027", "Deposit"])
def test_a_payment_for_no_invoice_says_what_it_was_for(purpose: str) -> None:
    _, text, page = parts_of(PaymentConfirmationFacts(**PAID, purpose=purpose, credit=OWED))
    assert f"Thank you.\n\nFor: {purpose}\nAmount received: $25.00\n" in text
    assert purpose in page


def test_a_failed_payment_for_no_invoice_says_what_it_was_for() -> None:
    facts = PaymentFailedFacts(
        customer_name=NAME, reference="pay_1", amount=OWED, reason="Cancelled.", payment_link=LINK, purpose="Deposit"
    )
    _, text, page = parts_of(facts)
    assert "did not go through.\n\nFor: Deposit\nAmount: $25.00\n" in text
    assert "Deposit" in page


def issued(amount: Money, **paid: Money) -> InvoiceIssuedFacts:
    return InvoiceIssuedFacts(
        customer_name=NAME, invoice_number=NUMBER, amount=amount, due_on=DUE_ON, payment_link=LINK, total=OWED, **paid
    )


def test_an_invoice_that_credit_paid_in_full_asks_for_nothing() -> None:
    rendered, text, page = parts_of(issued(NOTHING, paid_from_credit=OWED))
    for part in (text, page):
        assert "It is paid in full: there is nothing to do." in part
        assert "Paid from your credit" in part
        assert "Pay Now" not in part
        assert "Pay now" not in part
    assert LINK not in rendered.text + rendered.html
    assert "Invoice total: $25.00\nPaid from your credit: $25.00\nAmount due: $0.00\n" in text


def test_an_invoice_that_credit_paid_in_part_asks_for_the_rest() -> None:
    rendered, text, page = parts_of(issued(Money(1500, "USD"), paid_from_credit=Money(1000, "USD")))
    assert "Invoice total: $25.00\nPaid from your credit: $10.00\nAmount due: $15.00\nDue date: November 21, 2026\n" in text
    for said in ("$25.00", "$10.00", "$15.00"):
        assert said in page
    assert LINK in rendered.text
    assert LINK in Page(rendered.html).links


def test_an_invoice_that_was_paid_in_another_way_before_the_letter_went_out_does_not_speak_of_credit() -> None:
    _, text, page = parts_of(issued(NOTHING, paid_from_credit=NOTHING))
    for part in (text, page):
        assert "It is paid in full: there is nothing to do." in part
        assert "credit" not in part


def test_a_new_invoice_of_which_nothing_is_paid_says_its_amount_once() -> None:
    _, text, page = parts_of(issued(OWED))
    for part in (text, page):
        assert "Invoice total" not in part
        assert "credit" not in part


def test_a_link_that_does_not_expire_names_no_day() -> None:
    facts = PaymentLinkFacts(customer_name=NAME, description="Invoice CVT-000012", amount=OWED, payment_link=LINK)
    _, text, page = parts_of(facts)
    for part in (text, page):
        assert "expires" not in part
        assert "Invoice CVT-000012" in part


def test_a_hostile_invoice_number_among_several_is_only_a_number() -> None:
    parts = (PaidPart("CVT\r\nBcc: x@y.z", OWED, NOTHING), PaidPart("<script>", OWED, NOTHING))
    rendered = render(PaymentConfirmationFacts(**PAID, parts=parts), CVT)
    assert "- CVT Bcc: x@y.z: $25.00, paid in full\n" in rendered.text
    assert "script" not in Page(rendered.html).tags
