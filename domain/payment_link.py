"""Payment links: what a link asks for, how long it lives, and what its money is used for (requirements P5, P6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.allocation import Target
from domain.errors import InvalidInputError
from domain.invoice import Invoice, InvoiceState
from domain.money import Money

LIVES_FOR = timedelta(days=7)
LONGEST_LIFE = timedelta(days=366)

CODE_PREFIX = "pay_"
CODE_CHARACTERS = 12
# No vowels and nothing that is read for something else: a code is spelt over the telephone, and spells no word.
CODE_ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXZbcdfghjkmnpqrstvwxz"


class LinkType(StrEnum):
    """What a link asks its payer for."""

    INVOICE = "INVOICE"  # what is still due on one invoice
    OUTSTANDING = "OUTSTANDING"  # all that the customer owes in one currency
    CUSTOM = "CUSTOM"  # an amount that staff chose, for one invoice or for the oldest debt
    REGISTRATION = "REGISTRATION"  # a fee before there is an invoice: kept as credit
    DEPOSIT = "DEPOSIT"  # kept as credit

    @property
    def names_its_amount(self) -> bool:
        """Whether staff say how much; otherwise it is what is owed when the payer pays."""
        return self in {LinkType.CUSTOM, LinkType.REGISTRATION, LinkType.DEPOSIT}

    @property
    def target(self) -> Target:
        """What the money is used for when the link is for no invoice."""
        return Target.CREDIT if self in {LinkType.REGISTRATION, LinkType.DEPOSIT} else Target.OLDEST_DUE

    @property
    def human_name(self) -> str:
        """What it is for, in a payer's words, where nobody said more."""
        return _HUMAN_NAMES[self]


_HUMAN_NAMES = {
    LinkType.INVOICE: "Invoice",
    LinkType.OUTSTANDING: "Outstanding balance",
    LinkType.CUSTOM: "Payment",
    LinkType.REGISTRATION: "Registration fee",
    LinkType.DEPOSIT: "Deposit",
}


class LinkStatus(StrEnum):
    """Where a link stands. Only an ACTIVE one takes money; what is paid, expired or cancelled stays so."""

    ACTIVE = "ACTIVE"
    PAID = "PAID"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A link as it stands.

    Attributes:
        code: what its address ends in; whoever has it may pay.
        invoice_id: always set for INVOICE, possibly for CUSTOM.
        amount: for the types that name it, else None.
        description: what the payer is told it is for; empty for an invoice's own link.
        expires_at: instant (UTC); None for an invoice's own link, which lives as long as the invoice is open.
    """

    id: str
    code: str
    type: LinkType
    status: LinkStatus
    customer_id: str
    invoice_id: str | None
    amount: Money | None
    currency: str
    description: str
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    closed_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether it is ACTIVE by the books, but its time is over."""
        return self.status is LinkStatus.ACTIVE and self.expires_at is not None and self.expires_at <= now

    def status_at(self, now: datetime) -> LinkStatus:
        """Where it stands, whether or not anybody has marked it yet."""
        return LinkStatus.EXPIRED if self.has_expired(now) else self.status

    @property
    def is_own(self) -> bool:
        """Whether it is the link that an invoice has from the start, which every letter about the invoice carries."""
        return self.expires_at is None

    def purpose(self, invoice_number: str | None) -> str:
        """What the payer is told it is for: what staff wrote, else the invoice, else what such links are for."""
        return self.description or (f"Invoice {invoice_number}" if invoice_number else self.type.human_name)

    def asks_for(self, due: Money | None) -> Money:
        """How much it asks for now.

        A link for an invoice never asks for more than is due on it: the rest may have been paid in another way.

        Args:
            due: what is due now: on its invoice, or all that its customer owes; None where the link is for neither.
        """
        if self.amount is None:
            return due or Money.zero(self.currency)
        is_capped = self.invoice_id is not None and self.status is LinkStatus.ACTIVE
        return min(self.amount, due) if is_capped and due is not None else self.amount


def require_fields(link_type: LinkType, *, customer_id: str | None, invoice_id: str | None, amount: int | None) -> None:
    """Refuse a new link that lacks what its type needs, or names what its type cannot have.

    Raises:
        InvalidInputError: names the field.
    """
    if link_type is LinkType.INVOICE and invoice_id is None:
        raise InvalidInputError("invoice_id", "a link of type INVOICE is for one invoice: say which.")
    if link_type not in {LinkType.INVOICE, LinkType.CUSTOM} and invoice_id is not None:
        raise InvalidInputError(
            "invoice_id", f"a link of type {link_type} is for no invoice: leave it out, or choose INVOICE or CUSTOM."
        )
    if customer_id is None and invoice_id is None:
        raise InvalidInputError("customer_id", f"a link of type {link_type} needs to know who is to pay.")
    if link_type.names_its_amount and amount is None:
        raise InvalidInputError("amount", f"a link of type {link_type} needs one: say how much, in minor units.")
    if not link_type.names_its_amount and amount is not None:
        raise InvalidInputError(
            "amount", f"a link of type {link_type} asks for what is due when it is paid: leave it out, or choose CUSTOM."
        )


def require_payable(invoice: Invoice, amount: Money | None) -> None:
    """Refuse a new link for an invoice that could not use the money.

    Raises:
        InvalidInputError: names the field.
    """
    if invoice.state is not InvoiceState.OPEN:
        raise InvalidInputError("invoice_id", f"invoice {invoice.number} is {invoice.state}: nothing is due on it.")
    if amount is not None and invoice.amount_due < amount:
        raise InvalidInputError(
            "amount",
            f"{amount} is more than the {invoice.amount_due} that is due on invoice {invoice.number}: "
            "ask for at most that, or make a link of type DEPOSIT.",
        )


def expiry(created_at: datetime, days: int | None) -> datetime:
    """When a link that staff make ends: after `days`, or seven.

    Raises:
        InvalidInputError: not between 1 and 366 days.
    """
    if days is None:
        return created_at + LIVES_FOR
    if not 1 <= days <= LONGEST_LIFE.days:
        raise InvalidInputError("expires_in_days", f"{days} is not between 1 and {LONGEST_LIFE.days} days.")
    return created_at + timedelta(days=days)
