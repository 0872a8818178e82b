"""A billing run's rule: which lines a customer gets for a period, and how they gather into invoices."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from domain.calendar import Period
from domain.errors import CannotBillError
from domain.invoice import InvoiceDraft, InvoiceLine, tax_parts
from domain.money import LARGEST_AMOUNT_MINOR, Money
from domain.standing import HoldReason
from domain.subscription import Charge, Subscription


@dataclass(frozen=True, slots=True)
class Billable:
    """Everything that one customer may be charged for in a period."""

    customer_id: str
    email: str | None
    subscriptions: tuple[Subscription, ...]
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What a run has done so far; additions of batches.

    Attributes:
        customers: looked at.
        issued: invoices issued (in a dry run: that would be).
        nothing_due: customers with nothing to charge, or whose invoice the run had issued before.
        parked: customers who could not be billed.
        withheld: customers who were not billed because they are suspended, by their policy, or closed.
    """

    customers: int = 0
    issued: int = 0
    nothing_due: int = 0
    parked: int = 0
    withheld: int = 0

    def __add__(self, other: "RunTotals") -> "RunTotals":
        return RunTotals(
            self.customers + other.customers,
            self.issued + other.issued,
            self.nothing_due + other.nothing_due,
            self.parked + other.parked,
            self.withheld + other.withheld,
        )


def has_something_due(billable: Billable, period: Period) -> bool:
    """Whether a run for `period` would charge the customer for anything."""
    return any(item.is_due_in(period) for item in billable.subscriptions) or any(
        charge.charge_on <= period.last_day for charge in billable.charges
    )


def why_withheld(holds: Collection[HoldReason], *, bills_while_suspended: bool) -> str | None:
    """Why a customer gets no invoice while these holds stand; None when they are billed.

    What is charged once waits for a later run; a subscription's period that nobody was billed for stays unbilled.

    Args:
        bills_while_suspended: by the customer's dunning policy.
    """
    if HoldReason.CLOSED in holds:
        return "The account is closed."
    if holds and not bills_while_suspended:
        reasons = ", ".join(sorted(holds))
        return f"The account is suspended ({reasons}), and the policy bills nobody who is suspended."
    return None


def draft_invoices(billable: Billable, period: Period, *, prices_include_tax: bool) -> list[InvoiceDraft]:
    """One draft per currency, in the currencies' alphabetical order; none when nothing is due.

    Raises:
        CannotBillError: the customer has no e-mail address, or a total that is not above zero or absurdly large.
    """
    lines = [
        *(_subscription_line(item, period, prices_include_tax) for item in billable.subscriptions if item.is_due_in(period)),
        *(_charge_line(item, prices_include_tax) for item in billable.charges if item.charge_on <= period.last_day),
    ]
    if not lines:
        return []
    if not billable.email:
        raise CannotBillError(f"Customer {billable.customer_id} has no e-mail address to send an invoice to: add one.")
    by_currency = sorted(lines, key=lambda line: line.gross.currency)
    drafts = [
        InvoiceDraft(billable.customer_id, currency, tuple(group))
        for currency, group in groupby(by_currency, key=lambda line: line.gross.currency)
    ]
    for draft in drafts:
        _refuse_absurd(draft)
    return drafts


def _subscription_line(item: Subscription, period: Period, prices_include_tax: bool) -> InvoiceLine:
    amount = item.plan.price * item.quantity
    description = f"{item.plan.name}, {period}"
    days = item.active_days(period)
    if item.plan.prorated and days < period.days:
        amount = amount.share(days, period.days)
        description = f"{description} ({days} of {period.days} days)"
    net, tax, gross = tax_parts(amount, item.plan.tax_basis_points, includes_tax=prices_include_tax)
    return InvoiceLine(
        description=description,
        quantity=item.quantity,
        unit_price=item.plan.price,
        tax_basis_points=item.plan.tax_basis_points,
        net=net,
        tax=tax,
        gross=gross,
        subscription_id=item.id,
        period_start=period.first_day,
    )


def _charge_line(item: Charge, prices_include_tax: bool) -> InvoiceLine:
    amount: Money = item.unit_price * item.quantity
    net, tax, gross = tax_parts(amount, item.tax_basis_points, includes_tax=prices_include_tax)
    return InvoiceLine(
        description=item.description,
        quantity=item.quantity,
        unit_price=item.unit_price,
        tax_basis_points=item.tax_basis_points,
        net=net,
        tax=tax,
        gross=gross,
        charge_id=item.id,
    )


def _refuse_absurd(draft: InvoiceDraft) -> None:
    if draft.gross.minor <= 0:
        raise CannotBillError(
            f"Customer {draft.customer_id} would get an invoice over {draft.gross}: an invoice must be above zero. "
            "Correct the charges or the plan's price."
        )
    if draft.gross.minor > LARGEST_AMOUNT_MINOR:
        raise CannotBillError(
            f"Customer {draft.customer_id} would get an invoice over {draft.gross}, which is too large to be meant. "
            "Correct the price or the quantity."
        )
