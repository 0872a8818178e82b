"""Tenants, their staff's tokens and their gateway accounts."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.allocation import AllocationPolicy
from domain.customer import Tenant
from domain.errors import InvalidInputError, NotFoundError
from domain.ids import Prefix
from domain.letters import Branding
from persistence.columns import new_id
from persistence.models import GatewayAccountRow, StaffTokenRow, TenantRow
from persistence.secrets import CredentialBox


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is asking: a tenant's staff member, known by a token."""

    token_id: str
    tenant_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """A tenant's account at a gateway, credentials decrypted; never logged."""

    id: str
    tenant_id: str
    gateway: str
    currency: str
    credentials: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountRates:
    """A tenant's account at a gateway as its staff may see it: no credentials.

    Attributes:
        fee_rates: what was agreed with the gateway, by method name (`domain/fees.py`); empty: the published rates.
    """

    id: str
    gateway: str
    currency: str
    fee_rates: dict[str, Any]


def current(session: Session) -> Tenant:
    """The tenant that this session is bound to."""
    return _tenant(session.scalars(select(TenantRow)).one())


def allocation_policy(session: Session) -> AllocationPolicy:
    """What the bound tenant's money is used for beyond what it was meant for."""
    return AllocationPolicy.from_data(session.scalars(select(TenantRow.allocation_policy)).one())


def put_allocation_policy(session: Session, policy: AllocationPolicy) -> None:
    """Change what the bound tenant's money is used for; payments that are settled stay as they are."""
    session.execute(update(TenantRow).values(allocation_policy=policy.to_data()))


def branding(session: Session) -> Branding:
    """How the bound tenant's letters look and whom they come from."""
    row = session.scalars(select(TenantRow)).one()
    return Branding(
        business_name=row.name,
        sender=row.sender_email,
        contact_email=row.contact_email,
        address_line=row.address_line,
        colour=row.colour,
        portal_url=row.portal_url,
        locale=row.locale,
    )


def by_slug(system: Session, slug: str) -> Tenant:
    """Raises: NotFoundError: no tenant has this slug."""
    row = system.scalars(select(TenantRow).where(TenantRow.slug == slug)).one_or_none()
    if row is None:
        raise NotFoundError("tenant", slug)
    return _tenant(row)


def slug_exists(system: Session, slug: str) -> bool:
    return system.scalar(select(TenantRow.id).where(TenantRow.slug == slug)) is not None


def first(system: Session) -> Tenant | None:
    """The tenant that was made first, which the environment's gateway settings configure; None before there is any."""
    row = system.scalars(select(TenantRow).order_by(TenantRow.created_at, TenantRow.id).limit(1)).one_or_none()
    return _tenant(row) if row else None


def all_ids(system: Session) -> list[str]:
    return list(system.scalars(select(TenantRow.id).order_by(TenantRow.id)))


def everyone(system: Session) -> list[Tenant]:
    """All tenants, in the order of their ids."""
    return [_tenant(row) for row in system.scalars(select(TenantRow).order_by(TenantRow.id))]


def add(system: Session, row: TenantRow) -> Tenant:
    system.add(row)
    system.flush()
    return _tenant(row)


def set_sender(system: Session, tenant_id: str, sender_email: str) -> None:
    """Change the address that a tenant's letters come from."""
    system.execute(update(TenantRow).where(TenantRow.id == tenant_id).values(sender_email=sender_email))


def add_token(system: Session, tenant_id: str, name: str, role: str, token: str, now: datetime) -> None:
    """Keep a token's hash; the token itself is shown once by the caller and stored nowhere."""
    system.add(StaffTokenRow(tenant_id=tenant_id, name=name, role=role, token_hash=hash_token(token), created_at=now))
    system.flush()


def staff_by_token(system: Session, token: str) -> Staff | None:
    """Whose token it is; None for an unknown or revoked one."""
    row = system.scalars(
        select(StaffTokenRow).where(StaffTokenRow.token_hash == hash_token(token), StaffTokenRow.revoked_at.is_(None))
    ).one_or_none()
    return Staff(row.id, row.tenant_id, row.name, row.role) if row else None


