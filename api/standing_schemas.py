"""What the API takes and gives about a customer's standing. Instants are UTC; days are local days of the business."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from api.days import Day
from api.reasons import Note, Reason, StaffHoldReason
from api.schemas import Amount
from domain.chasing import SetAside
from domain.standing import STAFF_REASONS, BillingStatus, HoldReason
from persistence.chasing import StandingBlock
from persistence.holds import Hold
from persistence.invoices import InvoiceDetail


class PlaceHoldRequest(BaseModel):
    """Suspend a customer, or close the account (`CLOSED`), until the hold is lifted.

    `note` says why, for staff; the customer's letter tells the reason only. `OVERDUE` cannot be placed by hand: it follows from
    unpaid invoices.
    """

    model_config = ConfigDict(extra="forbid")

    reason: StaffHoldReason = Field(examples=[reason.value for reason in STAFF_REASONS])
    note: Note = Field(default="", examples=["The licence was not renewed."])


class LiftHoldRequest(BaseModel):
    """Why a hold is lifted."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["The licence came in."])


class BlockChasingRequest(BaseModel):
    """Chase none of a customer's invoices, up to and including the day `until`; without it until chasing is resumed."""

    model_config = ConfigDict(extra="forbid")

    until: Day | None = None
    reason: Reason = Field(examples=["Talks about a payment plan."])


class ResumeChasingRequest(BaseModel):
    """Chase a customer again."""

    model_config = ConfigDict(extra="forbid")

    reason: Note = ""


class HoldShown(BaseModel):
    """Something that suspends a customer, or closes the account, until it is lifted; `by` is a name of staff, or `system`."""

    id: str
    reason: HoldReason
    note: str
    since: datetime
    by: str
    lifted_at: datetime | None
    lifted_by: str | None

    @classmethod
    def of(cls, hold: Hold) -> Self:
        return cls(
            id=hold.id,
            reason=hold.reason,
            note=hold.note,
            since=hold.placed_at,
            by=hold.placed_by,
            lifted_at=hold.lifted_at,
            lifted_by=hold.lifted_by,
        )


class BlockShown(BaseModel):
    """The customer is not chased, up to and including `until`; null: until chasing is resumed."""

    id: str
    until: date | None
    reason: str
    since: datetime
    by: str

    @classmethod
    def of(cls, block: StandingBlock) -> Self:
        return cls(id=block.id, until=block.until, reason=block.note, since=block.placed_at, by=block.placed_by)


class SuspendingShown(BaseModel):
    """An open invoice whose ladder has reached suspension; `set_aside` says why it suspends nobody just now, else null."""

    invoice_id: str
    number: str
    amount_due: Amount
    due_on: date
    since: datetime
    set_aside: str | None

    @classmethod
    def of(cls, detail: InvoiceDetail, since: datetime, aside: SetAside | None) -> Self:
        return cls(
            invoice_id=detail.invoice.id,
            number=detail.invoice.number,
            amount_due=Amount.of(detail.invoice.amount_due),
            due_on=detail.invoice.due_on,
            since=since,
            set_aside=aside.why if aside else None,
        )


class StandingShown(BaseModel):
    """How a customer stands today, and why.

    Attributes:
        why: in words for staff.
        holds: those that stand.
        block: of all chasing; null when the customer is chased.
        suspending: what is left of these suspends, unless it is set aside or less than the policy's threshold.
    """

    customer_id: str
    billing_status: BillingStatus
    why: str
    holds: list[HoldShown]
    block: BlockShown | None
    suspending: list[SuspendingShown]
