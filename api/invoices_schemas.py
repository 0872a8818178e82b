"""What the API shows of one invoice with everything that happened to it."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from api.payments_schemas import PaymentShown
from api.schemas import Amount, InvoiceShown, MessageShown
from persistence.credit_notes import CreditNote


class LineShown(BaseModel):
    """A line of an invoice."""

    description: str
    quantity: int
    unit_price: Amount
    tax_basis_points: int
    net: Amount
    tax: Amount
    gross: Amount


class StepShown(BaseModel):
    """A step of the ladder: planned, and what became of it.

    `planned_on` is the day that the policy names; `planned_at` is when the step is really taken, and `moved_because` says why
    that is another day. Of a step that an earlier plan had, only what became of it is left.
    """

    step: str
    action: str
    letter: str | None
    planned_on: date | None
    planned_at: datetime
    moved_because: str | None
    outcome: str | None
    decided_at: datetime | None


class CreditNoteShown(BaseModel):
    """What took a void invoice back. `credited` is what had been paid of it, and is the customer's credit."""

    id: str
    number: str
    invoice_id: str
    customer_id: str
    net: Amount
    tax: Amount
    total: Amount
    credited: Amount
    reason: str
    issued_at: datetime
    issued_on: date
    issued_by: str

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        return cls(
            id=note.id,
            number=note.number,
            invoice_id=note.invoice_id,
            customer_id=note.customer_id,
            net=Amount.of(note.net),
            tax=Amount.of(note.tax),
            total=Amount.of(note.total),
            credited=Amount.of(note.credited),
            reason=note.reason,
            issued_at=note.issued_at,
            issued_on=note.issued_on,
            issued_by=note.issued_by,
        )


class InvoiceDetailShown(InvoiceShown):
    """An invoice with its lines, its ladder, its letters and its payments.

    Attributes:
        paused_until: the last local day of a pause; null when there is none.
        set_aside: why it is not chased just now, in words for staff; null when it is.
        suspended: its ladder has reached suspension; while it is set aside it suspends nobody.
        credit_note: what took it back; null unless it is void.
        policy_version: of the business's policy, or the customer's own, by which it is chased; null for invoices from before
            policies had versions.
    """

    closed_at: datetime | None
    paused_until: date | None
    disputed_at: datetime | None
    set_aside: str | None
    suspended: bool
    credit_note: CreditNoteShown | None
    policy_version: int | None
    net: Amount
    tax: Amount
    lines: list[LineShown]
    steps: list[StepShown]
    messages: list[MessageShown]
    payments: list[PaymentShown]
    workflow_url: str
