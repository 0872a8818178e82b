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

from domain.errors import InvalidInputError
from domain.listed_invoice import ListedInvoice
from domain.money import Money
from domain.web_address import require_web_address


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

    @property
    def chases(self) -> bool:
        """Whether it asks for money that falls due or is late; a customer with several such invoices may get one for all."""
        return self in {Letter.PAYMENT_REMINDER, Letter.OVERDUE_NOTICE, Letter.FINAL_WARNING}


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
class _ChasingFacts(_InvoiceFacts):
    """What every letter that asks for unpaid money knows: of one invoice, or of several that it lists.

    Attributes:
        invoices: all that it lists, the one that is due first at the head, where there are several. Then `amount` is their
            total, `payment_link` pays all of them, and number and days are those of the first.
        outstanding: what `payment_link` asks for where that is more than `amount`, as further invoices are open.
    """

    invoices: tuple[ListedInvoice, ...] = ()
    outstanding: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReminderFacts(_ChasingFacts):
    """An invoice that falls due in `days_until_due` days; 0 is today."""

    days_until_due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueNoticeFacts(_ChasingFacts):
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
class FinalWarningFacts(_ChasingFacts):
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
