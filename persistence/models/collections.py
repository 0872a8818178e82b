"""Chasing: policies, the steps that were taken on an invoice, what staff did, and the holds that suspend a customer."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import ID_LENGTH, Base, TenantScoped, primary_id, within_tenant


class DunningStepRow(TenantScoped, Base):
    """A step of an invoice's ladder that was decided, once: taken, or found to have become pointless."""

    __tablename__ = "dunning_steps"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("outcome IN ('TAKEN', 'POINTLESS')", name="outcome_is_known"),
    )

    invoice_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    step: Mapped[str] = mapped_column(String(40), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(20))
    decided_at: Mapped[datetime]


class HoldRow(TenantScoped, Base):
    """Something that suspends a customer until it is lifted; one of a reason at a time, however many invoices are late."""

    __tablename__ = "holds"
    __table_args__ = (
        within_tenant("customer_id", "customers"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint(
            "reason IN ('OVERDUE', 'MANUAL', 'BREACH', 'CHARGEBACK', 'ON_REQUEST', 'CLOSED')", name="reason_is_known"
        ),
        CheckConstraint("lifted_at IS NULL OR lifted_at >= placed_at", name="lifted_after_placed"),
        Index("uq_holds_standing", "customer_id", "reason", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.HOLD)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    reason: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(default="", server_default="")
    placed_at: Mapped[datetime]
    placed_by: Mapped[str] = mapped_column(default="system", server_default="system")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]


class DunningPolicyRow(TenantScoped, Base):
    """One version of a business's dunning policy, or of a customer's own; the highest version counts.

    A customer's version without a policy says that the business's counts again.
    """

    __tablename__ = "dunning_policies"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "customer_id", "version", postgresql_nulls_not_distinct=True),
        within_tenant("customer_id", "customers"),
        CheckConstraint("version >= 1", name="versions_count_from_one"),
        CheckConstraint("policy IS NOT NULL OR customer_id IS NOT NULL", name="business_has_a_policy"),
    )

    id: Mapped[str] = primary_id(Prefix.DUNNING_POLICY)
    customer_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    version: Mapped[int]
    policy: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class StaffMoveRow(TenantScoped, Base):
    """What staff asked for on an invoice or a customer, and what became of it; `details` are days and names, no prose.

    `MoveKind` for an invoice, `CustomerMoveKind` for a customer (then `invoice_id` is empty).
    """

    __tablename__ = "staff_moves"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        within_tenant("invoice_id", "invoices"),
        within_tenant("customer_id", "customers"),
        CheckConstraint("status IN ('REQUESTED', 'DONE', 'REFUSED')", name="status_is_known"),
        CheckConstraint("(status = 'REQUESTED') = (decided_at IS NULL)", name="decided_when_not_requested"),
        Index("ix_staff_moves_invoice_id", "tenant_id", "invoice_id"),
        Index("ix_staff_moves_customer_id", "tenant_id", "customer_id"),
        Index("ix_staff_moves_requested", "requested_at", postgresql_where=text("status = 'REQUESTED'")),
    )

    id: Mapped[str] = primary_id(Prefix.STAFF_MOVE)
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reason: Mapped[str]
    actor: Mapped[str]
    requested_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20), default="REQUESTED")
    decided_at: Mapped[datetime | None]
    refusal: Mapped[str | None]


class ChasingBlockRow(TenantScoped, Base):
    """A customer whom nobody chases, up to and including the local day `until`, or until it is lifted; one at a time."""

    __tablename__ = "chasing_blocks"
    __table_args__ = (
        within_tenant("customer_id", "customers"),
        CheckConstraint("lifted_at IS NULL OR lifted_at >= placed_at", name="lifted_after_placed"),
        Index("uq_chasing_blocks_standing", "customer_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.CHASING_BLOCK)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    until: Mapped[date | None]
    note: Mapped[str]
    placed_at: Mapped[datetime]
    placed_by: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]


class LetterInvoiceRow(TenantScoped, Base):
    """An invoice that a letter to a customer with several late invoices lists.

    `told`: whether the letter as it was written asks for it; what is set aside by then is left out.
    """

    __tablename__ = "letter_invoices"
    __table_args__ = (within_tenant("message_id", "messages"), within_tenant("invoice_id", "invoices"))

    message_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    invoice_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    told: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