def hash_token(token: str) -> str:
    """SHA-256 is enough: tokens carry full entropy, so there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def put_account(
    system: Session, box: CredentialBox, tenant_id: str, gateway: str, currency: str, credentials: dict[str, str], now: datetime
) -> None:
    """Store a tenant's account at a gateway, replacing the credentials of the one it had for this currency."""
    sealed = box.seal(credentials)
    statement = insert(GatewayAccountRow).values(
        id=new_id(Prefix.GATEWAY_ACCOUNT),
        tenant_id=tenant_id,
        gateway=gateway,
        currency=currency,
        credentials=sealed,
        created_at=now,
    )
    system.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "gateway", "currency"], set_={"credentials": statement.excluded.credentials}
        )
    )


def fee_rates(session: Session, account_id: str) -> dict[str, Any]:
    """What the bound tenant agreed to pay its gateway, by method name; empty: the published rates."""
    return dict(session.scalars(select(GatewayAccountRow.fee_rates).where(GatewayAccountRow.id == account_id)).one())


def put_fee_rates(session: Session, account_id: str, rates: Mapping[str, Any]) -> None:
    """Replace what the bound tenant agreed to pay its gateway, by method name."""
    session.execute(update(GatewayAccountRow).where(GatewayAccountRow.id == account_id).values(fee_rates=dict(rates)))


def accounts(session: Session) -> list[AccountRates]:
    """The bound tenant's accounts at gateways, without their credentials, in the order in which they were made."""
    return [_rates(row) for row in session.scalars(select(GatewayAccountRow).order_by(GatewayAccountRow.id))]


def lock_account(session: Session, account_id: str) -> AccountRates:
    """Lock one of the bound tenant's accounts.

    Raises:
        NotFoundError: it has no such account.
    """
    row = session.scalars(select(GatewayAccountRow).where(GatewayAccountRow.id == account_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError("gateway account", account_id)
    return _rates(row)


def account_for(session: Session, box: CredentialBox, gateway: str, currency: str) -> StoredAccount | None:
    """The bound tenant's account at `gateway` for `currency`, if it has one."""
    row = session.scalars(
        select(GatewayAccountRow).where(GatewayAccountRow.gateway == gateway, GatewayAccountRow.currency == currency)
    ).one_or_none()
    return _account(row, box) if row else None


def account(session: Session, box: CredentialBox, account_id: str) -> StoredAccount:
    """Raises: NotFoundError: no such account in this session's sight."""
    row = session.get(GatewayAccountRow, account_id)
    if row is None:
        raise NotFoundError("gateway account", account_id)
    return _account(row, box)


def accounts_of_gateway(system: Session, box: CredentialBox, gateway: str) -> list[StoredAccount]:
    """All tenants' accounts at a gateway: for updates whose reference nobody knows.

    One that was sealed with a lost key is passed over: it must not keep the others from being tried.
    """
    found = []
    for row in system.scalars(
        select(GatewayAccountRow).where(GatewayAccountRow.gateway == gateway).order_by(GatewayAccountRow.id)
    ):
        with suppress(InvalidInputError):
            found.append(_account(row, box))
    return found


def gateways_for(session: Session, currency: str) -> set[str]:
    """The names of the gateways by which the bound tenant takes `currency`."""
    return set(session.scalars(select(GatewayAccountRow.gateway).where(GatewayAccountRow.currency == currency)))


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(
        id=row.id,
        slug=row.slug,
        name=row.name,
        currency=row.currency,
        time_zone=row.time_zone,
        payment_terms_days=row.payment_terms_days,
        prices_include_tax=row.prices_include_tax,
        invoice_prefix=row.invoice_prefix,
        sender_email=row.sender_email,
        contact_email=row.contact_email,
        country=row.country,
    )


def _account(row: GatewayAccountRow, box: CredentialBox) -> StoredAccount:
    return StoredAccount(row.id, row.tenant_id, row.gateway, row.currency, box.unseal(row.credentials))


def _rates(row: GatewayAccountRow) -> AccountRates:
    return AccountRates(row.id, row.gateway, row.currency, dict(row.fee_rates))
