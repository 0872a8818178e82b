"""Ozow's messages as Ozow writes them: field tables, the hash, and what a request may hold.

No code is shared with our gateway: what both got wrong together would pass every test.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from dev.simulators.incoming import read_json

Fields = dict[str, str]

# In table order, with the most characters each may have.
HASHED = {
    "SiteCode": 50,
    "CountryCode": 2,
    "CurrencyCode": 3,
    "Amount": 12,
    "TransactionReference": 50,
    "BankReference": 20,
    "Optional1": 50,
    "Optional2": 50,
    "Optional3": 50,
    "Optional4": 50,
    "Optional5": 50,
    "Customer": 100,
    "CancelUrl": 150,
    "ErrorUrl": 150,
    "SuccessUrl": 150,
    "NotifyUrl": 150,
    "IsTest": 5,
    "SelectedBankId": 36,
    "BankAccountNumber": 50,
    "BranchCode": 10,
    "BankAccountName": 50,
    "PayeeDisplayName": 50,
    "ExpiryDateUtc": 16,
    "AllowVariableAmount": 5,
    "VariableAmountMin": 12,
    "VariableAmountMax": 12,
}
# The documents do not say whether CustomerIdentifier is hashed; we chose that it is not.
NOT_HASHED = {"CustomerIdentifier": 13, "CustomerCellphoneNumber": 10, "GenerateShortUrl": 5, "HashCheck": 250, "Token": 250}
REQUIRED = ("SiteCode", "CountryCode", "CurrencyCode", "Amount", "TransactionReference", "BankReference", "IsTest", "HashCheck")
LONGEST = HASHED | NOT_HASHED

NOTIFIED = (
    "SiteCode",
    "TransactionId",
    "TransactionReference",
    "Amount",
    "Status",
    *(f"Optional{number}" for number in range(1, 6)),
    "CurrencyCode",
    "IsTest",
    "StatusMessage",
)

_NAMES = {name.lower(): name for name in LONGEST}
AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_BANK_REFERENCE = re.compile(r"[A-Za-z0-9 -]+")


class RefusedError(Exception):
    """The request is answered with an `errorMessage`; the text is the message."""


def hash_of(text: str, private_key: str) -> str:
    """SHA-512 over values and private key, all in lower case: lower-case hex."""
    return hashlib.sha512((text + private_key).lower().encode("utf-8")).hexdigest()


def check_of(fields: Mapping[str, str], private_key: str) -> str:
    """The `HashCheck` that a request must carry: over what was sent, in table order."""
    values = [
        fields[name]
        for name in HASHED
        if name in fields and not (name == "AllowVariableAmount" and fields[name].lower() == "false")
    ]
    return hash_of("".join(values), private_key)


def signed(fields: Mapping[str, str], private_key: str) -> Fields:
    """A notification, or a redirect, with its hash at the end."""
    return {**fields, "Hash": hash_of("".join(fields[name] for name in NOTIFIED), private_key)}


def from_json(body: bytes) -> Fields:
    """The fields of a JSON request by their documented names; numbers as they were written.

    Raises:
        RefusedError: it is not a JSON object.
    """
    sent = parsed(body)
    if not isinstance(sent, dict):
        raise RefusedError("The request is not a JSON object.")
    return _named((name, as_text(value)) for name, value in sent.items() if value is not None)


def from_form(body: bytes) -> Fields:
    """The fields of a posted form by their documented names."""
    return _named(_pairs(body))


def pressed(body: bytes) -> Fields:
    """The fields of any other form, trimmed, by lower-case name."""
    return {name.lower(): value.strip() for name, value in _pairs(body)}


def parsed(body: bytes) -> Any:
    """JSON with its numbers as text, for they are hashed as written."""
    try:
        return read_json(body, str)
    except ValueError:
        raise RefusedError("The request is not JSON.") from None


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_fields(fields: Fields) -> None:
    """Refuse what the table does not allow; the hash is checked elsewhere.

    Raises:
        RefusedError: by the first field that is wrong.
    """
    for name in REQUIRED:
        if not fields.get(name):
            raise RefusedError(f"{name} is required.")
    for name, value in fields.items():
        if len(value) > LONGEST[name]:
            raise RefusedError(f"{name} has more than {LONGEST[name]} characters.")
    if (fields["CountryCode"], fields["CurrencyCode"]) != ("ZA", "ZAR"):
        raise RefusedError("CountryCode must be ZA and CurrencyCode ZAR.")
    if not AMOUNT.fullmatch(fields["Amount"]) or Decimal(fields["Amount"]) <= 0:
        raise RefusedError("Amount is not a valid amount.")
    if not _BANK_REFERENCE.fullmatch(fields["BankReference"]):
        raise RefusedError("BankReference may only hold letters, digits, spaces and dashes.")
    if fields["IsTest"].lower() not in {"true", "false"}:
        raise RefusedError("IsTest must be true or false.")


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def _named(pairs: Iterable[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        if name.lower() in _NAMES:
            fields.setdefault(_NAMES[name.lower()], value)
    return fields
