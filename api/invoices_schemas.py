"""What the API shows of one invoice with everything that happened to it."""

from datetime import datetime

from pydantic import BaseModel

from api.payments_schemas import PaymentShown
from api.schemas import Amount, InvoiceShown, MessageShown


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
    """A step of the ladder: planned, and what became of it."""

    step: str
    action: str
    planned_at: datetime
    outcome: str | None
    decided_at: datetime | None


class InvoiceDetailShown(InvoiceShown):
    """An invoice with its lines, its ladder, its letters and its payments."""

    net: Amount
    tax: Amount
    lines: list[LineShown]
    steps: list[StepShown]
    messages: list[MessageShown]
    payments: list[PaymentShown]
    workflow_url: str
