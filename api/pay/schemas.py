"""What the payer's routes take and give, as JSON; the same forms as in `api/schemas.py`."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Amount
from domain.payment import PaymentMethod
from persistence.payments import Payment


class CheckoutRequest(BaseModel):
    """How the payer wants to pay; `phone` is required for mobile money."""

    model_config = ConfigDict(extra="forbid")

    method: PaymentMethod
    phone: str | None = Field(default=None, max_length=30, examples=["0771111111"])


class CheckoutShown(BaseModel):
    """What the payer is to do next: follow `redirect_url`, or do what `instructions` say."""

    model_config = ConfigDict(extra="ignore")  # what else is kept of a checkout is not the payer's

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

    @classmethod
    def of(cls, payment: Payment) -> Self:
        return cls(
            id=payment.id,
            method_name=payment.method.human_name,
            amount=Amount.of(payment.amount),
            status=payment.status.value,
            failure_reason=payment.failure_reason,
            initiated_at=payment.initiated_at,
        )


class PayStatusShown(BaseModel):
    """How a payment link stands, for whoever has it.

    `amount` is what it asks for now, zero when that is nothing. `invoice_number`, `state`, `due_on` and `total` are its
    invoice's, null for a link that is for no invoice. `amount_due` is what is due on that invoice, else the same as `amount`.
    """

    link_status: str
    link_type: str
    amount: Amount
    invoice_number: str | None
    state: str | None
    due_on: date | None
    total: Amount | None
    amount_due: Amount
    payments: list[PayerPaymentShown]
