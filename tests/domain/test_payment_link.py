"""What a payment link asks for, what it needs to be made, and how long it lives (requirements P5, P6; pains 1, 14)."""

import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.allocation import Target
from domain.errors import InvalidInputError
from domain.invoice import Invoice, InvoiceState
from domain.money import Money
from domain.payment_link import (
    CODE_ALPHABET,
    LinkStatus,
    LinkType,
    PaymentLink,
    expiry,
    require_fields,
    require_payable,
)

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
NAMING = {LinkType.CUSTOM, LinkType.REGISTRATION, LinkType.DEPOSIT}


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


LINK = PaymentLink(
    id="lnk_1",
    code="pay_7KcXw2nRbq4T",
    type=LinkType.DEPOSIT,
    status=LinkStatus.ACTIVE,
    customer_id="cus_1",
    invoice_id=None,
    amount=usd("40"),
    currency="USD",
    description="",
    expires_at=NOW + timedelta(days=7),
    created_at=NOW,
    created_by="Rudo",
)
INVOICE = Invoice("inv_1", "cus_1", "CVT-000012", date(2026, 11, 15), usd("100"), usd("60"), InvoiceState.OPEN)
INVOICE_LINK = replace(LINK, type=LinkType.INVOICE, invoice_id="inv_1", amount=None)
INSTALMENT = replace(LINK, type=LinkType.CUSTOM, invoice_id="inv_1")


def test_a_link_lives_for_seven_days_unless_staff_say_otherwise() -> None:
    assert expiry(NOW, None) == NOW + timedelta(days=7)
    assert expiry(NOW, 1) == NOW + timedelta(days=1)
    assert expiry(NOW, 366) == NOW + timedelta(days=366)


@pytest.mark.parametrize("days", [0, -1, 367, 10**30])
def test_a_life_of_no_days_or_of_years_is_refused(days: int) -> None:
    with pytest.raises(InvalidInputError, match="expires_in_days"):
        expiry(NOW, days)


def test_a_link_expires_at_its_instant_and_not_before() -> None:
    assert LINK.status_at(NOW + timedelta(days=7, seconds=-1)) is LinkStatus.ACTIVE
    assert LINK.status_at(NOW + timedelta(days=7)) is LinkStatus.EXPIRED
    assert LINK.has_expired(NOW + timedelta(days=7))


@pytest.mark.parametrize("closed", [LinkStatus.PAID, LinkStatus.CANCELLED, LinkStatus.EXPIRED])
def test_what_is_closed_does_not_expire(closed: LinkStatus) -> None:
    assert replace(LINK, status=closed).status_at(NOW + timedelta(days=8)) is closed


def test_an_invoices_own_link_never_expires() -> None:
    own = replace(INVOICE_LINK, expires_at=None)
    assert own.is_own
    assert not own.has_expired(NOW + timedelta(days=3650))
    assert not INVOICE_LINK.is_own


def test_a_code_has_no_vowel_and_no_character_that_is_read_for_another() -> None:
    assert not set(CODE_ALPHABET) & set("aeiouyAEIOUY01lI")
    assert set(CODE_ALPHABET) < set(string.ascii_letters + string.digits)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET)
    assert len(CODE_ALPHABET) ** 12 > 2**64, "nobody guesses it"


def test_registration_and_deposit_are_kept_as_credit_and_the_others_pay_the_oldest_debt() -> None:
    assert {kind for kind in LinkType if kind.target is Target.CREDIT} == {LinkType.REGISTRATION, LinkType.DEPOSIT}


def test_three_types_name_their_amount() -> None:
    assert {kind for kind in LinkType if kind.names_its_amount} == NAMING


def test_an_invoices_link_asks_for_what_is_due_on_it_when_it_is_paid() -> None:
    assert INVOICE_LINK.asks_for(usd("60")) == usd("60")
    assert INVOICE_LINK.asks_for(usd("0")) == usd("0")


