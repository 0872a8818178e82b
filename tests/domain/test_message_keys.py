"""Every letter has one key and one Message-ID for ever (pains 6)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInputError
from domain.letters import Letter
from domain.message_keys import message_id, message_key

INVOICE = "inv_01jd3s8v7re2rbtpkdmj4b5t3k"

parts = st.from_regex(r"[A-Za-z0-9_.:-]{1,30}", fullmatch=True)
keys = st.tuples(parts, st.sampled_from(Letter), parts)


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
