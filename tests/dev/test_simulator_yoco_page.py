"""The Yoco simulator's hosted page: Yoco's test cards, wrong input, and the ways back."""

from collections.abc import Iterator

import pytest

from tests.dev.yoco_shop import DECLINED_CARD, GOOD_CARD, Shop, simulated, visiting


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


def test_the_page_shows_what_is_paid_and_for_what(shop: Shop) -> None:
    checkout = shop.checkout(externalId="<b>Order</b> 7", amount=123_405)
    page = shop.http.get(checkout["redirectUrl"])
    assert page.status_code == 200
    assert "ZAR 1234.05" in page.text
    assert "&lt;b&gt;Order&lt;/b&gt; 7" in page.text
    assert "<b>Order" not in page.text
    assert shop.read(checkout)["status"] == "started"


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444"])
def test_a_good_card_pays_and_leads_back(shop: Shop, number: str) -> None:
    checkout = shop.checkout()
    answer = shop.press(checkout, **(GOOD_CARD | {"number": number}))
    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example.com/paid")
    paid = shop.read(checkout)
    assert paid["status"] == "completed"
    assert paid["paymentId"].startswith("p_")


def test_a_declined_card_leaves_the_payer_on_the_page_to_try_another(shop: Shop) -> None:
    checkout = shop.checkout()
    answer = shop.press(checkout, **DECLINED_CARD)
    assert (answer.status_code, "declined this card" in answer.text) == (200, True)
    assert (shop.read(checkout)["status"], shop.read(checkout)["paymentId"]) == ("started", None)
    assert shop.press(checkout, **GOOD_CARD).headers["location"] == "https://shop.example.com/paid"


def test_a_payer_who_gives_up_is_led_back_by_how_it_went(shop: Shop) -> None:
    checkout = shop.checkout()
    assert shop.press(checkout, decision="cancel").headers["location"] == "https://shop.example.com/cancelled"
    shop.press(checkout, **DECLINED_CARD)
    assert shop.press(checkout, decision="cancel").headers["location"] == "https://shop.example.com/failed"
    assert shop.read(checkout)["status"] == "started"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "4111 1111 1111 1112"}, "not a card number"),
        ({"number": ""}, "not a card number"),
        ({"number": "4242424242424242"}, "use one of the test cards"),
        ({"expiry": "13/39"}, "month and year"),
        ({"expiry": "0839"}, "month and year"),
        ({"expiry": "01/20"}, "has expired"),
        ({"cvc": "12"}, "3 or 4 digits"),
        ({"cvc": "abc"}, "3 or 4 digits"),
    ],
)
def test_wrong_input_is_shown_beside_its_field_and_charges_nothing(shop: Shop, change: dict[str, str], words: str) -> None:
    checkout = shop.checkout()
    answer = shop.press(checkout, **(GOOD_CARD | change))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert shop.read(checkout)["paymentId"] is None


def test_a_paid_checkout_takes_no_second_payment(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.press(checkout, **GOOD_CARD)
    for typed in (GOOD_CARD, DECLINED_CARD, {"decision": "cancel"}):
        assert shop.press(checkout, **typed).headers["location"] == "https://shop.example.com/paid"
    assert len(shop.control("GET", f"transactions/{checkout['id']}")["events"]) == 1
    assert "<form" not in shop.http.get(checkout["redirectUrl"]).text


def test_an_expired_checkout_takes_none(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.move(checkout, "expired")
    assert shop.press(checkout, **GOOD_CARD).status_code == 200
    assert shop.read(checkout)["status"] == "expired"
    assert "has expired" in shop.http.get(checkout["redirectUrl"]).text


def test_a_checkout_without_addresses_keeps_the_payer(shop: Shop) -> None:
    checkout = shop.checkout(successUrl=None, cancelUrl=None)
    assert shop.press(checkout, decision="cancel").status_code == 200
    assert "is complete" in shop.press(checkout, **GOOD_CARD).text


def test_a_page_that_is_not_there_says_so(shop: Shop) -> None:
    page = "/checkout/ch_nobody"
    assert (shop.http.get(page).status_code, shop.http.post(page, data=GOOD_CARD).status_code) == (404, 404)


def test_no_card_number_is_remembered(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.press(checkout, **GOOD_CARD)
    assert "41111111" not in str(shop.control("GET", f"transactions/{checkout['id']}"))
