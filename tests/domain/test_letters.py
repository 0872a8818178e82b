"""Letters: facts that cannot be told are refused."""

from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

from domain.errors import InvalidInputError
from domain.letters import (
    LETTER_OF_FACTS,
    Branding,
    Facts,
    InvoiceIssuedFacts,
    Letter,
    PaymentReminderFacts,
)
from domain.money import Money

BRANDING = Branding(
    business_name="Christus Veritas Technologies",
    contact_email="accounts@cvt.co.zw",
    sender="noreply@cvt.co.zw",
    address_line="Harare, Zimbabwe",
    portal_url="https://cvt.co.zw/clients",
)


def reminder(**changes: object) -> PaymentReminderFacts:
    facts = {
        "customer_name": "Moyo Traders",
        "invoice_number": "CVT-000012",
        "amount": Money(2500, "USD"),
        "due_on": date(2026, 11, 21),
        "payment_link": "https://cvt.co.zw/pay/abc",
        "days_until_due": 3,
    }
    return PaymentReminderFacts(**(facts | changes))  # type: ignore[arg-type]  # the tests hand in what is wrong on purpose


def test_every_letter_has_its_own_facts() -> None:
    assert set(LETTER_OF_FACTS) == set(get_args(Facts))
    assert sorted(LETTER_OF_FACTS.values()) == sorted(Letter)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "/pay/abc", "https://", "pay me", 'https://x.co/"><script>', "http://[", ""]
)
def test_a_link_that_leads_nowhere_is_refused_before_it_is_mailed(link: str) -> None:
    with pytest.raises(InvalidInputError, match="payment_link"):
        reminder(payment_link=link)


def test_an_invoice_is_not_due_in_minus_one_days() -> None:
    with pytest.raises(InvalidInputError, match="days_until_due"):
        reminder(days_until_due=-1)
    assert reminder(days_until_due=0).days_until_due == 0


def test_a_letter_without_an_amount_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="amount"):
        InvoiceIssuedFacts(  # type: ignore[call-arg]  # the missing amount is the point
            customer_name="Moyo", invoice_number="1", due_on=date(2026, 11, 21), payment_link="https://cvt.co.zw/pay/abc"
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "red"),
        ("colour", "#123"),
        ("colour", "#1e3a5f;x"),
        ("portal_url", "cvt.co.zw"),
        ("logo_url", "data:image/png,x"),
    ],
)
def test_branding_that_would_break_a_letter_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        replace(BRANDING, **{field: value})
