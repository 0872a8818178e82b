"""Letters: which ones there are, the facts each one tells, and whose name they go out in.

Words, layout and delivery live in `mail/`; when a letter is due is decided in `dunning.py` and by the workflows; the key that
makes each unique is in `message_keys.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from domain.errors import InvalidInputError
from domain.money import Money


class Letter(StrEnum):
    """The letters of billing, payments and account (requirements M1); each value is the name of its template folder."""

    INVOICE_ISSUED = "invoice_issued"
    PAYMENT_REMINDER = "payment_reminder"
    OVERDUE_NOTICE = "overdue_notice"
    FINAL_WARNING = "final_warning"
    PAYMENT_CONFIRMATION = "payment_confirmation"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_LINK = "payment_link"
    SUSPENSION_NOTICE = "suspension_notice"
    REACTIVATION_CONFIRMATION = "reactivation_confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What every letter knows.

    Fields named `…_link` are web addresses and fields named `days_…` count days; both are checked here, so that no letter
    goes out with a button that leads nowhere or with `-3 days`.

    Raises:
        InvalidInputError: names the field that no letter can be written with.
    """

    customer_name: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_link") and value is not None:
                require_web_address(field.name, value)
            if field.name.startswith("days_") and value < 0:
                raise InvalidInputError(field.name, f"{value} is not a number of days; it starts at 0, which is the due day.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _InvoiceFacts(_Facts):
    """What every letter about one unpaid invoice knows; `amount` is what is still due of it."""

    invoice_number: str
    amount: Money
    due_on: date
    payment_link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceIssuedFacts(_InvoiceFacts):
    """A new invoice.

    Attributes:
        total: what it was issued over; more than `amount` where a part is paid already.
        paid_from_credit: what the customer's credit paid of it, None or zero when nothing.
    """

    total: Money
    paid_from_credit: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReminderFacts(_InvoiceFacts):
    """An invoice that falls due in `days_until_due` days; 0 is today."""

    days_until_due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueNoticeFacts(_InvoiceFacts):
    """An invoice whose due day has come or gone.

    Attributes:
        days_overdue: whole days since the due day; 0 is the due day itself.
        warns_of_suspension: False where the policy has no step that suspends: an empty threat is not sent.
        suspends_on: the day on which the account is suspended, None when it is not known.
    """

    days_overdue: int
    warns_of_suspension: bool = True
    suspends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalWarningFacts(_InvoiceFacts):
    """The last letter before suspension; `suspends_on` is None when the day is not known."""

    days_overdue: int
    suspends_on: date | None = None


@dataclass(frozen=True, slots=True)
class PaidPart:
    """An invoice that a payment went to: how much of it, and what is left of the invoice (zero: paid in full)."""

    invoice_number: str
    amount: Money
    amount_still_due: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfirmationFacts(_Facts):
    """Money that was received.

    Attributes:
        reference: what the payer and the business find the payment by.
        amount: what was received.
        payment_on: the day it was received, in the tenant's zone.
        method_name: the method's human name, such as `EcoCash`.
        invoice_number: the invoice it went to, None when it covers none.
        amount_still_due: what is left of that invoice (zero: paid in full), None when it covers none.
        credit: what was left over and is kept for the customer, None or zero when nothing was.
        purpose: what the payer was told it is for, such as `Registration fee`; None when the invoice says it.
        parts: all invoices that it went to, where there are several.
    """

    reference: str
    amount: Money
    payment_on: date
    method_name: str
    invoice_number: str | None = None
    amount_still_due: Money | None = None
    credit: Money | None = None
    purpose: str | None = None
    parts: tuple[PaidPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailedFacts(_Facts):
    """A payment that did not go through.

    Attributes:
        reference: what the payer and the business find the attempt by.
        amount: what was tried.
        reason: why, as one sentence in plain words; never a gateway's code.
        payment_link: where to try again.
        invoice_number: the invoice it was for, None when it was for none.
        purpose: what the payer was told it is for; None when the invoice says it.
    """

    reference: str
    amount: Money
    reason: str
    payment_link: str
    invoice_number: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLinkFacts(_Facts):
    """A payment that staff ask for.

    Attributes:
        description: what it is for, such as `Registration fee 2027` or `Invoice CVT-000012`.
        amount: what is asked for now.
        payment_link: where to pay.
        expires_on: the day, in the tenant's zone, in the course of which the link ends; None when it does not.
    """

    description: str
    amount: Money
    payment_link: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionNoticeFacts(_Facts):
    """An account that was suspended.

    Attributes:
        reason: why, as one sentence in plain words.
        contact_email: whom to write to about it.
        portal_link: where the account can be seen.
        amount_overdue: what is owed, None when staff suspended for another reason.
        payment_link: where to pay it; with None the letter leads to the portal.
    """

    reason: str
    contact_email: str
    portal_link: str
    amount_overdue: Money | None = None
    payment_link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivationConfirmationFacts(_Facts):
    """An account that is active again; `possible_again` lists what, such as `Sales at your tills` (all of it when empty)."""

    possible_again: tuple[str, ...] = ()


Facts = (
    InvoiceIssuedFacts
    | PaymentReminderFacts
    | OverdueNoticeFacts
    | FinalWarningFacts
    | PaymentConfirmationFacts
    | PaymentFailedFacts
    | PaymentLinkFacts
    | SuspensionNoticeFacts
    | ReactivationConfirmationFacts
)

LETTER_OF_FACTS: Mapping[type[Facts], Letter] = MappingProxyType(
    {
        InvoiceIssuedFacts: Letter.INVOICE_ISSUED,
        PaymentReminderFacts: Letter.PAYMENT_REMINDER,
        OverdueNoticeFacts: Letter.OVERDUE_NOTICE,
        FinalWarningFacts: Letter.FINAL_WARNING,
        PaymentConfirmationFacts: Letter.PAYMENT_CONFIRMATION,
        PaymentFailedFacts: Letter.PAYMENT_FAILED,
        PaymentLinkFacts: Letter.PAYMENT_LINK,
        SuspensionNoticeFacts: Letter.SUSPENSION_NOTICE,
        ReactivationConfirmationFacts: Letter.REACTIVATION_CONFIRMATION,
    }
)

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """Whose letters they are: one tenant's name, addresses and looks.

    Attributes:
        business_name: as in the subject and at the head of every letter.
        contact_email: where questions go; also the right Reply-To.
        sender: the address that the letters come from.
        address_line: the business's place, such as `Harare, Zimbabwe`.
        colour: `#rrggbb`, for the head and the button.
        portal_url: where customers see their account.
        logo_url: an image on the web, shown instead of the name; the name stays where images are off.
        locale: such as `en_ZW`; rules how numbers and dates are written.

    Raises:
        InvalidInputError: names the field that no letter can be written with.
    """

    business_name: str
    contact_email: str
    sender: str
    address_line: str
    portal_url: str
    colour: str = "#1e3a5f"
    logo_url: str | None = None
    locale: str = "en_ZW"

    def __post_init__(self) -> None:
        if not _COLOUR.fullmatch(self.colour):
            raise InvalidInputError("colour", f"{self.colour!r} is not a colour such as #1e3a5f.")
        require_web_address("portal_url", self.portal_url)
        if self.logo_url is not None:
            require_web_address("logo_url", self.logo_url)


def require_web_address(field: str, address: str) -> None:
    """Refuse what is not an absolute http(s) address: a letter's link must lead somewhere, and must not run anything.

    Raises:
        InvalidInputError: names `field`.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r'[\s<>"\x00-\x1f\x7f]', address)
    except ValueError:
        good = False
    if not good:
        raise InvalidInputError(field, f"{address!r} is not a web address such as https://pay.example.com/abc.")
