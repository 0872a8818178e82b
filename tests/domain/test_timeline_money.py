"""The sentences of a timeline about payments: from their begin to their end, with what they paid and what was left."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.happenings import Event, Kind, Part, PaymentMoved
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from domain.timeline import tell
from tests.domain.plain_words import PlainWords

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
NUMBER = "CVT-000007"
USD_25 = Money(2500, "USD")


def paid(
    action: str,
    *parts: Part,
    status: PaymentStatus = PaymentStatus.SETTLED,
    credited: int = 0,
    of_invoice: str | None = None,
    amount: Money = USD_25,
    **details: Any,
) -> str:
    method, credit = PaymentMethod.PAYNOW_ECOCASH, Money(credited, "USD")
    what = PaymentMoved(action, details, method, amount, status, parts, credit, of_invoice)
    entry = tell(Event(NOW, "2aud_1", what, "system"), PlainWords(), names_invoice=of_invoice is None)
    assert entry.kind is Kind.PAYMENT
    return entry.title


ALL, SOME = Part(NUMBER, USD_25, Money(0, "USD")), Part("CVT-000008", Money(1000, "USD"), Money(500, "USD"))


def test_a_payment_is_told_from_its_begin_to_its_end() -> None:
    assert paid("PAYMENT_INITIATED", status=PaymentStatus.PENDING) == "USD 25.00 by EcoCash is being confirmed"
    assert paid("PAYMENT_INITIATED", status=PaymentStatus.FAILED) == "Payment of USD 25.00 by EcoCash was begun"
    assert paid("PAYMENT_FAILED") == "Payment of USD 25.00 by EcoCash failed"
    assert paid("PAYMENT_REVERSAL_REQUESTED") == "Reversal of USD 25.00 by EcoCash was asked for"
    assert paid("PAYMENT_REVERSED", ALL, of_invoice=NUMBER) == (
        "Payment of USD 25.00 by EcoCash was reversed; USD 25.00 is owed again"
    )
    assert paid("PAYMENT_REVERSED", ALL, SOME) == (
        "Payment of USD 25.00 by EcoCash was reversed; USD 35.00 is owed again on invoice CVT-000007 and invoice CVT-000008"
    )
    assert paid("PAYMENT_REVERSED") == "Payment of USD 25.00 by EcoCash was reversed"
    assert paid("FEE_CORRECTED", fee="USD 0.50", estimate="USD 0.40") == (
        "The gateway's fee for USD 25.00 by EcoCash is USD 0.50, not USD 0.40 as estimated"
    )
    assert paid("FEE_CORRECTED") == "The gateway's fee for USD 25.00 by EcoCash was corrected"
    assert paid("PAYMENT_BLESSED") == "Payment blessed: USD 25.00 by EcoCash"


@pytest.mark.parametrize("action", ["ONLINE_PAYMENT_RECEIVED", "MANUAL_PAYMENT_RECORDED", "CREDIT_APPLIED"])
def test_money_that_came_says_what_it_was_used_for_and_what_is_left(action: str) -> None:
    assert paid(action, ALL, of_invoice=NUMBER) == "Paid: USD 25.00 by EcoCash; nothing is left to pay"
    assert paid(action, SOME, of_invoice="CVT-000008") == "Paid: USD 10.00 of USD 25.00 by EcoCash; USD 5.00 is left to pay"
    assert paid(action, of_invoice=NUMBER) == "Received: USD 25.00 by EcoCash; it is kept as credit, as nothing was left to pay"
    assert paid(action) == "Received: USD 25.00 by EcoCash; it is kept as credit"
    assert paid(action, ALL, credited=300, amount=Money(2800, "USD")) == (
        "Paid: USD 28.00 by EcoCash; invoice CVT-000007: nothing is left to pay; USD 3.00 is kept as credit"
    )
    assert paid(action, ALL, SOME, amount=Money(3500, "USD")) == (
        "Paid: USD 35.00 by EcoCash; invoice CVT-000007: USD 25.00, nothing is left to pay; "
        "invoice CVT-000008: USD 10.00, USD 5.00 is left to pay"
    )
