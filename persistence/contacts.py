"""E-mail addresses and phone numbers as people write them, to the form that is stored. No look-up in any network."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.customer_import import ContactRule
from domain.errors import InvalidInputError


def email_address(written: str) -> str:
    """An address with its domain in lower case.

    Raises:
        InvalidInputError: mail could never reach it. Whether the domain exists is not asked.
    """
    try:
        return validate_email(written, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidInputError("email", f"{written!r} is not an e-mail address such as name@business.com. {error}") from None


def phone_rule(locale: str) -> ContactRule:
    """The rule for phone numbers of a business whose locale is such as `en_ZW`.

    A number of its own country becomes the national number without spaces (`0771234567`), which is what mobile money asks for;
    one of another country keeps its country code (`+27821234567`), because it would mean somebody else without it.
    """
    region = locale.replace("-", "_").rpartition("_")[2].upper()

    def rule(written: str) -> str:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
            national = f"{_national(example)} or " if example else ""
            raise InvalidInputError("phone", f"{written!r} is not a phone number such as {national}+263771234567.")
        is_own = number.country_code == phonenumbers.country_code_for_region(region)
        return _national(number) if is_own else phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return rule


def _national(number: phonenumbers.PhoneNumber) -> str:
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(character for character in text if character.isdigit())
