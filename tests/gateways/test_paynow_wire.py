"""Paynow's messages: order, decoding and the hash over values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from gateways.base import GatewayOutcomeUnknownError, MalformedUpdateError
from gateways.paynow_wire import Message, decode_pairs, encode_pairs, hash_values, sign_pairs, verify_pairs

KEY = "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"

names = st.text(min_size=1, max_size=12).filter(lambda name: name.strip().lower() != "hash")
messages = st.lists(st.tuples(names, st.text(max_size=40)), min_size=1, max_size=20)


@given(messages)
def test_any_fields_survive_the_wire_in_order_with_their_hash(pairs: list[tuple[str, str]]) -> None:
    signed = sign_pairs(pairs, KEY)
    received = decode_pairs(encode_pairs(signed))
    assert received == signed
    assert verify_pairs(received, KEY)


@given(messages, st.data())
def test_any_change_of_one_value_breaks_the_hash(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    signed = sign_pairs(pairs, KEY)
    index = data.draw(st.integers(0, len(pairs) - 1))
    name, value = signed[index]
    signed[index] = (name, data.draw(st.text(max_size=40).filter(lambda other: other != value)))
    assert not verify_pairs(signed, KEY)


@given(messages, st.text(min_size=1, max_size=20))
def test_a_field_that_somebody_adds_breaks_the_hash(pairs: list[tuple[str, str]], value: str) -> None:
    assert not verify_pairs([("added", value), *sign_pairs(pairs, KEY)], KEY)


def test_the_key_is_a_guid_in_whatever_case_it_was_typed() -> None:
    assert hash_values(["1201"], f" {KEY.upper()}\n") == hash_values(["1201"], KEY)


@pytest.mark.parametrize("hashes", [[], [""], ["é"], ["0" * 128]])
def test_a_message_without_the_right_hash_does_not_verify(hashes: list[str]) -> None:
    assert not verify_pairs([("status", "Paid"), *(("hash", value) for value in hashes)], KEY)


def test_a_message_with_two_hashes_does_not_verify_even_when_both_are_right() -> None:
    signed = sign_pairs([("status", "Paid")], KEY)
    assert not verify_pairs([*signed, signed[-1]], KEY)


def test_values_are_decoded_once_and_empty_and_repeated_fields_are_kept() -> None:
    assert decode_pairs(b"a=1%2B1&b=&a=x+y&c=%2525") == [("a", "1+1"), ("b", ""), ("a", "x y"), ("c", "%25")]


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"&".join([b"a=1"] * 101), b"a=" + b"1" * 65_536])
def test_what_is_too_long_or_not_utf_8_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedUpdateError):
        decode_pairs(body)


def test_a_hundred_fields_are_still_read() -> None:
    assert len(decode_pairs(b"&".join([b"a=1"] * 100))) == 100


def test_names_are_read_in_any_case_and_values_trimmed() -> None:
    message = Message(b"PayNowReference=+1%2c082+&STATUS=")
    assert message.get("paynowreference") == "1,082"
    assert message.get("status") is None


def test_a_field_that_is_there_twice_is_refused_in_any_case() -> None:
    with pytest.raises(MalformedUpdateError, match="status 2 times"):
        Message(b"status=Paid&Status=Cancelled").get("status")


def test_a_reply_that_makes_no_sense_leaves_the_outcome_unknown() -> None:
    with pytest.raises(GatewayOutcomeUnknownError):
        Message(b"\xff", GatewayOutcomeUnknownError)
    with pytest.raises(GatewayOutcomeUnknownError, match="no status"):
        Message(b"", GatewayOutcomeUnknownError).require("status")


@pytest.mark.parametrize("body", [b"status=Pa%00id", b"sta%00tus=Paid", b"error=\x00"])
def test_a_message_with_nul_is_malformed_and_a_reply_with_it_tells_nothing(body: bytes) -> None:
    for error in (MalformedUpdateError, GatewayOutcomeUnknownError):
        with pytest.raises(error, match="NUL"):
            Message(body, error)


@pytest.mark.parametrize("text", ["12.5", "12.50", "12.500"])
def test_amounts_are_read_exactly_however_many_digits_are_sent(text: str) -> None:
    assert Message(f"amount={text}".encode()).amount("amount", "USD") == Money(1250, "USD")


@pytest.mark.parametrize("text", ["12,50", "1,000.00", "USD 5", "12.505", "1e3"])
def test_an_amount_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(MalformedUpdateError, match="amount"):
        Message(f"amount={text}".encode()).amount("amount", "USD")


def test_what_belongs_to_a_card_is_not_kept() -> None:
    message = Message(b"reference=01&token=abc-123&tokenexpiry=05NOV2026&paymentinstrument=411111xxxxxx1111")
    assert message.raw == "reference=01&token=withheld&tokenexpiry=withheld&paymentinstrument=withheld"
    assert Message(b"error=4111+1111%201111+1111").raw == f"error={'%2A' * 12}1111"
    assert Message(b"reference=01&x=%3a").raw == "reference=01&x=%3a"


def test_a_hash_is_kept_even_where_its_digits_look_like_a_card_number() -> None:
    assert Message(b"status=Paid&hash=F4111111111111111A").raw == "status=Paid&hash=F4111111111111111A"
