"""Mobile money numbers: people write them in many ways, the gateway wants one."""

import re

import phonenumbers

from domain.errors import InvalidInputError

_REGION = "ZW"
_COUNTRY_CODE = 263
# The library takes other lengths of a national number for possible, because landlines have them.
_MOBILE = re.compile(r"7[0-9]{8}")


def mobile_number(text: str | None) -> str:
    """A Zimbabwean mobile number in national form: `0771234567`.

    Raises:
        InvalidInputError: missing, or not such a number.
    """
    if not text or not text.strip():
        raise InvalidInputError("phone", "mobile money needs the payer's phone number, such as 0771234567.")
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        raise InvalidInputError("phone", f"{text!r} is not a phone number such as 0771234567.") from None
    national = phonenumbers.national_significant_number(number)
    # The documented test numbers (0771111111 …) are valid in form; more than the form the gateway decides.
    if number.country_code != _COUNTRY_CODE or not _MOBILE.fullmatch(national):
        raise InvalidInputError("phone", f"{text!r} is not a Zimbabwean mobile number such as 0771234567.")
    return f"0{national}"
