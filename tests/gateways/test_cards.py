"""Card numbers are found however they are written, and what belongs to a card is dropped under any usual name."""

import pytest

from gateways.cards import masked, without_card_data

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "written",
    [
        "4111.1111.1111.1111",
        "4111_1111_1111_1111",
        "4111  1111  1111  1111",
        "4111 -1111 -1111 -1111",
        "4111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111",
        "4111\N{NON-BREAKING HYPHEN}1111\N{EN DASH}1111-1111",
        "".join(chr(ord(digit) + 0xFEE0) for digit in VISA),  # full-width digits
        f"{VISA}1226",
        f"{VISA}2612",
        f"{VISA}122026",
        f"{VISA}202612",
        f"{VISA}=26121010000012345678",
        "4111 1111 1111 1111 123",
    ],
)
def test_a_card_number_is_masked_however_it_is_set_apart(written: str) -> None:
    assert masked(f"card {written}, declined") == "card ************1111, declined"


@pytest.mark.parametrize("written", ["3056 930902 5904", "30569309025904", "3056-930902-5904"])
def test_a_diners_card_is_masked_in_its_own_groups(written: str) -> None:
    assert masked(written) == "************5904"


def test_a_number_behind_other_digits_and_a_second_one_are_masked_too() -> None:
    assert masked("Till 1234 4111 1111 1111 1111 or 5555 5555 5555 4444.") == "Till 1234 ************1111 or ************4444."


@pytest.mark.parametrize(
    "text",
    [
        "4111.1111.1111.1112",
        f"{VISA}1399",
        f"{VISA}1111",
        f"9{VISA}122026",
        "2026-08-01 12:00:00.000 1234",
        "c56a4180-1234-1234-1234-567812345678",
        "R1 234.50, R4 111.00",
    ],
)
def test_other_digits_are_left_as_they_are(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "expMonth",
        "exp_year",
        "cardExpiry",
        "card_expiry_date",
        "expirationDate",
        "securityCode",
        "security-code",
        "card_number",
    ],
)
def test_what_belongs_to_a_card_is_dropped_outside_a_card_as_well(name: str) -> None:
    assert without_card_data({"details": {name: "02/30", "type": "card"}}) == {"details": {"type": "card"}}


@pytest.mark.parametrize("name", ["expiresAt", "expected", "exponent", "description"])
def test_fields_with_names_that_only_begin_alike_are_kept(name: str) -> None:
    assert without_card_data({name: "x"}) == {name: "x"}


def test_a_card_is_reduced_under_any_way_of_writing_its_name() -> None:
    card = {"scheme": "visa", "maskedCard": VISA, "holder": "T. Moyo"}
    assert without_card_data({"card_details": card}) == {"card_details": {"scheme": "visa", "maskedCard": "************1111"}}
