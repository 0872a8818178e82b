"""Money that moves: payments, gateway transactions, allocations, and the ledger that proves them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import CURRENCY_LENGTH, ID_LENGTH, Base, TenantScoped, primary_id, within_tenant


class PaymentRow(TenantScoped, Base):
    """One payment, from intent to settlement. A trigger holds that its status only climbs and its amount never changes."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        within_tenant("customer_id", "customers"),
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        CheckConstraint("status IN ('PENDING', 'FAILED', 'SETTLED')", name="status_is_known"),
        CheckConstraint("allocated >= 0 AND credited >= 0", name="uses_not_negative"),
        CheckConstraint(
            "(status = 'SETTLED' AND allocated + credited = amount AND settled_at IS NOT NULL)"
            " OR (status <> 'SETTLED' AND allocated + credited = 0 AND settled_at IS NULL)",
            name="used_in_full_when_settled",
        ),
        Index("ix_payments_invoice", "tenant_id", "invoice_id"),
        Index("ix_payments_customer", "tenant_id", "customer_id"),
    )

    id: Mapped[str] = primary_id(Prefix.PAYMENT)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    method: Mapped[str] = mapped_column(String(30))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    status: Mapped[str] = mapped_column(String(20))
    allocated: Mapped[int] = mapped_column(default=0)
    credited: Mapped[int] = mapped_column(default=0)
    # The national number that mobile money asks; it never enters a workflow's history.
    payer_phone: Mapped[str | None] = mapped_column(String(20))
    # Bank reference or receipt number of money that staff record by hand; unique so that it is not recorded twice.
    manual_reference: Mapped[str | None] = mapped_column(String(100))
    failure_reason: Mapped[str | None]
    initiated_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


Index(
    "uq_payments_manual_reference",
    PaymentRow.tenant_id,
    PaymentRow.method,
    PaymentRow.manual_reference,
    unique=True,
    postgresql_where=PaymentRow.manual_reference.is_not(None),
)


class GatewayTransactionRow(TenantScoped, Base):
    """One attempt at a gateway. Its id is our reference and trace there; of a card only brand and last four are kept."""

    __tablename__ = "gateway_transactions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("payment_id", "attempt"),
        UniqueConstraint("account_id", "gateway_reference"),
        within_tenant("payment_id", "payments"),
        within_tenant("account_id", "gateway_accounts"),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        CheckConstraint("fee IS NULL OR fee BETWEEN 0 AND amount", name="fee_in_range"),
        CheckConstraint("(fee IS NULL) = (net IS NULL) AND (net IS NULL OR net = amount - fee)", name="net_is_amount_less_fee"),
        CheckConstraint("card_last_four IS NULL OR card_last_four ~ '^[0-9]{4}$'", name="last_four_only"),
    )

    id: Mapped[str] = primary_id(Prefix.GATEWAY_TRANSACTION)
    payment_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    account_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    gateway: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))
    gateway_reference: Mapped[str | None] = mapped_column(String(100))
    gateway_status: Mapped[str | None] = mapped_column(String(60))
    poll_url: Mapped[str | None]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    fee: Mapped[int | None]
    net: Mapped[int | None]
    card_brand: Mapped[str | None] = mapped_column(String(20))
    card_last_four: Mapped[str | None] = mapped_column(String(4))
    # What the payer was told to do, so that the same request asked again gets the same answer.
    checkout: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    raw_response: Mapped[str | None] = mapped_column(Text)
    initiated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class AllocationRow(TenantScoped, Base):
    """A part of a payment used for an invoice. A trigger holds that the parts never exceed the payment or the invoice."""

    __tablename__ = "allocations"
    __table_args__ = (
        UniqueConstraint("payment_id", "invoice_id"),
        within_tenant("payment_id", "payments"),
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        Index("ix_allocations_invoice", "invoice_id"),
    )

    id: Mapped[str] = primary_id(Prefix.ALLOCATION)
    payment_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    amount: Mapped[int]
    allocated_at: Mapped[datetime]


class LedgerEntryRow(TenantScoped, Base):
    """One immutable entry; at commit a trigger holds that its postings sum to zero in each currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (UniqueConstraint("tenant_id", "cause", "cause_id"), UniqueConstraint("tenant_id", "id"))

    id: Mapped[str] = primary_id(Prefix.LEDGER_ENTRY)
    cause: Mapped[str] = mapped_column(String(40))
    cause_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    posted_at: Mapped[datetime]


class LedgerPostingRow(TenantScoped, Base):
    """One side of an entry: a debit is positive, a credit negative."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        within_tenant("entry_id", "ledger_entries"),
        within_tenant("customer_id", "customers"),
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint(
            "account NOT IN ('accounts_receivable', 'customer_credit') OR customer_id IS NOT NULL", name="customer_is_named"
        ),
        Index("ix_ledger_postings_entry", "entry_id"),
        Index("ix_ledger_postings_account", "tenant_id", "account", "customer_id"),
        Index("ix_ledger_postings_invoice", "invoice_id", postgresql_where=text("invoice_id IS NOT NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.LEDGER_POSTING)
    entry_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    account: Mapped[str] = mapped_column(String(30))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    customer_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    gateway: Mapped[str | None] = mapped_column(String(20))
