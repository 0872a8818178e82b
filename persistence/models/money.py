"""Money that moves: payments, gateway transactions, allocations, and the ledger that proves them."""

from datetime import date, datetime
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
        within_tenant("link_id", "payment_links"),
        CheckConstraint("status IN ('PENDING', 'FAILED', 'SETTLED', 'REVERSED')", name="status_is_known"),
        CheckConstraint("target IN ('CREDIT', 'OLDEST_DUE')", name="target_is_known"),
        CheckConstraint("allocated >= 0 AND credited >= 0", name="uses_not_negative"),
        CheckConstraint(
            "(status IN ('SETTLED', 'REVERSED') AND allocated + credited = amount AND settled_at IS NOT NULL)"
            " OR (status NOT IN ('SETTLED', 'REVERSED') AND allocated + credited = 0 AND settled_at IS NULL)",
            name="used_in_full_when_settled",
        ),
        CheckConstraint(
            "(status = 'REVERSED') = (reversed_at IS NOT NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)",
            name="reversed_with_a_reason",
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
    # Bank reference or receipt number of money that staff record by hand; unique so that it is not recorded twice, but free
    # again when the payment was reversed: what was recorded on the wrong account is recorded on the right one.
    manual_reference: Mapped[str | None] = mapped_column(String(100))
    # The day (in the tenant's zone) on which staff say that the money came, and what they noted about it.
    received_on: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(String(500))
    # What it is used for where it is for no invoice: the oldest debt, or the customer's credit.
    target: Mapped[str] = mapped_column(String(20), server_default=text("'OLDEST_DUE'"))
    # The link that it was paid through; None for what staff record.
    link_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    failure_reason: Mapped[str | None]
    initiated_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    reversed_at: Mapped[datetime | None]
    reversal_reason: Mapped[str | None] = mapped_column(String(500))


Index(
    "uq_payments_manual_reference",
    PaymentRow.tenant_id,
    PaymentRow.method,
    PaymentRow.manual_reference,
    unique=True,
    postgresql_where=text("manual_reference IS NOT NULL AND status <> 'REVERSED'"),
)


class PaymentLinkRow(TenantScoped, Base):
    """A way to pay that can be handed out. A trigger holds that a closed link stays closed and keeps what it asks for."""

    __tablename__ = "payment_links"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("code"),
        within_tenant("customer_id", "customers"),
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("type IN ('INVOICE', 'OUTSTANDING', 'CUSTOM', 'REGISTRATION', 'DEPOSIT')", name="type_is_known"),
        CheckConstraint("status IN ('ACTIVE', 'PAID', 'EXPIRED', 'CANCELLED')", name="status_is_known"),
        CheckConstraint("(type IN ('CUSTOM', 'REGISTRATION', 'DEPOSIT')) = (amount IS NOT NULL)", name="amount_by_type"),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        CheckConstraint(
            "CASE type WHEN 'INVOICE' THEN invoice_id IS NOT NULL WHEN 'CUSTOM' THEN true ELSE invoice_id IS NULL END",
            name="invoice_by_type",
        ),
        CheckConstraint("(status = 'ACTIVE') = (closed_at IS NULL)", name="closed_when_not_active"),
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
        Index("ix_payment_links_customer", "tenant_id", "customer_id"),
        Index("ix_payment_links_invoice", "invoice_id", postgresql_where=text("invoice_id IS NOT NULL")),
    )

    id: Mapped[str] = primary_id(Prefix.PAYMENT_LINK)
    code: Mapped[str] = mapped_column(String(60))
    type: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    invoice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    amount: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    description: Mapped[str] = mapped_column(String(200))
    # Empty for an invoice's own link, which lives as long as its invoice is open.
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    closed_at: Mapped[datetime | None]


class GatewayTransactionRow(TenantScoped, Base):
    """One attempt at a gateway. Its id is our reference and trace there; of a card only brand and last four are kept."""

    __tablename__ = "gateway_transactions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("payment_id", "attempt"),
        UniqueConstraint("account_id", "gateway_reference"),
        UniqueConstraint("account_id", "checkout_id"),
        within_tenant("payment_id", "payments"),
        within_tenant("account_id", "gateway_accounts"),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        CheckConstraint("fee IS NULL OR fee BETWEEN 0 AND amount", name="fee_in_range"),
        CheckConstraint("(fee IS NULL) = (net IS NULL) AND (net IS NULL OR net = amount - fee)", name="net_is_amount_less_fee"),
        CheckConstraint("fee IS NOT NULL OR NOT fee_is_estimate", name="estimate_is_of_a_fee"),
        CheckConstraint("card_last_four IS NULL OR card_last_four ~ '^[0-9]{4}$'", name="last_four_only"),
    )

    id: Mapped[str] = primary_id(Prefix.GATEWAY_TRANSACTION)
    payment_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    account_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    gateway: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))
    # The gateway's id of the checkout, where it has one besides that of the payment: its updates may name nothing else.
    checkout_id: Mapped[str | None] = mapped_column(String(100))
    gateway_reference: Mapped[str | None] = mapped_column(String(100))
    gateway_status: Mapped[str | None] = mapped_column(String(60))
    poll_url: Mapped[str | None]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    fee: Mapped[int | None]
    net: Mapped[int | None]
    fee_is_estimate: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
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
