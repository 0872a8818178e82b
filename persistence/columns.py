"""The kinds of columns that all tables are made of: typed ids, tenant scope, money, instants."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, ForeignKeyConstraint, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from typeid import TypeID

from domain.ids import Prefix

# A prefix, an underscore and 26 characters.
ID_LENGTH = 31
CURRENCY_LENGTH = 3

Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Constraint names are part of the contract: tests name the one that refuses."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, str: String, int: BigInteger}  # noqa: RUF012 - SQLAlchemy's own idiom


def new_id(prefix: Prefix) -> str:
    """A new time-ordered id such as `inv_01jd…` (TypeID over UUIDv7)."""
    return str(TypeID(prefix=prefix.value))


def primary_id(prefix: Prefix) -> Mapped[str]:
    """A primary key that is made on insert."""
    return mapped_column(String(ID_LENGTH), primary_key=True, default=lambda: new_id(prefix))


class TenantScoped:
    """A table of one tenant's rows: the database fills in and enforces the tenant of the session (row-level security)."""

    tenant_id: Mapped[str] = mapped_column(
        String(ID_LENGTH),
        ForeignKey("tenants.id"),
        server_default=text("current_setting('dunlin.tenant_id')"),
    )


def within_tenant(column: str, table: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key that cannot reach another tenant's row.

    Row-level security does not bind foreign keys, so the tenant is part of the key.
    """
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], **options)
