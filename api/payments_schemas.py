"""What the API takes and gives about payments. Money is minor units with a currency; `received_on` is a local day."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from api.days import Day
from api.reasons import NoteIfAny, Reason
from api.schemas import Amount
from domain.money import LARGEST_AMOUNT_MINOR
from domain.payment import PaymentMethod
from persistence.attempts import Attempt
from persistence.payments import Payment

Minor = Annotated[int, Field(gt=0, le=LARGEST_AMOUNT_MINOR, strict=True, description="In minor units (cents).")]
Currency = Annotated[str, Field(min_length=3, max_length=3, examples=["ZAR"])]
Id = Annotated[str, Field(max_length=60)]


class ReversalShown(BaseModel):
    """When a payment was taken back, and why."""

    at: datetime
    reason: str


class PaymentShown(BaseModel):
    """A payment, with what its gateway told of it and its workflow in the Temporal UI.

    `fee`, `net` and the card's brand and last four digits are the last attempt's, null where no gateway told or none was
    asked; a fee is an estimate until the gateway tells.
    """

    id: str
    customer_id: str
    invoice_id: str | None
    link_id: str | None
    method: PaymentMethod
    method_name: str
    amount: Amount
    status: str
    allocated: Amount
    credited: Amount
    fee: Amount | None
    net: Amount | None
    fee_is_estimate: bool
    card_brand: str | None
    card_last_four: str | None
    reference: str | None
    received_on: date | None
    note: str | None
    failure_reason: str | None
    initiated_at: datetime
    settled_at: datetime | None
    reversal: ReversalShown | None
    workflow_url: str

    @classmethod
    def of(cls, payment: Payment, attempt: Attempt | None, workflow_url: str) -> Self:
        """Args: attempt: the payment's last one; None when no gateway was asked."""
        fee = attempt.fee if attempt else None
        return cls(
            id=payment.id,
            customer_id=payment.customer_id,
            invoice_id=payment.invoice_id,
            link_id=payment.link_id,
            method=payment.method,
            method_name=payment.method.human_name,
            amount=Amount.of(payment.amount),
            status=payment.status.value,
            allocated=Amount.of(payment.allocated),
            credited=Amount.of(payment.credited),
            fee=Amount.of(fee) if fee is not None else None,
            net=Amount.of(payment.amount - fee) if fee is not None else None,
            fee_is_estimate=attempt.fee_is_estimate if attempt else False,
            card_brand=attempt.card_brand if attempt else None,
            card_last_four=attempt.card_last_four if attempt else None,
            reference=payment.manual_reference or (attempt.gateway_reference if attempt else None),
            received_on=payment.received_on,
            note=payment.note,
            failure_reason=payment.failure_reason,
            initiated_at=payment.initiated_at,
            settled_at=payment.settled_at,
            reversal=_reversal(payment),
            workflow_url=workflow_url,
        )


class RecordPaymentRequest(BaseModel):
    """Money that staff saw arrive: for an invoice, or for a customer, whose oldest debts it then pays.

    `amount` is in minor units; `reference` is the bank's reference or the receipt's number, which is taken once only.
    `received_on` is the day on which it came, today when left out.
    """

    model_config = ConfigDict(extra="forbid")

    invoice_id: Id | None = None
    customer_id: Id | None = None
    method: Literal[PaymentMethod.BANK_TRANSFER, PaymentMethod.CASH]
    amount: Minor
    currency: Currency
    reference: str = Field(min_length=1, max_length=100, examples=["FNB-2026-11-21-0042"])
    received_on: Day | None = None
    note: NoteIfAny = None


class ApplyCreditRequest(BaseModel):
    """Use a customer's credit for an invoice: `amount` minor units, or as much as there is and as is due."""

    model_config = ConfigDict(extra="forbid")

    invoice_id: Id
    amount: Minor | None = None
    currency: Currency | None = None


class ReversePaymentRequest(BaseModel):
    """Why a settled payment is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["The bank returned the transfer."])


def _reversal(payment: Payment) -> ReversalShown | None:
    if payment.reversed_at is None or payment.reversal_reason is None:
        return None
    return ReversalShown(at=payment.reversed_at, reason=payment.reversal_reason)
