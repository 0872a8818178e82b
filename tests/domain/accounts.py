"""A customer's account in memory, kept by the house's rules: what random histories are played on.

It holds what the database would: invoices, payments with what they were used for, and every ledger entry with its time.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from domain.allocation import Target, allocate
from domain.invoice import Invoice, InvoiceState
from domain.ledger import Account, Cause, Entry, Posting, payment_reversed, payment_settled
from domain.money import Money, total
from domain.payment import PaymentMethod
from domain.statement import Movement

CUSTOMER = "cus_1"
# What happens, after how many hours, with which amount, to which of the things there are.
Happening = tuple[str, int, int, int]
histories = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "payment", "linked payment", "deposit", "credit", "reversal"]),
        st.integers(0, 60),
        st.integers(1, 5000),
        st.integers(0, 9),
    ),
    max_size=30,
)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@dataclass(frozen=True)
class Settled:
    """A payment that was settled: what it was used for."""

    id: str
    method: PaymentMethod
    amount: Money
    parts: tuple[tuple[str, Money], ...]
    credit: Money


@dataclass
class CustomerAccount:
    """Starts empty at `now`."""

    now: datetime
    invoices: dict[str, Invoice] = field(default_factory=dict)
    payments: list[Settled] = field(default_factory=list)
    entries: list[tuple[datetime, Entry, PaymentMethod | None]] = field(default_factory=list)

    def play(self, history: list[Happening]) -> None:
        for what, hours, minor, which in history:
            self.now += timedelta(hours=hours)
            self._happen(what, minor, which)

    @property
    def credit(self) -> Money:
        return -self.held(Account.CUSTOMER_CREDIT)

    def held(self, *accounts: Account) -> Money:
        """What the ledger says stands on these accounts."""
        postings = [posting for _, entry, _ in self.entries for posting in entry.postings]
        return total([posting.amount for posting in postings if posting.account in accounts], "USD")

    def owed(self) -> Money:
        """What the books say, without the ledger: what is due on invoices."""
        return total([invoice.amount_due for invoice in self.invoices.values()], "USD")

    def movements(self) -> list[tuple[datetime, Movement]]:
        """What a statement is drawn up from, as the database would read it."""
        return [(at, self._movement(at, entry, method)) for at, entry, method in self.entries]

    def _happen(self, what: str, minor: int, which: int) -> None:
        linked = f"inv_{which}"
        match what:
            case "invoice":
                self._issue(usd(minor))
            case "payment":
                self._settle(PaymentMethod.CASH, usd(minor), None, Target.OLDEST_DUE)
            case "linked payment":
                self._settle(PaymentMethod.YOCO, usd(minor), linked, Target.OLDEST_DUE)
            case "deposit":
                self._settle(PaymentMethod.BANK_TRANSFER, usd(minor), None, Target.CREDIT)
            case "credit" if self.credit:
                self._settle(PaymentMethod.CREDIT, min(self.credit, usd(minor)), linked, Target.OLDEST_DUE)
            case "reversal" if which < len(self.payments):
                self._reverse(self.payments[which])

    def _issue(self, amount: Money) -> None:
        number = len(self.invoices)
        invoice = Invoice(f"inv_{number}", CUSTOMER, f"CVT-{number}", date(2026, 11, 15), amount, amount, InvoiceState.OPEN)
        self.invoices[invoice.id] = invoice
        postings = (
            Posting(Account.ACCOUNTS_RECEIVABLE, amount, customer_id=CUSTOMER, invoice_id=invoice.id),
            Posting(Account.REVENUE, -amount, invoice_id=invoice.id),
        )
        self.entries.append((self.now, Entry(Cause.INVOICE_ISSUED, invoice.id, postings), None))

    def _settle(self, method: PaymentMethod, amount: Money, linked: str | None, target: Target) -> None:
        surplus = Target.CREDIT if method is PaymentMethod.CREDIT else Target.OLDEST_DUE
        plan = allocate(amount, linked, list(self.invoices.values()), otherwise=target, surplus=surplus)
        for invoice_id, part in plan.parts:
            due, state = self.invoices[invoice_id].after_payment(part)
            self._set(invoice_id, due, state)
        settled = Settled(f"pay_{len(self.payments)}", method, amount, plan.parts, plan.credit)
        self.payments.append(settled)
        entry = payment_settled(settled.id, CUSTOMER, amount, plan.parts, plan.credit, _lies_in(settled))
        self.entries.append((self.now, entry, method))

    def _reverse(self, payment: Settled) -> None:
        is_reversed = any(
            entry.cause is Cause.PAYMENT_REVERSED and entry.cause_id == payment.id for _, entry, _ in self.entries
        )
        takes = payment.credit if payment.method is not PaymentMethod.CREDIT else usd(0)
        if is_reversed or self.credit < takes:
            return
        for invoice_id, part in payment.parts:
            self._set(invoice_id, self.invoices[invoice_id].after_reversal(part), InvoiceState.OPEN)
        entry = payment_reversed(payment.id, CUSTOMER, payment.amount, payment.parts, payment.credit, _lies_in(payment))
        self.entries.append((self.now, entry, payment.method))

    def _set(self, invoice_id: str, due: Money, state: InvoiceState) -> None:
        old = self.invoices[invoice_id]
        self.invoices[invoice_id] = Invoice(old.id, CUSTOMER, old.number, old.due_on, old.total, due, state)

    def _movement(self, at: datetime, entry: Entry, method: PaymentMethod | None) -> Movement:
        on_invoices = tuple(
            (self.invoices[posting.invoice_id or ""].number, posting.amount)
            for posting in entry.postings
            if posting.account is Account.ACCOUNTS_RECEIVABLE
        )
        on_credit = [posting.amount for posting in entry.postings if posting.account is Account.CUSTOMER_CREDIT]
        return Movement(at, entry.cause, entry.cause_id, on_invoices, total(on_credit, "USD"), method)


def _lies_in(payment: Settled) -> Posting:
    if payment.method is PaymentMethod.CREDIT:
        return Posting(Account.CUSTOMER_CREDIT, payment.amount, customer_id=CUSTOMER)
    return Posting(Account.CASH, payment.amount)
