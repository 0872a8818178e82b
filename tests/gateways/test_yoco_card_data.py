"""Of a card nothing but brand and last four digits is ever returned or kept, wherever in a message it stands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.payment import Outcome
from gateways.transport import Transport
from gateways.yoco import Yoco
from tests.gateways.yoco_events import PAYMENT, body_of, changed, sent
from tests.gateways.yoco_script import ACCOUNT, CHECKOUT, REQUEST, scripted

PAN = "4111111111111111"
SPACED = "5555 5555 5555 4444"
EXPIRY = 2983  # no other number in the messages has these digits
CARD = {"expiryMonth": EXPIRY, "expiryYear": EXPIRY, "maskedCard": PAN, "scheme": "visa", "cvv": "8297", "holder": "T. Moyo"}
TRACES = (PAN, SPACED, str(EXPIRY), "8297", "Moyo", "411111")


@pytest.fixture
def yoco(transport: Transport) -> Yoco:
    return Yoco(transport)


def with_card(card: object, **more: Any) -> dict[str, Any]:
    return changed(PAYMENT, {"paymentMethodDetails": {"type": "card", "card": card}, **more})


def forms(yoco: Yoco, event: object) -> Iterator[str]:
    """All that is returned or stored of an event."""
    body = body_of(event)
    inbound = sent(body)
    state = yoco.verify_update(ACCOUNT, inbound)
    kept = yoco.keepable(body)
    yield from (repr(state), repr(yoco.read_update(inbound)), kept.decode(), repr(yoco.confirm_update(ACCOUNT, kept)))


@pytest.mark.parametrize(
    "event",
    [
        with_card(CARD),
        with_card(CARD | {"maskedCard": int(PAN)}),
        with_card([CARD]),
        with_card(json.dumps(CARD)),
        changed(PAYMENT, {"Card": CARD, "nested": [{"cardDetails": CARD}]}),
        changed(PAYMENT, {"expiryMonth": EXPIRY, "expiry": str(EXPIRY), "CVC": "8297", "cardNumber": SPACED}),
        with_card(CARD | {"scheme": PAN}),
    ],
)
def test_no_form_of_an_event_has_more_of_a_card(yoco: Yoco, event: dict[str, Any]) -> None:
    for form in forms(yoco, event):
        assert not [trace for trace in TRACES if trace in form]


@pytest.mark.parametrize(
    "stray",
    [PAN, f"card {PAN}.", SPACED, SPACED.replace(" ", "-"), "378282246310005", "3782 822463 10005", "4222222222222", int(PAN)],
)
def test_a_card_number_that_strayed_into_another_field_is_masked(yoco: Yoco, stray: str | int) -> None:
    event = changed(PAYMENT, {"failureReason": stray, "list": [stray], str(stray): 1, "amountText": float("1.5")})
    for form in forms(yoco, event):
        assert str(stray) not in form
    assert str(stray)[-4:] in yoco.keepable(body_of(event)).decode() or str(stray).endswith(".")


@pytest.mark.parametrize("number", ["4111111111111112", "411111111111", "41111111111111111111", "1783326600000"])
def test_other_long_numbers_are_left_alone(yoco: Yoco, number: str) -> None:
    assert number in yoco.keepable(body_of(changed(PAYMENT, {"note": number}))).decode()


def test_what_is_kept_is_the_event_but_for_its_card(yoco: Yoco) -> None:
    kept = json.loads(yoco.keepable(body_of(PAYMENT)))
    assert kept == with_card({"scheme": "visa", "maskedCard": "************1111"})
    assert yoco.keepable(yoco.keepable(body_of(PAYMENT))) == yoco.keepable(body_of(PAYMENT))


@pytest.mark.parametrize(
    ("card", "brand", "last_four"),
    [
        ({"scheme": "mastercard", "maskedCard": "555555******4444"}, "mastercard", "4444"),
        ({"scheme": "a scheme with a very long name", "maskedCard": "*1234 "}, "a scheme with a very", "1234"),
        ({"scheme": None, "maskedCard": "************"}, None, None),
        ({"scheme": "visa\u0000", "maskedCard": "************111\u0661"}, None, None),
        ({"scheme": "", "maskedCard": 1111}, None, None),
        ({}, None, None),
        (None, None, None),
        ("visa", None, None),
    ],
)
def test_brand_and_last_four_are_read_where_they_make_sense(
    yoco: Yoco, card: object, brand: str | None, last_four: str | None
) -> None:
    state = yoco.verify_update(ACCOUNT, sent(body_of(with_card(card))))
    assert (state.outcome, state.card_brand, state.card_last_four) == (Outcome.PAID, brand, last_four)
    assert yoco.confirm_update(ACCOUNT, yoco.keepable(body_of(with_card(card)))) == state


def test_answers_of_the_api_are_kept_without_cards_too(yoco: Yoco) -> None:
    with scripted() as script:
        script.says(200, CHECKOUT | {"card": CARD, "note": PAN})
        checkout = yoco.open_checkout(script.account, REQUEST)
        state = yoco.poll(script.account, str(checkout.poll_url))
        script.answers.clear()
        script.says(422, {"description": f"Card {PAN} is wrong", "card": CARD})
        refused = yoco.open_checkout(script.account, REQUEST)
    for form in (repr(checkout), repr(state), repr(refused)):
        assert "1111" in form
        assert not [trace for trace in TRACES if trace in form]
