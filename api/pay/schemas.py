"""What the payer's routes take and give, as JSON; the same forms as in `api/schemas.py`."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Amount
from domain.payment import PaymentMethod


class CheckoutRequest(BaseModel):
    """How the payer wants to pay; `phone` is required for mobile money."""

    model_config = ConfigDict(extra="forbid")

    method: PaymentMethod
    phone: str | None = Field(default=None, max_length=30, examples=["0771111111"])


class CheckoutShown(BaseModel):
    """What the payer is to do next: follow `redirect_url`, or do what `instructions` say."""

    payment_id: str
    status: str
    redirect_url: str | None = None
    instructions: str | None = None
    authorization_code: str | None = None
    authorization_expires: str | None = None
    deep_link: str | None = None
    decline_reason: str | None = None


class PayerPaymentShown(BaseModel):
    """A payment as its payer is told of it."""

    id: str
    method_name: str
    amount: Amount
    status: str
    failure_reason: str | None
    initiated_at: datetime


class PayStatusShown(BaseModel):
    """How an invoice stands, for whoever has its payment link."""

    invoice_number: str
    state: str
    due_on: date
    total: Amount
    amount_due: Amount
    payments: list[PayerPaymentShown]
