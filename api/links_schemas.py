"""What the API of payment links takes and gives, as JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.payments_schemas import PaymentShown
from api.reasons import on_one_line
from api.schemas import Amount, MessageShown
from domain.money import LARGEST_AMOUNT_MINOR
from domain.payment_link import LONGEST_LIFE, LinkStatus, LinkType


class PaymentLinkRequest(BaseModel):
    """A link to be made. Which fields it needs depends on its type.

    - `INVOICE`: what is due on `invoice_id` when it is paid.
    - `OUTSTANDING`: all that `customer_id` owes in `currency` when it is paid.
    - `CUSTOM`: `amount` (minor units), for `invoice_id` or for the oldest debt of `customer_id`; what is over becomes credit.
    - `REGISTRATION`, `DEPOSIT`: `amount` by `customer_id`, kept as credit.

    Without `currency` it is the invoice's, or the business's own. Without `expires_in_days` it lives for seven.
    """

    model_config = ConfigDict(extra="forbid")

    type: LinkType
    customer_id: str | None = Field(default=None, max_length=60)
    invoice_id: str | None = Field(default=None, max_length=60)
    amount: int | None = Field(default=None, gt=0, le=LARGEST_AMOUNT_MINOR)
    currency: str | None = Field(default=None, min_length=3, max_length=3, examples=["ZAR"])
    description: Annotated[str, BeforeValidator(on_one_line)] = Field(
        default="", max_length=200, description="What the payer is told it is for.", examples=["Registration fee 2027, Grade 1"]
    )
    expires_in_days: int | None = Field(default=None, ge=1, le=LONGEST_LIFE.days)


class PaymentLinkShown(BaseModel):
    """A link.

    `amount` is what it asks for now: for an invoice or an outstanding balance, what is due at this moment. `is_own` marks the
    link that an invoice has from the start; it expires never and closes with its invoice. `whatsapp_url` opens a chat with the
    customer in which the message is written, ready to be sent; null when there is nothing to pay by the link.
    """

    id: str
    code: str
    url: str
    type: LinkType
    status: LinkStatus
    customer_id: str
    invoice_id: str | None
    invoice_number: str | None
    is_own: bool
    purpose: str
    amount: Amount
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    closed_at: datetime | None
    whatsapp_url: str | None


class PaymentLinkDetailShown(PaymentLinkShown):
    """A link with the payments that were begun by it, newest first, and the letters that it was sent in."""

    payments: list[PaymentShown]
    messages: list[MessageShown]
