"""The ledger: double entry, immutable. Each entry names what caused it and sums to zero per currency (design section 5).

A debit is positive, a credit negative. A correction is a new entry, never an edit.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.errors import InvariantError
from domain.invoice import Invoice, InvoiceDraft
from domain.money import Money


class Account(StrEnum):
    """The chart of accounts. Receivables and credit are kept per customer, clearing per gateway."""

    ACCOUNTS_RECEIVABLE = "accounts_receivable"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    GATEWAY_CLEARING = "gateway_clearing"
    BANK = "bank"
    CASH = "cash"
    GATEWAY_FEES = "gateway_fees"
    CUSTOMER_CREDIT = "customer_credit"
    BAD_DEBT = "bad_debt"


class Cause(StrEnum):
    """What an entry is about; with the thing's id it is unique, so that nothing is posted twice."""

    INVOICE_ISSUED = "invoice_issued"
    PAYMENT_SETTLED = "payment_settled"
    PAYMENT_REVERSED = "payment_reversed"
    FEE_CORRECTED = "fee_corrected"
    INVOICE_VOIDED = "invoice_voided"
    INVOICE_WRITTEN_OFF = "invoice_written_off"


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry, with the customer, invoice or gateway whose sub-ledger it belongs to."""

    account: Account
    amount: Money
    customer_id: str | None = None
    invoice_id: str | None = None
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Postings that belong together.

    Raises:
        InvariantError: they do not sum to zero in each currency.
    """

    cause: Cause
    cause_id: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for posting in self.postings:
            sums[posting.amount.currency] = sums.get(posting.amount.currency, 0) + posting.amount.minor
        if not self.postings or any(sums.values()):
            raise InvariantError(f"The ledger entry for {self.cause} {self.cause_id} does not sum to zero: {sums}.")


def invoice_issued(invoice_id: str, draft: InvoiceDraft) -> Entry:
    """The customer owes the gross; the business earned the net and owes the tax."""
    postings = [
        Posting(Account.ACCOUNTS_RECEIVABLE, draft.gross, customer_id=draft.customer_id, invoice_id=invoice_id),
        Posting(Account.REVENUE, -draft.net, invoice_id=invoice_id),
        Posting(Account.TAX_PAYABLE, -draft.tax, invoice_id=invoice_id),
    ]
    return Entry(Cause.INVOICE_ISSUED, invoice_id, tuple(posting for posting in postings if posting.amount))


def payment_settled(
    payment_id: str,
    customer_id: str,
    received: Money,
    parts: tuple[tuple[str, Money], ...],
    credit: Money,
    received_in: Posting,
    fee: Money | None = None,
) -> Entry:
    """Money came in: it pays receivables, and what is over is the customer's credit.

    Args:
        parts: (invoice id, amount) as allocated; with `credit` they make up `received`.
        received_in: where the money lies (clearing of a gateway, bank, cash, or the customer's own credit); its amount is
            ignored.
        fee: what the gateway kept of it, when known; the business bears it, the customer is credited in full.
    """
    fee = fee or Money.zero(received.currency)
    postings = [
        replace(received_in, amount=received - fee),
        Posting(Account.GATEWAY_FEES, fee, gateway=received_in.gateway),
        *(
            Posting(Account.ACCOUNTS_RECEIVABLE, -amount, customer_id=customer_id, invoice_id=invoice_id)
            for invoice_id, amount in parts
        ),
        Posting(Account.CUSTOMER_CREDIT, -credit, customer_id=customer_id),
    ]
    return Entry(Cause.PAYMENT_SETTLED, payment_id, tuple(posting for posting in postings if posting.amount))


def payment_reversed(
    payment_id: str,
    customer_id: str,
    amount: Money,
    parts: tuple[tuple[str, Money], ...],
    credit: Money,
    returned_from: Posting,
) -> Entry:
    """A settled payment turned out to be none: what it paid is owed again, and the credit it left is gone.

    Args:
        parts: (invoice id, amount) as they were allocated; with `credit` they make up `amount`.
        returned_from: the account that the money was in; its amount is ignored.
    """
    postings = [
        *(
            Posting(Account.ACCOUNTS_RECEIVABLE, part, customer_id=customer_id, invoice_id=invoice_id)
            for invoice_id, part in parts
        ),
        Posting(Account.CUSTOMER_CREDIT, credit, customer_id=customer_id),
        replace(returned_from, amount=-amount),
    ]
    return Entry(Cause.PAYMENT_REVERSED, payment_id, tuple(posting for posting in postings if posting.amount))


def fee_corrected(attempt_id: str, estimate: Money, fee: Money, gateway: str) -> Entry:
    """The gateway told what it really kept, where an estimate was posted.

    Raises:
        InvariantError: there is nothing to correct.
    """
    difference = fee - estimate
    postings = (
        Posting(Account.GATEWAY_FEES, difference, gateway=gateway),
        Posting(Account.GATEWAY_CLEARING, -difference, gateway=gateway),
    )
    return Entry(Cause.FEE_CORRECTED, attempt_id, tuple(posting for posting in postings if posting.amount))


def invoice_voided(invoice: Invoice, net: Money, tax: Money) -> Entry:
    """The invoice should never have been: revenue and tax are taken back; what was paid of it is the customer's credit."""
    paid = invoice.total - invoice.amount_due
    postings = [
        Posting(Account.REVENUE, net, invoice_id=invoice.id),
        Posting(Account.TAX_PAYABLE, tax, invoice_id=invoice.id),
        Posting(Account.ACCOUNTS_RECEIVABLE, -invoice.amount_due, customer_id=invoice.customer_id, invoice_id=invoice.id),
        Posting(Account.CUSTOMER_CREDIT, -paid, customer_id=invoice.customer_id),
    ]
    return Entry(Cause.INVOICE_VOIDED, invoice.id, tuple(posting for posting in postings if posting.amount))


def invoice_written_off(invoice: Invoice) -> Entry:
    """What is left of the invoice will not be paid: a bad debt instead of a receivable.

    Raises:
        InvariantError: nothing is left of it.
    """
    postings = (
        Posting(Account.BAD_DEBT, invoice.amount_due, invoice_id=invoice.id),
        Posting(Account.ACCOUNTS_RECEIVABLE, -invoice.amount_due, customer_id=invoice.customer_id, invoice_id=invoice.id),
    )
    return Entry(Cause.INVOICE_WRITTEN_OFF, invoice.id, tuple(posting for posting in postings if posting.amount))
