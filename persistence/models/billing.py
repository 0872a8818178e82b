"""Who is billed for what, and the runs that bill, with their schedules. The invoices that come of it are in `invoices.py`."""

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
    # Customers who got no invoice because they are suspended (by their policy) or closed.
    withheld: Mapped[int] = mapped_column(default=0, server_default=text("0"))
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


class BillingScheduleRow(TenantScoped, Base):
    """When a tenant's months are billed by themselves; Temporal's schedule of the same id is made to agree with it.

    `synced_revision` is the revision that Temporal was last told of. Times before `effective_from` are none of this schedule's:
    it was made, given other times, or resumed then.
    """

    __tablename__ = "billing_schedules"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        # Capital letters make no other name, and that of one that was deleted is free again.
        Index(
            "uq_billing_schedules_name",
            "tenant_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("day_of_month BETWEEN 1 AND 31", name="day_in_range"),
        CheckConstraint("at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'", name="at_is_a_time"),
        CheckConstraint("month_offset BETWEEN -1 AND 1", name="month_offset_is_known"),
        CheckConstraint("catch_up_hours BETWEEN 1 AND 672", name="catch_up_in_range"),
        CheckConstraint("synced_revision <= revision", name="synced_up_to_revision"),
    )

    id: Mapped[str] = primary_id(Prefix.BILLING_SCHEDULE)
    name: Mapped[str] = mapped_column(String(60))
    day_of_month: Mapped[int]
    at: Mapped[str] = mapped_column(String(5))
    month_offset: Mapped[int]
    catch_up_hours: Mapped[int]
    is_paused: Mapped[bool]
    note: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    synced_revision: Mapped[int] = mapped_column(default=0)
    effective_from: Mapped[datetime]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
