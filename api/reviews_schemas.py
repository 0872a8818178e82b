"""What the review queue takes and shows, as JSON."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from api.reasons import NoteIfAny, Reason
from api.schemas import Amount
from domain.money import LARGEST_AMOUNT_MINOR
from domain.payment import PaymentMethod
from persistence.reviews import Review


class ReviewShown(BaseModel):
    """A question about money, with what was decided once somebody has.

    `reason` is OUTCOME_UNKNOWN, MISMATCH, UNMATCHED, PAID_AGAIN, OTHER_MODE, CONTRADICTION, DISPUTED or REFUNDED; `resolution`
    is MATCHED, CREDITED or DISMISSED, and gone again when the payment that the money was booked as is reversed.
    `gateway`, `gateway_reference` and `amount` are the money in question, as far as the gateway told.
    """

    id: str
    payment_id: str | None
    webhook_id: str | None
    reason: str
    explanation: str
    gateway: str | None
    gateway_reference: str | None
    amount: Amount | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    resolution_note: str | None
    resolved_payment_id: str | None

    @classmethod
    def of(cls, review: Review) -> Self:
        return cls(
            id=review.id,
            payment_id=review.payment_id,
            webhook_id=review.webhook_id,
            reason=review.reason,
            explanation=review.explanation,
            gateway=review.gateway,
            gateway_reference=review.gateway_reference,
            amount=Amount.of(review.amount) if review.amount else None,
            opened_at=review.opened_at,
            resolved_at=review.resolved_at,
            resolved_by=review.resolved_by,
            resolution=review.resolution,
            resolution_note=review.resolution_note,
            resolved_payment_id=review.resolved_payment_id,
        )


class _MoneyLookedUp(BaseModel):
    """What the person found at the gateway, as far as the gateway did not tell it to us."""

    model_config = ConfigDict(extra="forbid")

    amount: int | None = Field(
        None, gt=0, le=LARGEST_AMOUNT_MINOR, description="In minor units; only where the gateway did not tell it."
    )
    gateway_reference: str | None = Field(
        None, min_length=1, max_length=100, description="The gateway's own id of the payment; only where it did not tell it."
    )
    method: PaymentMethod | None = Field(
        None, description="How it was paid; only where the gateway carries several methods and no payment tells which."
    )
    note: NoteIfAny = None


class MatchRequest(_MoneyLookedUp):
    """The money in question was for this payment."""

    payment_id: str = Field(max_length=60)


class CreditRequest(_MoneyLookedUp):
    """The money in question becomes a customer's credit: of `customer_id`, or of the payment's customer."""

    customer_id: str | None = Field(None, max_length=60)
    currency: str | None = Field(None, min_length=3, max_length=3, examples=["ZAR"], description="With `amount` only.")


class DismissRequest(BaseModel):
    """There is nothing to do about it. A payment that is still pending fails, and its payer is told this reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["The gateway never received this payment."])