def test_an_instalment_never_asks_for_more_than_is_due() -> None:
    assert INSTALMENT.asks_for(usd("60")) == usd("40")
    assert INSTALMENT.asks_for(usd("15")) == usd("15")
    assert INSTALMENT.asks_for(usd("0")) == usd("0")


def test_a_paid_instalment_still_says_what_it_was_over() -> None:
    assert replace(INSTALMENT, status=LinkStatus.PAID).asks_for(usd("0")) == usd("40")


def test_a_deposit_asks_for_its_amount_whatever_is_owed() -> None:
    assert LINK.asks_for(None) == usd("40")


@pytest.mark.parametrize(
    ("link", "number", "purpose"),
    [
        (INVOICE_LINK, "CVT-000012", "Invoice CVT-000012"),
        (INSTALMENT, "CVT-000012", "Invoice CVT-000012"),
        (replace(INSTALMENT, description="First half"), "CVT-000012", "First half"),
        (replace(LINK, type=LinkType.OUTSTANDING, amount=None), None, "Outstanding balance"),
        (replace(LINK, type=LinkType.CUSTOM), None, "Payment"),
        (replace(LINK, type=LinkType.REGISTRATION), None, "Registration fee"),
        (LINK, None, "Deposit"),
    ],
)
def test_the_payer_is_told_what_it_is_for(link: PaymentLink, number: str | None, purpose: str) -> None:
    assert link.purpose(number) == purpose


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        (LinkType.INVOICE, {"customer_id": "cus_1"}, "invoice_id"),
        (LinkType.INVOICE, {"invoice_id": "inv_1", "amount": 1}, "amount"),
        (LinkType.OUTSTANDING, {}, "customer_id"),
        (LinkType.OUTSTANDING, {"customer_id": "cus_1", "invoice_id": "inv_1"}, "invoice_id"),
        (LinkType.OUTSTANDING, {"customer_id": "cus_1", "amount": 1}, "amount"),
        (LinkType.CUSTOM, {"amount": 1}, "customer_id"),
        (LinkType.CUSTOM, {"customer_id": "cus_1"}, "amount"),
        (LinkType.REGISTRATION, {"customer_id": "cus_1"}, "amount"),
        (LinkType.REGISTRATION, {"amount": 1}, "customer_id"),
        (LinkType.DEPOSIT, {"customer_id": "cus_1", "invoice_id": "inv_1", "amount": 1}, "invoice_id"),
        (LinkType.DEPOSIT, {"customer_id": "cus_1"}, "amount"),
    ],
)
def test_a_link_that_lacks_or_names_too_much_is_refused_by_name(kind: LinkType, fields: dict[str, object], field: str) -> None:
    given: dict[str, object] = {"customer_id": None, "invoice_id": None, "amount": None, **fields}
    with pytest.raises(InvalidInputError) as refused:
        require_fields(kind, **given)  # type: ignore[arg-type]  # the table's values are of several types
    assert refused.value.field == field


def test_what_each_type_needs_is_enough() -> None:
    require_fields(LinkType.INVOICE, customer_id=None, invoice_id="inv_1", amount=None)
    require_fields(LinkType.OUTSTANDING, customer_id="cus_1", invoice_id=None, amount=None)
    for kind in NAMING:
        require_fields(kind, customer_id="cus_1", invoice_id=None, amount=100)
    require_fields(LinkType.CUSTOM, customer_id=None, invoice_id="inv_1", amount=100)


@pytest.mark.parametrize("state", [InvoiceState.PAID, InvoiceState.VOID, InvoiceState.WRITTEN_OFF])
def test_a_closed_invoice_takes_no_link(state: InvoiceState) -> None:
    with pytest.raises(InvalidInputError, match=f"invoice_id: invoice CVT-000012 is {state}"):
        require_payable(replace(INVOICE, state=state), None)


def test_nobody_is_asked_for_more_than_is_due_on_an_invoice() -> None:
    require_payable(INVOICE, usd("60"))
    with pytest.raises(InvalidInputError, match=r"amount: USD 60\.01 is more than the USD 60\.00 that is due"):
        require_payable(INVOICE, usd("60.01"))
