"""Invoices: lines whose sums are computed once, and the states an invoice can be in."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.errors import InvariantError
from domain.money import BASIS_POINTS, Money, total


class InvoiceState(StrEnum):
    """Where an invoice stands. Overdue is not a state: it follows from the due day and the clock."""

    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"
    WRITTEN_OFF = "WRITTEN_OFF"

    @property
    def is_closed(self) -> bool:
        return self is not InvoiceState.OPEN


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. Exactly one of `subscription_id` and `charge_id` says where it comes from.

    Attributes:
        net, tax, gross: for the whole line; net + tax = gross, rounded once, here.
        period_start: first day of the month that a subscription's line charges.
    """

    description: str
    quantity: int
    unit_price: Money
    tax_basis_points: int
    net: Money
    tax: Money
    gross: Money
    subscription_id: str | None = None
    charge_id: str | None = None
    period_start: date | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice before it has a number: what one customer owes in one currency for one run."""

    customer_id: str
    currency: str
    lines: tuple[InvoiceLine, ...]

    @property
    def net(self) -> Money:
        return total([line.net for line in self.lines], self.currency)

    @property
    def tax(self) -> Money:
        return total([line.tax for line in self.lines], self.currency)

    @property
    def gross(self) -> Money:
        return total([line.gross for line in self.lines], self.currency)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An issued invoice as collections and payments read it."""

    id: str
    customer_id: str
    number: str
    due_on: date
    total: Money
    amount_due: Money
    state: InvoiceState

    def after_payment(self, amount: Money) -> "tuple[Money, InvoiceState]":
        """What is still due, and the state, after `amount` was allocated to it.

        Raises:
            InvariantError: more than is due, or nothing.
        """
        if amount.minor <= 0 or self.amount_due < amount:
            raise InvariantError(f"{amount} cannot be allocated to invoice {self.id}, on which {self.amount_due} is due.")
        left = self.amount_due - amount
        return left, InvoiceState.OPEN if left else InvoiceState.PAID

    def after_reversal(self, amount: Money) -> Money:
        """What is due, on the then open invoice, after an allocation of `amount` was taken back.

        Raises:
            InvariantError: more than was paid, nothing, or the invoice was closed otherwise than by payment.
        """
        due = self.amount_due + amount
        if amount.minor <= 0 or self.total < due or self.state not in {InvoiceState.OPEN, InvoiceState.PAID}:
            raise InvariantError(
                f"{amount} cannot be owed again on invoice {self.id} ({self.state}), on which {self.amount_due} is due."
            )
        return due


def tax_parts(amount: Money, basis_points: int, *, includes_tax: bool) -> tuple[Money, Money, Money]:
    """Split `amount` into (net, tax, gross); the tax is rounded once, by the house rule."""
    if includes_tax:
        tax = amount.share(basis_points, BASIS_POINTS + basis_points)
        return amount - tax, tax, amount
    tax = amount.share(basis_points, BASIS_POINTS)
    return amount, tax, amount + tax


def format_number(prefix: str, sequence: int) -> str:
    """An invoice number as people read it: `CVT-000012`."""
    return f"{prefix}{sequence:06d}"
