"""Records of what came in, what went out, who did what, and what a person must look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import CURRENCY_LENGTH, ID_LENGTH, Base, TenantScoped, primary_id, within_tenant


class WebhookRow(Base):
    """The inbox: every update that a gateway sent, once. Not tenant scoped, because it is stored before anybody is asked.

    An update for an unknown reference has no payment and waits for a person; all others wait until the signal was accepted.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        UniqueConstraint("gateway", "event_key"),
        CheckConstraint("payment_id IS NULL OR (verified AND tenant_id IS NOT NULL)", name="matched_when_verified"),
        Index(
            "ix_webhooks_unsignalled",
            "next_try_at",
            postgresql_where=text("signalled_at IS NULL AND payment_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = primary_id(Prefix.WEBHOOK)
    gateway: Mapped[str] = mapped_column(String(20))
    event_key: Mapped[str] = mapped_column(String(200))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    verified: Mapped[bool]
    tenant_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("tenants.id"))
    payment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    received_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    signalled_at: Mapped[datetime | None]


class MessageRow(TenantScoped, Base):
    """The message log. The key (entity, letter, step) is claimed in the transaction that decides the letter.

    CANCELLED is a letter that had become pointless before it could be sent: the invoice was paid in the meantime.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("message_id"),
        within_tenant("customer_id", "customers"),
        within_tenant("invoice_id", "invoices"),
        within_tenant("payment_id", "payments"),
        CheckConstraint("status IN ('QUEUED', 'SENT', 'FAILED', 'CANCELLED')", name="status_is_known"),
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent_when_sent"),
        Index("ix_messages_entity", "tenant_id", "entity_type", "entity_id"),
        Index("ix_messages_customer", "tenant_id", "customer_id"),
    )

    id: Mapped[str] = primary_id(Prefix.MESSAGE)
    key: Mapped[str] = mapped_column(String(160))
    message_id: Mapped[str] = mapped_column(String(255))
    letter: Mapped[str] = mapped_column(String(40))
    entity_type: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    payment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    to_address: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str | None]
    status: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]


class AuditRow(TenantScoped, Base):
    """Who did what to which thing; append only (a trigger refuses anything else)."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_resource", "tenant_id", "resource_type", "resource_id"),)

    id: Mapped[str] = primary_id(Prefix.AUDIT)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    resource_type: Mapped[str] = mapped_column(String(40))
    resource_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ReviewRow(TenantScoped, Base):
    """Something about money that a person must look at: one open row a payment and reason, or an update that fits no payment.

    What the gateway said of the money is kept here, so that the person who decides need not read a raw message.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        within_tenant("payment_id", "payments"),
        within_tenant("resolved_payment_id", "payments"),
        UniqueConstraint("webhook_id"),
        Index("uq_reviews_open", "payment_id", "reason", unique=True, postgresql_where=text("resolved_at IS NULL")),
        CheckConstraint("payment_id IS NOT NULL OR webhook_id IS NOT NULL", name="is_about_something"),
        CheckConstraint("(amount IS NULL) = (currency IS NULL) AND amount > 0", name="amount_has_currency"),
        CheckConstraint("resolution IN ('MATCHED', 'CREDITED', 'DISMISSED')", name="resolution_is_known"),
        CheckConstraint(
            "(resolved_at IS NULL) = (resolution IS NULL) AND (resolved_at IS NULL) = (resolved_by IS NULL)",
            name="resolved_by_somebody",
        ),
        CheckConstraint("(resolution = 'DISMISSED') <= (resolution_note IS NOT NULL)", name="dismissed_with_a_reason"),
    )

    id: Mapped[str] = primary_id(Prefix.REVIEW)
    payment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    webhook_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("webhooks.id"))
    reason: Mapped[str] = mapped_column(String(40))
    explanation: Mapped[str]
    gateway: Mapped[str | None] = mapped_column(String(20))
    gateway_reference: Mapped[str | None] = mapped_column(String(100))
    amount: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(CURRENCY_LENGTH))
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    resolution: Mapped[str | None] = mapped_column(String(20))
    resolution_note: Mapped[str | None] = mapped_column(String(500))
    resolved_payment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))


class OutageRow(TenantScoped, Base):
    """A time in which one account's gateway was not called because half the calls failed; it lasts while `closed_at` is empty.

    The row decides which process tells the operators: whoever opens or closes it, and nobody else.
    """

    __tablename__ = "gateway_outages"
    __table_args__ = (
        within_tenant("account_id", "gateway_accounts"),
        CheckConstraint("closed_at IS NULL OR closed_at >= opened_at", name="closed_after_opened"),
        Index("uq_gateway_outages_open", "account_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.GATEWAY_OUTAGE)
    account_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    gateway: Mapped[str] = mapped_column(String(20))
    error: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
