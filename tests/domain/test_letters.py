"""Letters: facts that cannot be told are refused, and every letter has one key and one Message-ID for ever."""

import re
from dataclasses import replace
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError
from domain.letters import (
    LETTER_OF_FACTS,
    Branding,
    Facts,
    InvoiceIssuedFacts,
    Letter,
    PaymentReminderFacts,
    message_id,
    message_key,
)
from domain.money import Money

INVOICE = "inv_01jd3s8v7re2rbtpkdmj4b5t3k"

BRANDING = Branding(
    business_name="Christus Veritas Technologies",
    contact_email="accounts@cvt.co.zw",
    sender="noreply@cvt.co.zw",
    address_line="Harare, Zimbabwe",
    portal_url="https://cvt.co.zw/clients",
)

parts = st.from_regex(r"[A-Za-z0-9_.:-]{1,30}", fullmatch=True)
keys = st.tuples(parts, st.sampled_from(Letter), parts)


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


def test_a_key_tells_entity_letter_and_step() -> None:
    assert message_key(INVOICE, Letter.OVERDUE_NOTICE, "step-3") == f"{INVOICE}/overdue_notice/step-3"


@pytest.mark.parametrize(("entity", "step"), [("", "1"), ("inv_1", ""), ("inv_1/2", "1"), ("inv_1", "1/2"), ("inv_1", "1\n")])
def test_a_key_part_that_could_be_taken_for_another_is_refused(entity: str, step: str) -> None:
    with pytest.raises(InvalidInputError):
        message_key(entity, Letter.OVERDUE_NOTICE, step)


def test_the_message_id_of_a_key_never_changes() -> None:
    # Written down once: another id for the same letter would show the same letter twice after an upgrade.
    key = message_key(INVOICE, Letter.OVERDUE_NOTICE, "1-overdue_notice")
    assert message_id(key, "cvt.co.zw") == "<04318d19e91360d777a409cf0c86c0a8.overdue_notice@cvt.co.zw>"


@given(st.lists(keys, min_size=2, max_size=20, unique=True))
def test_two_letters_never_share_a_message_id(some: list[tuple[str, Letter, str]]) -> None:
    ids = {message_id(message_key(*key), "cvt.co.zw") for key in some}
    assert len(ids) == len(some)


@given(keys, st.from_regex(r"[a-z0-9]{1,20}(\.[a-z]{2,8}){1,3}", fullmatch=True))
def test_a_message_id_is_one_header_safe_word(key: tuple[str, Letter, str], domain: str) -> None:
    made = message_id(message_key(*key), domain)
    assert re.fullmatch(r"<[a-z0-9._]+@[a-z0-9.-]+>", made)
    assert made == message_id(message_key(*key), domain)
    assert made.endswith(f".{key[1].value}@{domain}>")


def test_a_message_id_tells_nobody_the_invoice() -> None:
    assert INVOICE not in message_id(message_key(INVOICE, Letter.INVOICE_ISSUED, "issued"), "cvt.co.zw")


def test_a_sender_domain_beyond_ascii_becomes_its_wire_form() -> None:
    assert message_id(message_key(INVOICE, Letter.INVOICE_ISSUED, "1"), "Bücher.example").endswith("@xn--bcher-kva.example>")


@pytest.mark.parametrize("domain", ["", "cvt co zw", "cvt.co.zw>\r\nBcc: x@y.z", "a..b", "-cvt.co.zw", "x" * 64])
def test_what_is_no_host_name_is_refused(domain: str) -> None:
    with pytest.raises(InvalidInputError, match="domain"):
        message_id(message_key(INVOICE, Letter.INVOICE_ISSUED, "1"), domain)


@pytest.mark.parametrize("key", ["", "inv_1", "inv_1/overdue_notice", "inv_1/unknown_letter/1", "inv_1/overdue_notice/1/2"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInputError, match="key"):
        message_id(key, "cvt.co.zw")
