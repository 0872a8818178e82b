"""Ozow's hash and messages: published vectors, and what must not matter."""

import hashlib
from urllib.parse import urlencode

import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from gateways.base import GatewayOutcomeUnknownError, MalformedUpdateError
from gateways.ozow_wire import Answer, Notification, bank_reference, money, read_json, request_hash
from tests.gateways.ozow_bench import PRIVATE_KEY
from tests.gateways.ozow_vectors import check_ozow
from tests.gateways.test_vectors import Vector, load_vectors

# From a third party's test suite, made with the public key of Ozow's test site.
NOTIFICATION = {
    "SiteCode": "TSTSTE0001",
    "TransactionId": "1cd47b26-9d24-4b1d-a1b0-6b7c9e1a2f3b",
    "TransactionReference": "ONS-TESTREF",
    "Amount": "25.01",
    "Status": "Complete",
    "Optional1": "",
    "Optional2": "",
    "Optional3": "",
    "Optional4": "",
    "Optional5": "",
    "CurrencyCode": "ZAR",
    "IsTest": "true",
    "StatusMessage": "Test transaction completed",
}
NOTIFICATION_HASH = (
    "beea3fcf3790e12e9889e3bf5b6988c38609f6214dffd20ea16143e870256e1d"
    "8283445f21a1d5ab92677bcb5e0cde52ff48836f2c76b49833241d98e9f5074a"
)
# The same suite's request: the addresses stand after each other, as everything does.
REQUEST = {
    "SiteCode": "TSTSTE0001",
    "CountryCode": "ZA",
    "CurrencyCode": "ZAR",
    "Amount": "25.01",
    "TransactionReference": "ONS-TESTREF",
    "BankReference": "OnServe",
    "CancelUrl": "https://example.com/cancel",
    "ErrorUrl": "https://example.com/error",
    "SuccessUrl": "https://example.com/success",
    "NotifyUrl": "https://example.com/notify",
    "IsTest": "true",
}
REQUEST_HASH = (
    "aab3dedeb1d6e14b0c3343913972490c37056ec607d1343e11748b87e7ecd63d"
    "7bdb609c3cd05a2bc5f8dc138d9911205dc4986f7e446e2db0492c36870217f4"
)


def notified(claimed: str, **changes: str) -> Notification:
    return Notification(urlencode({**NOTIFICATION, **changes, "Hash": claimed}).encode())


def by_hand(**changes: str) -> str:
    """The hash of the notification with `changes`, as the documents describe it."""
    return hashlib.sha512(("".join((NOTIFICATION | changes).values()) + PRIVATE_KEY).lower().encode()).hexdigest()


@pytest.mark.parametrize("vector", [each for each in load_vectors() if each["gateway"] == "ozow"], ids=lambda each: each["id"])
def test_a_published_vector_is_reproduced_and_its_wrong_answers_are_not(vector: Vector) -> None:
    check_ozow(vector)


def test_the_notification_of_a_third_partys_suite_is_genuine() -> None:
    wrong = {"not_lower_cased": hashlib.sha512(("".join(NOTIFICATION.values()) + PRIVATE_KEY).encode()).hexdigest()}
    check_ozow({"inputs": NOTIFICATION, "key": PRIVATE_KEY, "expected": NOTIFICATION_HASH, "wrong_answers": wrong})


def test_the_request_of_a_third_partys_suite_is_reproduced_in_any_order_of_its_fields() -> None:
    assert request_hash(REQUEST, PRIVATE_KEY) == REQUEST_HASH
    assert request_hash(dict(reversed(REQUEST.items())), PRIVATE_KEY) == REQUEST_HASH


@pytest.mark.parametrize("name", [name for name, value in NOTIFICATION.items() if value])
def test_each_field_of_the_list_is_covered(name: str) -> None:
    assert not notified(NOTIFICATION_HASH, **{name: "other"}).is_signed(PRIVATE_KEY)


@pytest.mark.parametrize("name", ["Optional1", "Optional2", "Optional3", "Optional4", "Optional5"])
def test_an_optional_field_that_came_empty_cannot_be_filled(name: str) -> None:
    assert not notified(NOTIFICATION_HASH, **{name: "other"}).is_signed(PRIVATE_KEY)
    assert notified(by_hand(**{name: "other"}), **{name: "other"}).is_signed(PRIVATE_KEY)


def test_a_field_outside_the_list_changes_nothing() -> None:
    message = notified(NOTIFICATION_HASH, SubStatus="Unclassified", BankName="Capitec", MaskedAccountNumber="***1234")
    assert message.is_signed(PRIVATE_KEY)
    assert message.get("BankName") is None


def test_field_names_are_read_in_any_letter_case_and_in_any_order() -> None:
    fields = {name.upper(): value for name, value in reversed({**NOTIFICATION, "Hash": NOTIFICATION_HASH}.items())}
    message = Notification(urlencode(fields).encode())
    assert message.is_signed(PRIVATE_KEY)
    assert message.require("TransactionReference") == "ONS-TESTREF"


