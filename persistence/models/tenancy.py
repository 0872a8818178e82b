"""Tenants and what belongs to the installation as much as to them: gateway accounts, staff tokens, stored answers.

These tables are read before it is known whose request it is, so they are reached through the system session only.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.ids import Prefix
from persistence.columns import CURRENCY_LENGTH, ID_LENGTH, Base, primary_id


class TenantRow(Base):
    """A business that bills with Dunlin."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("payment_terms_days BETWEEN 0 AND 365", name="payment_terms_in_range"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_plain"),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name="slug_is_plain"),
    )

    id: Mapped[str] = primary_id(Prefix.TENANT)
    slug: Mapped[str] = mapped_column(String(40))
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    time_zone: Mapped[str]
    payment_terms_days: Mapped[int]
    prices_include_tax: Mapped[bool]
    invoice_prefix: Mapped[str] = mapped_column(String(20))
    sender_email: Mapped[str]
    contact_email: Mapped[str]
    address_line: Mapped[str]
    colour: Mapped[str] = mapped_column(String(7))
    portal_url: Mapped[str]
    locale: Mapped[str] = mapped_column(String(10))
    country: Mapped[str] = mapped_column(String(2))
    allocation_policy: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    created_at: Mapped[datetime]


class GatewayAccountRow(Base):
    """One tenant's account at one gateway for one currency; credentials are encrypted (`persistence/secrets.py`)."""

    __tablename__ = "gateway_accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "gateway", "currency"), UniqueConstraint("tenant_id", "id"))

    id: Mapped[str] = primary_id(Prefix.GATEWAY_ACCOUNT)
    tenant_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("tenants.id"))
    gateway: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(CURRENCY_LENGTH))
    credentials: Mapped[bytes] = mapped_column(LargeBinary)
    # What the business agreed to pay, by method name (`domain/fees.py`); empty: the published rates.
    fee_rates: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    created_at: Mapped[datetime]


class StaffTokenRow(Base):
    """A bearer token of a tenant's staff; only its SHA-256 is kept (the token has full entropy)."""

    __tablename__ = "staff_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("role IN ('admin', 'billing', 'viewer')", name="role_is_known"),
    )

    id: Mapped[str] = primary_id(Prefix.STAFF_TOKEN)
    tenant_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("tenants.id"))
    name: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class IdempotencyRow(Base):
    """The stored answer to a POST that carried an `Idempotency-Key`.

    `status` is empty while the first request is still being worked on.
    """

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(String(120), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
