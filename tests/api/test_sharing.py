"""A payment link in a WhatsApp chat: to the customer's number in international form, with the message ready to be sent."""

from urllib.parse import parse_qs, urlsplit

import pytest

from api.sharing import invitation, whatsapp_url
from domain.money import Money

MESSAGE = "Hello Moyo & Sons, pay 100% here:\nhttps://pay.example/pay/pay_1?a=b#c"


@pytest.mark.parametrize(
    ("phone", "locale", "digits"),
    [
        ("0771234567", "en_ZW", "263771234567"),
        ("077 123 4567", "en-ZW", "263771234567"),
        ("+263 77 123 4567", "en_ZA", "263771234567"),
        ("082 123 4567", "en_ZA", "27821234567"),
        ("+27821234567", "en_ZW", "27821234567"),
        (None, "en_ZW", ""),
        ("", "en_ZW", ""),
        ("call my brother", "en_ZW", ""),
        ("12", "en_ZW", ""),
        ("0771234567", "en", ""),
    ],
)
def test_the_chat_is_with_the_customer_where_the_number_can_be_dialled(phone: str | None, locale: str, digits: str) -> None:
    assert whatsapp_url(phone, locale, "Hello").split("?")[0] == f"https://wa.me/{digits}"


def test_the_message_arrives_as_it_was_written() -> None:
    url = whatsapp_url("0771234567", "en_ZW", MESSAGE)
    assert parse_qs(urlsplit(url).query) == {"text": [MESSAGE]}
    assert set(url) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/?=%._-")


def test_the_message_says_who_asks_how_much_what_for_and_where() -> None:
    message = invitation(
        customer_name="Thandi Dube",
        business_name="Little Acorns",
        purpose="Registration fee 2027",
        amount=Money(123450, "ZAR"),
        address="https://pay.example/pay/pay_1",
        locale="en_ZA",
    )
    assert message == (
        "Hello Thandi Dube, this is Little Acorns. Here is your payment link for R1,234.50 (Registration fee 2027):\n"
        "https://pay.example/pay/pay_1\nThank you!"
    )