def test_optional_fields_that_are_left_out_are_as_good_as_empty_ones() -> None:
    fields = {name: value for name, value in NOTIFICATION.items() if value}
    assert Notification(urlencode({**fields, "Hash": NOTIFICATION_HASH}).encode()).is_signed(PRIVATE_KEY)


@pytest.mark.parametrize("casing", ["True", "TRUE", "true"])
def test_the_casing_of_a_boolean_does_not_matter(casing: str) -> None:
    assert notified(NOTIFICATION_HASH, IsTest=casing).is_signed(PRIVATE_KEY)


def test_a_notification_without_is_test_is_hashed_as_if_it_said_false() -> None:
    fields = {name: value for name, value in NOTIFICATION.items() if name != "IsTest"}
    message = Notification(urlencode({**fields, "Hash": by_hand(IsTest="false")}).encode())
    assert message.is_signed(PRIVATE_KEY)


def test_a_hash_that_lost_its_leading_zeros_is_genuine() -> None:
    message = next(text for text in (f"Try {number}" for number in range(99_999)) if by_hand(StatusMessage=text)[:2] == "00")
    whole = by_hand(StatusMessage=message)
    for claimed in (whole, whole.upper(), whole.lstrip("0")):
        assert notified(claimed, StatusMessage=message).is_signed(PRIVATE_KEY)
    for forged in (whole[2:] + "00", "0" + whole, whole[3:], whole.rstrip("0")[:-1]):
        assert not notified(forged, StatusMessage=message).is_signed(PRIVATE_KEY)


@pytest.mark.parametrize("claimed", ["", "0", "0" * 128, "none", "é" * 128])
def test_what_is_no_hash_is_refused(claimed: str) -> None:
    assert not notified(claimed).is_signed(PRIVATE_KEY)


@pytest.mark.parametrize(
    "body",
    [
        urlencode({**NOTIFICATION, "Hash": NOTIFICATION_HASH, "status": "Complete"}).encode(),
        b"&".join(b"a=1" for _ in range(101)),
        b"Status=" + b"x" * 70_000,
        b"Status=%ff",
        b"Status=Comp%00lete",
        b"\xff",
    ],
)
def test_a_message_that_could_be_read_in_two_ways_or_not_at_all_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedUpdateError):
        Notification(body)


def test_one_genuine_message_can_be_cut_otherwise_which_is_why_ozow_is_asked() -> None:
    """Not a wish, but what a hash without separators allows: see the module's docstring."""
    recut = notified(NOTIFICATION_HASH, TransactionReference="ONS-TESTREF2", Amount="5.01")
    assert recut.is_signed(PRIVATE_KEY)


@pytest.mark.parametrize(
    ("description", "reference", "told"),
    [
        ("Invoice CRE-000012, July 2026", "att_1", "Invoice CRE-000012"),
        ("Fees", "att_1", "Fees"),
        ("Bücher & Öl", "att_1", "Bucher Ol"),
        ("Antidisestablishmentarianism 2026", "att_01JZ", "att01JZ"),
        ("—…", "att_01jz8k3v9qweqm5f7d2s6h4n0x", "3v9qweqm5f7d2s6h4n0x"),
        ("", "CVT-12", "CVT-12"),
    ],
)
def test_the_bank_statement_shows_whole_words_or_the_end_of_the_reference(description: str, reference: str, told: str) -> None:
    assert bank_reference(description, reference) == told


def test_without_any_letter_there_is_nothing_for_the_bank_statement() -> None:
    with pytest.raises(InvalidInputError, match="description"):
        bank_reference("…", "___")


def test_numbers_of_an_answer_never_pass_through_a_float() -> None:
    answer = Answer(read_json(b'{"Amount": 0.30000000000000004, "count": 12, "isTest": true, "x": null, "y": {}}'))
    assert answer.get("amount") == "0.30000000000000004"
    assert (answer.get("count"), answer.get("isTest"), answer.get("x"), answer.get("y")) == ("12", "true", None, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"amount": NaN}', b"[" * 100_000])
def test_what_is_not_json_tells_nothing(body: bytes) -> None:
    with pytest.raises(GatewayOutcomeUnknownError):
        read_json(body)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("12.5", "zar", Money(12_50, "ZAR")),
        ("12.5000", "ZAR", Money(12_50, "ZAR")),
        ("12", "USD", Money(12_00, "USD")),
        ("12.505", "ZAR", None),
        ("1e3", "ZAR", None),
        ("12.50", "XYZ", None),
        (None, "ZAR", None),
    ],
)
def test_an_amount_is_told_exactly_or_not_at_all(amount: str | None, currency: str, told: Money | None) -> None:
    assert money(amount, currency) == told
