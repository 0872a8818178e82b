"""Statement of account: what a customer owed, what happened, and what is owed now, as the ledger has it.

Owed is what stands on invoices less the customer's credit; below zero, the business owes the customer. Each ledger entry that
touches either is one line, also one that moves money between the two and changes nothing in all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.calendar import local_day
from domain.csv_output import csv_text
from domain.errors import InvalidInputError
from domain.ledger import Cause
from domain.money import Money, total
from domain.payment import PaymentMethod

COLUMNS = ("date", "kind", "reference", "description", "currency", "debit", "credit", "balance")


class LineKind(StrEnum):
    """What a line of a statement is about."""

    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    CREDIT_APPLIED = "CREDIT_APPLIED"
    PAYMENT_REVERSED = "PAYMENT_REVERSED"
    CREDIT_RETURNED = "CREDIT_RETURNED"
    CREDIT_NOTE = "CREDIT_NOTE"
    WRITE_OFF = "WRITE_OFF"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Movement:
    """One ledger entry as far as it touches one customer's account in one currency.

    Attributes:
        reference: the number of the invoice or the credit note, or what the payment is known by (bank reference, gateway's
            reference, our id).
        on_invoices: (invoice number, amount) as posted to receivables: above zero what is owed more.
        on_credit: as posted to the customer's credit: below zero what the customer has more.
        method: for what is about a payment.
        due_on, received_on: local days; for an invoice, and for money that staff recorded.
    """

    posted_at: datetime
    cause: str
    reference: str
    on_invoices: tuple[tuple[str, Money], ...]
    on_credit: Money
    method: PaymentMethod | None = None
    due_on: date | None = None
    received_on: date | None = None

    @property
    def effect(self) -> Money:
        """By how much more is owed; below zero by how much less."""
        return total([amount for _, amount in self.on_invoices], self.on_credit.currency) + self.on_credit


@dataclass(frozen=True, slots=True)
class Line:
    """One line. At most one of `debit` (owed more) and `credit` (owed less) is above zero; `balance` is owed after it."""

    on: date
    kind: LineKind
    reference: str
    description: str
    debit: Money
    credit: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """A customer's account in one currency from the first moment of `first_day` to the last of `last_day`, local days."""

    first_day: date
    last_day: date
    opening: Money
    lines: tuple[Line, ...]
    closing: Money

    def to_csv(self) -> str:
        """As rows for a spreadsheet, the balances before and after included."""
        currency = self.opening.currency
        rows: list[Sequence[str | Money | date]] = [
            (self.first_day, "OPENING", "", "Opening balance", currency, "", "", self.opening)
        ]
        rows += [
            (line.on, line.kind.value, line.reference, line.description, currency, line.debit, line.credit, line.balance)
            for line in self.lines
        ]
        rows.append((self.last_day, "CLOSING", "", "Closing balance", currency, "", "", self.closing))
        return csv_text(COLUMNS, rows)


def draw_up(first_day: date, last_day: date, zone: str, opening: Money, movements: Iterable[Movement]) -> Statement:
    """A statement from what was owed before `first_day` and the movements since, in the order in which they were posted."""
    lines: list[Line] = []
    balance, nothing = opening, Money.zero(opening.currency)
    for movement in movements:
        effect = movement.effect
        balance += effect
        lines.append(
            Line(
                on=local_day(movement.posted_at, zone),
                kind=_kind(movement),
                reference=movement.reference,
                description=_description(movement),
                debit=max(effect, nothing),
                credit=max(-effect, nothing),
                balance=balance,
            )
        )
    return Statement(first_day, last_day, opening, tuple(lines), balance)


def require_period(first_day: date, last_day: date) -> None:
    """Raises: InvalidInputError: the period ends before it begins."""
    if last_day < first_day:
        raise InvalidInputError("to", f"{last_day} is before {first_day}, on which the statement would begin.")


def _kind(movement: Movement) -> LineKind:
    from_credit = movement.method is PaymentMethod.CREDIT
    match movement.cause:
        case Cause.INVOICE_ISSUED:
            return LineKind.INVOICE
        case Cause.PAYMENT_SETTLED:
            return LineKind.CREDIT_APPLIED if from_credit else LineKind.PAYMENT
        case Cause.PAYMENT_REVERSED:
            return LineKind.CREDIT_RETURNED if from_credit else LineKind.PAYMENT_REVERSED
        case Cause.INVOICE_VOIDED:
            return LineKind.CREDIT_NOTE
        case Cause.INVOICE_WRITTEN_OFF:
            return LineKind.WRITE_OFF
        case _:
            return LineKind.OTHER


def _description(movement: Movement) -> str:
    """What happened, in a sentence's words."""
    method = movement.method.human_name if movement.method else "Payment"
    invoices = ", ".join(f"{number} ({-amount if amount.minor < 0 else amount})" for number, amount in movement.on_invoices)
    match _kind(movement):
        case LineKind.INVOICE:
            words = f"Invoice, due on {movement.due_on}" if movement.due_on else "Invoice"
        case LineKind.PAYMENT:
            came = f", received on {movement.received_on}" if movement.received_on else ""
            uses = [f"paid {invoices}"] if invoices else []
            uses += [f"{-movement.on_credit} kept as credit"] if movement.on_credit else []
            words = f"{method}{came}: {', '.join(uses)}"
        case LineKind.CREDIT_APPLIED:
            words = f"{movement.on_credit} of credit used: paid {invoices}"
        case LineKind.PAYMENT_REVERSED:
            undone = [f"owed again {invoices}"] if invoices else []
            undone += [f"{movement.on_credit} of credit taken back"] if movement.on_credit else []
            words = f"{method} reversed: {', '.join(undone)}"
        case LineKind.CREDIT_RETURNED:
            words = f"{-movement.on_credit} is credit again: owed again {invoices}"
        case LineKind.CREDIT_NOTE:
            kept = f", {-movement.on_credit} that was paid is credit" if movement.on_credit else ""
            words = f"Credit note: no longer owed {invoices}{kept}"
        case LineKind.WRITE_OFF:
            words = f"Written off: no longer asked for {invoices}"
        case _:
            words = movement.cause.replace("_", " ").capitalize()
    return words
