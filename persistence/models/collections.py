"""Chasing: the steps that were taken on an invoice, and the holds that suspend a customer."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
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
        CheckConstraint("reason IN ('OVERDUE', 'MANUAL')", name="reason_is_known"),
        CheckConstraint("lifted_at IS NULL OR lifted_at >= placed_at", name="lifted_after_placed"),
        Index("uq_holds_standing", "customer_id", "reason", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.HOLD)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    reason: Mapped[str] = mapped_column(String(20))
    placed_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
