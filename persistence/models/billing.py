"""Who is billed for what, the runs that bill, and the invoices that come of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import CURRENCY_LENGTH, ID_LENGTH, Base, TenantScoped, primary_id, within_tenant


class CustomerRow(TenantScoped, Base):
    """Who is billed. The billing status is not here: it follows from holds and debts (`domain/standing.py`)."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("tenant_id", "reference"), UniqueConstraint("tenant_id", "id"))

    id: Mapped[str] = primary_id(Prefix.CUSTOMER)
    reference: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime]


class PlanRow(TenantScoped, Base):
    """A price that recurs."""

    __tablename__ = "plans"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name="tax_in_range"),
        CheckConstraint("interval_months IN (1, 3, 6, 12)", name="interval_is_known"),
    )

    id: Mapped[str] = primary_id(Prefix.PLAN)
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    interval_months: Mapped[int]
    tax_basis_points: Mapped[int]
    prorated: Mapped[bool]


class SubscriptionRow(TenantScoped, Base):
    """A customer's use of a plan, from `starts_on` to `ends_on` (its last day)."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "plan_id", "starts_on"),
        UniqueConstraint("tenant_id", "id"),
        within_tenant("customer_id", "customers"),
        within_tenant("plan_id", "plans"),
        CheckConstraint("quantity > 0", name="quantity_above_zero"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
    )

    id: Mapped[str] = primary_id(Prefix.SUBSCRIPTION)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    plan_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    quantity: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


class ChargeRow(TenantScoped, Base):
    """Something charged once."""

    __tablename__ = "charges"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        within_tenant("customer_id", "customers"),
        CheckConstraint("quantity > 0", name="quantity_above_zero"),
        CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name="tax_in_range"),
        Index("ix_charges_customer_id", "tenant_id", "customer_id"),
    )

    id: Mapped[str] = primary_id(Prefix.CHARGE)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    description: Mapped[str] = mapped_column(String(300))
    quantity: Mapped[int]
    unit_price: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    tax_basis_points: Mapped[int]
    charge_on: Mapped[date]


class BillingRunRow(TenantScoped, Base):
    """One run for one period; only one that is not dry can exist for a period."""

    __tablename__ = "billing_runs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("uq_billing_runs_period", "tenant_id", "period", unique=True, postgresql_where=text("NOT dry_run")),
        CheckConstraint("status IN ('RUNNING', 'COMPLETED')", name="status_is_known"),
        CheckConstraint("(status = 'COMPLETED') = (finished_at IS NOT NULL)", name="finished_when_completed"),
    )

    id: Mapped[str] = primary_id(Prefix.BILLING_RUN)
    period: Mapped[str] = mapped_column(String(7))
    dry_run: Mapped[bool]
    status: Mapped[str] = mapped_column(String(20))
    started_by: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    customers_total: Mapped[int] = mapped_column(default=0)
    customers: Mapped[int] = mapped_column(default=0)
    issued: Mapped[int] = mapped_column(default=0)
    nothing_due: Mapped[int] = mapped_column(default=0)
    parked: Mapped[int] = mapped_column(default=0)
    amounts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    # The last customer that was looked at: a batch that is tried again after a crash is not counted twice.
    cursor: Mapped[str] = mapped_column(String(ID_LENGTH), default="")


class ParkedCustomerRow(TenantScoped, Base):
    """A customer whom a run could not bill, and why."""

    __tablename__ = "parked_customers"
    __table_args__ = (within_tenant("run_id", "billing_runs"), within_tenant("customer_id", "customers"))

    run_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    reason: Mapped[str]
    parked_at: Mapped[datetime]


class NumberSeriesRow(TenantScoped, Base):
    """The last number taken in a series; advanced only in the transaction that issues."""

    __tablename__ = "number_series"

    tenant_id: Mapped[str] = mapped_column(
        String(ID_LENGTH),
        ForeignKey("tenants.id"),
        primary_key=True,
        server_default=text("current_setting('dunlin.tenant_id')"),
    )
    series: Mapped[str] = mapped_column(String(20), primary_key=True)
    last_number: Mapped[int]


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
        CheckConstraint("net + tax = total", name="net_and_tax_make_total"),
        CheckConstraint("total > 0", name="total_above_zero"),
        CheckConstraint("amount_due BETWEEN 0 AND total", name="amount_due_in_range"),
        CheckConstraint("state IN ('OPEN', 'PAID', 'VOID', 'WRITTEN_OFF')", name="state_is_known"),
        CheckConstraint("(state = 'OPEN') = (amount_due > 0)", name="open_when_due"),
        CheckConstraint("(state = 'OPEN') = (closed_at IS NULL)", name="closed_when_not_open"),
        CheckConstraint("due_on >= issued_on", name="due_after_issue"),
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
    dunning_policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    suspended_at: Mapped[datetime | None]
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
