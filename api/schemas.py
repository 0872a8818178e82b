"""What the API takes and gives, as JSON. Money is minor units with a currency; instants are UTC; days are local days."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Generic, Self, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from domain.money import Money
from persistence.billing_runs import BillingRunState, Parked
from persistence.customers import CustomerStanding
from persistence.invoices import InvoiceDetail

LARGEST_PAGE = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many at most.")]
After = Annotated[str | None, Query(max_length=60, description="The `next` of the page before.")]

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """A page of a list; `next` is what to send as `after` for the next one, null on the last."""

    items: list[Item]
    next: str | None

    @classmethod
    def of(cls, rows: Sequence[Row], limit: int, show: Callable[[Row], Item], identify: Callable[[Row], str]) -> Self:
        """Make a page of `limit` from rows of which one more was asked for, to see whether there is a next page."""
        shown = rows[:limit]
        return cls(items=[show(row) for row in shown], next=identify(shown[-1]) if len(rows) > limit else None)


class Amount(BaseModel):
    """Money: `minor` units (cents) of an ISO 4217 currency, and the same as decimal text."""

    minor: int
    currency: str
    text: str

    @classmethod
    def of(cls, money: Money) -> Self:
        return cls(minor=money.minor, currency=money.currency, text=money.decimal())


class BillingRunRequest(BaseModel):
    """Which month to bill; a dry run counts what would be issued and issues nothing."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(examples=["2026-11"])
    dry_run: bool = False


class BillingRunStarted(BaseModel):
    """The run and its workflow; `created` is false when the period was being billed, or was billed, before."""

    id: str
    workflow_id: str
    workflow_url: str
    created: bool


class ParkedShown(BaseModel):
    """A customer whom the run could not bill, and why."""

    customer_id: str
    reason: str


class BillingRunShown(BaseModel):
    """A run with its progress.

    `parked` customers could not be billed; `withheld` ones were not because they are closed, or suspended and their policy says
    so: the audit log of each customer has `INVOICE_WITHHELD` with the reason.
    """

    id: str
    period: str
    dry_run: bool
    status: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    customers_total: int
    customers: int
    issued: int
    nothing_due: int
    parked: int
    withheld: int
    amounts: list[Amount]
    parked_customers: list[ParkedShown]

    @classmethod
    def of(cls, run: BillingRunState, parked: Sequence[Parked] = ()) -> Self:
        return cls(
            id=run.id,
            period=str(run.period),
            dry_run=run.dry_run,
            status=run.status,
            started_by=run.started_by,
            started_at=run.started_at,
            finished_at=run.finished_at,
            customers_total=run.customers_total,
            customers=run.totals.customers,
            issued=run.totals.issued,
            nothing_due=run.totals.nothing_due,
            parked=run.totals.parked,
            withheld=run.totals.withheld,
            amounts=[Amount.of(amount) for amount in run.amounts],
            parked_customers=[ParkedShown(customer_id=item.customer_id, reason=item.reason) for item in parked],
        )


class InvoiceShown(BaseModel):
    """An invoice in a list."""

    id: str
    number: str
    customer_id: str
    period: str
    state: str
    issued_on: date
    due_on: date
    total: Amount
    amount_due: Amount
    payment_page: str

    @classmethod
    def of(cls, detail: InvoiceDetail, payment_page: str) -> Self:
        return cls(
            id=detail.invoice.id,
            number=detail.invoice.number,
            customer_id=detail.invoice.customer_id,
            period=detail.period,
            state=detail.invoice.state.value,
            issued_on=detail.issued_on,
            due_on=detail.invoice.due_on,
            total=Amount.of(detail.invoice.total),
            amount_due=Amount.of(detail.invoice.amount_due),
            payment_page=payment_page,
        )


class MessageShown(BaseModel):
    """A letter in the log."""

    id: str
    letter: str
    to: str
    subject: str | None
    entity_type: str
    entity_id: str
    status: str
    tries: int
    queued_at: datetime
    sent_at: datetime | None
    error: str | None


class CustomerShown(BaseModel):
    """A customer with the billing status that follows from holds and debts, and the reasons of the holds that stand."""

    id: str
    reference: str
    name: str
    email: str | None
    phone: str | None
    billing_status: str
    held_for: list[str]

    @classmethod
    def of(cls, standing: CustomerStanding) -> Self:
        customer = standing.customer
        return cls(
            id=customer.id,
            reference=customer.reference,
            name=customer.name,
            email=customer.email,
            phone=customer.phone,
            billing_status=standing.billing_status.value,
            held_for=[reason.value for reason in standing.held_for],
        )


class CustomerDetailShown(CustomerShown):
    """A customer with what the ledger says."""

    amounts_due: list[Amount]
    credits: list[Amount]
