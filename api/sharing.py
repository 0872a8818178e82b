"""Sharing a payment link by WhatsApp: an address that opens a chat with the message written. Nothing is sent by us."""

from urllib.parse import quote

import phonenumbers

from domain.money import Money
from wording import write_money


def whatsapp_url(phone: str | None, locale: str, message: str) -> str:
    """An address such as `https://wa.me/263771234567?text=Hello…`.

    Args:
        phone: the customer's, in whatever form; without one that can be dialled, WhatsApp asks whom the message is for.
        locale: the business's, such as `en_ZW`: a number without a country code is one of its country.
        message: what is ready to be sent.
    """
    return f"https://wa.me/{_international_digits(phone, locale)}?text={quote(message, safe='')}"


def invitation(*, customer_name: str, business_name: str, purpose: str, amount: Money, address: str, locale: str) -> str:
    """The message that goes with a link: who asks, how much, what for, and where to pay."""
    hello = f"Hello {customer_name}, this is {business_name}."
    return f"{hello} Here is your payment link for {write_money(amount, locale)} ({purpose}):\n{address}\nThank you!"


def _international_digits(phone: str | None, locale: str) -> str:
    """`0771234567` of a Zimbabwean business as `263771234567`; empty when it cannot be dialled."""
    region = locale.replace("-", "_").rpartition("_")[2].upper()
    try:
        number = phonenumbers.parse(phone or "", region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
