"""PayFast's three signatures, and what is read of an ITN."""

import hashlib
from urllib.parse import urlencode

import pytest

from gateways.base import MalformedUpdateError
from gateways.payfast_wire import Itn, api_signature, checkout_signature, itn_signature
from gateways.payfast_wire import urlencode as php_urlencode
from tests.gateways.payfast_vectors import check_payfast
from tests.gateways.test_vectors import load_vectors

VECTORS = [vector for vector in load_vectors() if vector["gateway"] == "payfast"]


def md5(text: str) -> str:
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def test_all_published_vectors_of_payfast_are_at_hand() -> None:
    assert len(VECTORS) >= 5


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_vector_is_reproduced_and_its_wrong_answers_are_refused(vector: dict[str, object]) -> None:
    check_payfast(vector)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("a b", "a+b"),
        ("~", "%7E"),
        ("O'Neil (2)!*", "O%27Neil+%282%29%21%2A"),
        ("https://a.b/c?d=e&f", "https%3A%2F%2Fa.b%2Fc%3Fd%3De%26f"),
        ("Müller", "M%C3%BCller"),
        ("\N{NO-BREAK SPACE}x", "%C2%A0x"),
        ("-_.", "-_."),
    ],
)
def test_values_are_encoded_as_php_does_it(value: str, encoded: str) -> None:
    assert php_urlencode(value) == encoded


def test_a_checkout_is_signed_trimmed_in_the_order_given_and_without_blanks() -> None:
    pairs = [("b", " 1\t\r\n\v"), ("a", ""), ("c", " \n"), ("d", "0"), ("e", "\N{NO-BREAK SPACE}2")]
    assert checkout_signature(pairs) == md5("b=1&d=0&e=%C2%A02")
    assert checkout_signature(pairs, "pass word") == md5("b=1&d=0&e=%C2%A02&passphrase=pass+word")


def test_an_itn_is_signed_with_its_blanks_and_as_it_is() -> None:
    assert itn_signature([("b", ""), ("a", " 1 ")], "x") == md5("b=&a=+1+&passphrase=x")


def test_an_api_call_is_signed_sorted_with_the_passphrase_among_it() -> None:
    assert api_signature({"version": "v1", "merchant-id": "1"}, "x") == md5("merchant-id=1&passphrase=x&version=v1")
    assert api_signature({"version": "v1", "from": "2026-01-01"}) == md5("from=2026-01-01&version=v1")


def signed(pairs: list[tuple[str, str]], passphrase: str = "") -> bytes:
    return urlencode([*pairs, ("signature", itn_signature(pairs, passphrase))]).encode()


def test_the_signed_part_is_kept_byte_for_byte() -> None:
    body = b"m_payment_id=a%2fb&item_name=%c3%a9+x&custom_str1=&signature=00"
    itn = Itn(body)
    assert itn.signed_part == b"m_payment_id=a%2fb&item_name=%c3%a9+x&custom_str1="
    assert itn.pairs == [("m_payment_id", "a/b"), ("item_name", "\xe9 x"), ("custom_str1", "")]
    assert itn.raw == body.decode()


def test_what_follows_the_signature_is_not_read() -> None:
    itn = Itn(signed([("m_payment_id", "1"), ("amount_gross", "5.00")]) + b"&amount_gross=500.00&payment_status=COMPLETE")
    assert itn.is_signed("")
    assert itn.get("amount_gross") == "5.00"
    assert itn.get("payment_status") is None
    assert b"500" not in itn.signed_part


def test_a_captured_order_with_the_token_second_is_genuine_and_any_other_order_is_not() -> None:
    pairs = [("m_payment_id", "1"), ("token", "5a538bc0"), ("pf_payment_id", "2"), ("custom_int1", "")]
    assert Itn(signed(pairs, "salt")).is_signed("salt")
    body = urlencode([*pairs[::-1], ("signature", itn_signature(pairs, "salt"))]).encode()
    assert not Itn(body).is_signed("salt")


def test_a_signature_counts_in_either_letter_case_and_an_unsigned_message_never() -> None:
    pairs = [("m_payment_id", "1")]
    assert Itn(urlencode([*pairs, ("signature", itn_signature(pairs).upper())]).encode()).is_signed("")
    assert not Itn(b"m_payment_id=1").is_signed("")
    assert not Itn(b"m_payment_id=1&signature=").is_signed("")
    assert not Itn(b"m_payment_id=1&signature=%C3%A9").is_signed("")


def test_a_field_cannot_hide_behind_another_ones_name() -> None:
    """`item_name=x&amount_gross` as one encoded name would be signed like the two fields that it holds."""
    with pytest.raises(MalformedUpdateError):
        Itn(b"item_name%3Dx%26amount_gross=5.00&signature=00")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"a=1&&b=2",
        b"a=1\r\nb=2",
        b"a=\x00",
        b"a=%00",
        b"a=%FF",
        b"a=\xff",
        b"=1",
        b'{"m_payment_id": "1"}',
        b"&".join([b"a=1"] * 1000),
        b"a=" + b"1" * 70_000,
    ],
)
def test_what_is_no_form_of_payfasts_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedUpdateError):
        Itn(body)


def test_a_field_that_is_there_twice_is_refused_when_it_is_wanted() -> None:
    with pytest.raises(MalformedUpdateError, match="amount_gross 2 times"):
        Itn(b"amount_gross=5.00&amount_gross=9.00").get("amount_gross")


@pytest.mark.parametrize("text", ["", "1,000.00", "5.001", "NaN", "R5.00"])
def test_an_amount_that_makes_no_sense_is_none(text: str) -> None:
    body = urlencode({"amount_gross": text}).encode()
    assert Itn(body).amount("amount_gross", "ZAR") is None
