"""What the page of a payment link says: one plain sentence for each way in which a link or its payment can stand."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.calendar import local_day
from domain.invoice import Invoice, InvoiceState
from domain.money import Money
from domain.payment import PaymentStatus
from domain.payment_link import LinkStatus, LinkType, PaymentLink
from persistence.payments import Payment
from wording import write_day, write_money


class Back(StrEnum):
    """How a gateway's page says that it went when it sends the payer back. A word of the browser's: it proves nothing."""

    PAID = "paid"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @classmethod
    def of(cls, word: str | None) -> "Back | None":
        """The word, None for any other than these three."""
        return cls(word) if word in set(cls) else None


class Standing(StrEnum):
    """What can be done by a link now."""

    PAYABLE = "payable"
    PAID = "paid"
    CLOSED = "closed"  # its invoice is void or written off
    NOTHING_OWED = "nothing owed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether the link itself opens nothing any more."""
        return self in {Standing.EXPIRED, Standing.CANCELLED}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sentences are made of.

    Attributes:
        asked: what the link asks for now.
        invoice: that it is for, if it is for one.
        open_invoices: for an OUTSTANDING link, what it sums up.
        payments: the link's own, newest first.
        today: the tenant's day.
    """

    link: PaymentLink
    asked: Money
    invoice: Invoice | None
    open_invoices: tuple[Invoice, ...]
    payments: tuple[Payment, ...]
    business: str
    locale: str
    time_zone: str
    today: date

    @property
    def settled(self) -> Payment | None:
        """The newest payment that came in."""
        return next((payment for payment in self.payments if payment.status is PaymentStatus.SETTLED), None)

    @property
    def standing(self) -> Standing:
        if self.invoice is not None and self.invoice.state is not InvoiceState.OPEN:
            return Standing.PAID if self.invoice.state is InvoiceState.PAID else Standing.CLOSED
        if self.link.status is LinkStatus.ACTIVE:
            return Standing.PAYABLE if self.asked else Standing.NOTHING_OWED
        # A payment that was begun in time may come in after the link's time is over.
        if self.link.status is LinkStatus.PAID or (self.link.type is not LinkType.INVOICE and self.settled):
            return Standing.PAID
        return Standing.EXPIRED if self.link.status is LinkStatus.EXPIRED else Standing.CANCELLED

    def money(self, amount: Money) -> str:
        return write_money(amount, self.locale)

    def day(self, day: date) -> str:
        return write_day(day, self.locale)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands large on the page; `notes` are (text, kind) with kind `late` or empty."""

    label: str
    amount: str | None
    notes: tuple[tuple[str, str], ...]
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of the newest payment: `kind` is `waiting`, `left`, `failed` or `paid`."""

    kind: str
    heading: str
    text: str


def head(seen: Seen) -> Head:
    """What is asked for, or why nothing is."""
    standing = seen.standing
    if standing is Standing.PAYABLE:
        label = "Amount to pay" if seen.link.type.names_its_amount else "Amount due"
        return Head(label, seen.money(seen.asked), _notes(seen))
    if standing is Standing.PAID:
        return Head("Paid", _paid_amount(seen), ((thanks(seen.link), ""),), is_good=True)
    if standing is Standing.CLOSED and seen.invoice is not None:
        return Head("Closed", seen.money(seen.invoice.total), (("There is nothing to pay on this invoice.", ""),))
    if standing is Standing.NOTHING_OWED:
        return Head("Nothing to pay", seen.money(seen.asked), (("Nothing is owed just now. Thank you!", ""),), is_good=True)
    return Head("Expired" if standing is Standing.EXPIRED else "Cancelled", None, ((_end(seen), ""),))


def thanks(link: PaymentLink) -> str:
    """What is said once a link is paid."""
    return "Nothing is left to pay. Thank you!" if link.type is LinkType.INVOICE else "Thank you!"


def way_out(seen: Seen, *, has_methods: bool) -> str | None:
    """What to write to the business about, where the page itself offers nothing; the address follows it."""
    if seen.standing is Standing.EXPIRED:
        return "If you still want to pay, ask for a new link:"
    if seen.standing is Standing.CANCELLED:
        return "If you think that there is something to pay, please ask:"
    if seen.standing is Standing.PAYABLE and not has_methods:
        what = "invoice" if seen.link.type is LinkType.INVOICE else "payment"
        return f"Online payment is not available for this {what}. To pay it, please write to"
    return None


def notice(seen: Seen, back: Back | None, waiting: Payment | None, *, gets_letters: bool) -> Notice | None:
    """What is said of a payment that is waited for, or of the one that whoever comes back has made."""
    if waiting is not None:
        return _notice_of_waiting(waiting, back, gets_letters=gets_letters)
    newest = seen.payments[0] if seen.payments else None
    if back is None or newest is None or seen.standing is Standing.PAID:
        return None
    if newest.status is PaymentStatus.SETTLED:
        return Notice("paid", f"Your payment of {seen.money(newest.amount)} was received", "Thank you!")
    if newest.status is PaymentStatus.FAILED and back is Back.CANCELLED:
        return Notice("left", "You left the payment page before it was finished", "Nothing was charged.")
    if newest.status is PaymentStatus.FAILED:
        return Notice("failed", "The payment did not go through", newest.failure_reason or "Nothing was charged.")
    return None


def _notice_of_waiting(waiting: Payment, back: Back | None, *, gets_letters: bool) -> Notice:
    if back is Back.CANCELLED:
        return Notice(
            "left",
            "You left the payment page before it was finished",
            "Nothing is charged unless you finished it; should you have, this page tells you as soon as it is confirmed.",
        )
    if back is Back.FAILED:
        return Notice(
            "left",
            "The payment page says that it did not work",
            "We are asking the payment provider whether anything was paid, and tell you here.",
        )
    tells = "This page tells you as soon as it is." + (" You may also close it: we will write to you." if gets_letters else "")
    return Notice("waiting", f"Your payment by {waiting.method.human_name} is being confirmed", tells)


def _notes(seen: Seen) -> tuple[tuple[str, str], ...]:
    notes = []
    if seen.link.type is LinkType.INVOICE and seen.invoice is not None:
        notes.append(due(seen, seen.invoice))
        paid = seen.invoice.total - seen.invoice.amount_due
        if paid:
            notes.append((f"{seen.money(paid)} of {seen.money(seen.invoice.total)} is paid already", ""))
    if seen.link.type is LinkType.OUTSTANDING:
        count, late = len(seen.open_invoices), sum(invoice.due_on < seen.today for invoice in seen.open_invoices)
        notes.append((f"on {count} open invoice{'' if count == 1 else 's'}", ""))
        if late:
            notes.append((f"{late} of them overdue" if count > 1 else "overdue", "late"))
    if seen.link.expires_at is not None:
        notes.append((f"This link works until {seen.day(local_day(seen.link.expires_at, seen.time_zone))}", ""))
    return tuple(notes)


def due(seen: Seen, invoice: Invoice) -> tuple[str, str]:
    """When an invoice is or was due, and `late` when that is over."""
    if invoice.due_on < seen.today:
        return f"was due on {seen.day(invoice.due_on)}", "late"
    return f"due on {seen.day(invoice.due_on)}", ""


def _paid_amount(seen: Seen) -> str | None:
    if seen.link.type is LinkType.INVOICE and seen.invoice is not None:
        return seen.money(seen.invoice.total)
    amount = seen.settled.amount if seen.settled else seen.link.amount
    return seen.money(amount) if amount else None


def _end(seen: Seen) -> str:
    if seen.standing is Standing.CANCELLED:
        return f"{seen.business} cancelled this payment link. It cannot be used to pay any more."
    expired_at = seen.link.expires_at or seen.link.closed_at
    when = f" on {seen.day(local_day(expired_at, seen.time_zone))}" if expired_at else ""
    return f"This payment link expired{when}. It cannot be used to pay any more."
