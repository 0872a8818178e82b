"""Invoices with their lines, and the credit notes that take them back."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import CURRENCY_LENGTH, ID_LENGTH, Base, TenantScoped, primary_id, within_tenant


class InvoiceRow(TenantScoped, Base):
    """An issued invoice. Its sums never change; `amount_due` moves with allocations, in the same transaction."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "series", "sequence"),
        UniqueConstraint("tenant_id", "customer_id", "currency", "run_id"),
        UniqueConstraint("payment_token"),
        within_tenant("customer_id", "customers"),
        within_tenant("run_id", "billing_runs"),
        within_tenant("dunning_policy_id", "dunning_policies"),
        CheckConstraint("net + tax = total", name="net_and_tax_make_total"),
        CheckConstraint("total > 0", name="total_above_zero"),
        CheckConstraint("amount_due BETWEEN 0 AND total", name="amount_due_in_range"),
        CheckConstraint("state IN ('OPEN', 'PAID', 'VOID', 'WRITTEN_OFF')", name="state_is_known"),
        CheckConstraint("(state = 'OPEN') = (amount_due > 0)", name="open_when_due"),
        CheckConstraint("(state = 'OPEN') = (closed_at IS NULL)", name="closed_when_not_open"),
        CheckConstraint("due_on >= issued_on", name="due_after_issue"),
        CheckConstraint("state = 'OPEN' OR (paused_until IS NULL AND disputed_at IS NULL)", name="set_aside_while_open"),
        CheckConstraint("dunning_round >= 1", name="plans_count_from_one"),
        Index("ix_invoices_customer", "tenant_id", "customer_id", "state"),
        Index("ix_invoices_run", "tenant_id", "run_id"),
        Index("ix_invoices_without_lifecycle", "tenant_id", "id", postgresql_where=text("lifecycle_started_at IS NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.INVOICE)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    run_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    series: Mapped[str] = mapped_column(String(20))
    sequence: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    period: Mapped[str] = mapped_column(String(7))
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    net: Mapped[int]
    tax: Mapped[int]
    total: Mapped[int]
    amount_due: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    closed_at: Mapped[datetime | None]
    payment_token: Mapped[str] = mapped_column(String(60))
    # The policy's snapshot, its version (none: from before there were versions), and the plan that was made of it.
    dunning_policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dunning_policy_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    dunning_plan: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    dunning_round: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    # When the ladder reached suspension; empty again when the invoice suspends nobody any more though it is open.
    suspended_at: Mapped[datetime | None]
    paused_until: Mapped[date | None]
    disputed_at: Mapped[datetime | None]
    lifecycle_started_at: Mapped[datetime | None]


class InvoiceLineRow(TenantScoped, Base):
    """A line. One per subscription and period, one per charge, for ever: that is what stops double billing."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        within_tenant("subscription_id", "subscriptions"),
        within_tenant("charge_id", "charges"),
        UniqueConstraint("invoice_id", "position"),
        UniqueConstraint("subscription_id", "period_start"),
        UniqueConstraint("charge_id"),
        CheckConstraint("net + tax = gross", name="net_and_tax_make_gross"),
        CheckConstraint("(subscription_id IS NULL) <> (charge_id IS NULL)", name="has_one_source"),
        CheckConstraint("(subscription_id IS NULL) = (period_start IS NULL)", name="subscription_has_period"),
    )

    id: Mapped[str] = primary_id(Prefix.INVOICE_LINE)
    invoice_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    position: Mapped[int]
    description: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    tax_basis_points: Mapped[int]
    net: Mapped[int]
    tax: Mapped[int]
    gross: Mapped[int]
    subscription_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    charge_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    period_start: Mapped[date | None]


class CreditNoteRow(TenantScoped, Base):
    """What takes a void invoice back, numbered in a series of its own. `credited` is what had been paid and became credit."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "series", "sequence"),
        UniqueConstraint("invoice_id"),
        within_tenant("invoice_id", "invoices"),
        within_tenant("customer_id", "customers"),
        CheckConstraint("net + tax = total", name="net_and_tax_make_total"),
        CheckConstraint("credited BETWEEN 0 AND total", name="credited_in_range"),
    )

    id: Mapped[str] = primary_id(Prefix.CREDIT_NOTE)
    invoice_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    series: Mapped[str] = mapped_column(String(20))
    sequence: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    net: Mapped[int]
    tax: Mapped[int]
    total: Mapped[int]
    credited: Mapped[int]
    reason: Mapped[str]
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    issued_by: Mapped[str]
