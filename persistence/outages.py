"""Outages of gateways: from when to when an account was left alone because its calls failed.

Several processes may find out at the same time. The row decides which of them tells the operators: whoever opened or closed it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ids import Prefix
from persistence.columns import new_id
from persistence.models import GatewayAccountRow, OutageRow, TenantRow


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of one account at `gateway`, and whose account it is.

    Attributes:
        error: the last error before it began.
        closed_at: when the gateway answered again; None while it does not.
    """

    id: str
    account_id: str
    gateway: str
    error: str
    opened_at: datetime
    closed_at: datetime | None
    business_name: str
    business_slug: str


def open_outage(system: Session, account_id: str, error: str, now: datetime) -> Outage | None:
    """Begin an outage; None when it has begun already, so that another process tells of it.

    None as well when there is no such account (any more).
    """
    account = system.get(GatewayAccountRow, account_id)
    if account is None:
        return None
    opened = system.scalar(
        insert(OutageRow)
        .values(
            id=new_id(Prefix.GATEWAY_OUTAGE),
            tenant_id=account.tenant_id,
            account_id=account_id,
            gateway=account.gateway,
            error=error,
            opened_at=now,
        )
        .on_conflict_do_nothing()
        .returning(OutageRow.id)
    )
    return _get(system, opened) if opened else None


def close_outage(system: Session, account_id: str, now: datetime) -> Outage | None:
    """End the account's outage; None when it has none (any more), so that another process tells of it."""
    closed = system.scalar(
        update(OutageRow)
        .where(OutageRow.account_id == account_id, OutageRow.closed_at.is_(None))
        # The process that opened it may have had a clock that is ahead of ours.
        .values(closed_at=func.greatest(OutageRow.opened_at, now))
        .returning(OutageRow.id)
    )
    return _get(system, closed) if closed else None


def open_outages(system: Session) -> list[Outage]:
    """All outages that last, oldest first."""
    return [
        _outage(row, tenant)
        for row, tenant in system.execute(_WITH_TENANT.where(OutageRow.closed_at.is_(None)).order_by(OutageRow.id))
    ]


_WITH_TENANT = select(OutageRow, TenantRow).join(TenantRow, TenantRow.id == OutageRow.tenant_id)


def _get(system: Session, outage_id: str) -> Outage:
    row, tenant = system.execute(_WITH_TENANT.where(OutageRow.id == outage_id)).one()
    return _outage(row, tenant)


def _outage(row: OutageRow, tenant: TenantRow) -> Outage:
    return Outage(
        id=row.id,
        account_id=row.account_id,
        gateway=row.gateway,
        error=row.error,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        business_name=tenant.name,
        business_slug=tenant.slug,
    )
