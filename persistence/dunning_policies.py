"""Dunning policies by version: a business's own, and what single customers have instead. Nothing is changed, only added."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.dunning_policy import DunningPolicy
from domain.errors import ConflictError, InvariantError, NotFoundError
from domain.ids import Prefix
from persistence.columns import new_id
from persistence.models import DunningPolicyRow


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """One version.

    Attributes:
        customer_id: whose it is; None: the business's.
        policy: None for a customer's version that says that the business's counts again.
    """

    id: str
    customer_id: str | None
    version: int
    policy: DunningPolicy | None
    note: str
    created_by: str
    created_at: datetime

    @property
    def in_force(self) -> DunningPolicy:
        """The policy of a version that has one."""
        if self.policy is None:
            raise InvariantError(f"Version {self.version} ({self.id}) takes a policy away and is none.")
        return self.policy


def get(session: Session, policy_id: str) -> StoredPolicy:
    """Raises: NotFoundError: the bound tenant has no such version."""
    row = session.get(DunningPolicyRow, policy_id)
    if row is None:
        raise NotFoundError("dunning policy", policy_id)
    return _policy(row)


def of_business(session: Session) -> StoredPolicy:
    """The bound tenant's policy as it is now."""
    return _policy(
        session.scalars(
            select(DunningPolicyRow)
            .where(DunningPolicyRow.customer_id.is_(None))
            .order_by(DunningPolicyRow.version.desc())
            .limit(1)
        ).one()
    )


def own_of(session: Session, customer_ids: Collection[str]) -> dict[str, StoredPolicy]:
    """The policies that these customers have of their own, by customer id."""
    newest = (
        select(DunningPolicyRow.customer_id, func.max(DunningPolicyRow.version).label("version"))
        .where(DunningPolicyRow.customer_id.in_(list(customer_ids)))
        .group_by(DunningPolicyRow.customer_id)
        .subquery()
    )
    rows = session.scalars(
        select(DunningPolicyRow).join(
            newest,
            (DunningPolicyRow.customer_id == newest.c.customer_id) & (DunningPolicyRow.version == newest.c.version),
        )
    )
    return {row.customer_id: _policy(row) for row in rows if row.customer_id and row.policy is not None}


def of_customer(session: Session, customer_id: str) -> StoredPolicy:
    """The policy by which a customer's new invoices are chased: the customer's own, else the business's."""
    return own_of(session, [customer_id]).get(customer_id) or of_business(session)


def of_customers(session: Session, customer_ids: Collection[str]) -> dict[str, StoredPolicy]:
    """The same for several customers, by customer id."""
    own, business = own_of(session, customer_ids), of_business(session)
    return {customer_id: own.get(customer_id, business) for customer_id in customer_ids}


def put(
    session: Session,
    policy: DunningPolicy | None,
    *,
    customer_id: str | None = None,
    follows: int | None = None,
    note: str = "",
    actor: str,
    now: datetime,
) -> StoredPolicy:
    """Add the next version.

    Args:
        policy: None takes a customer's own policy away.
        follows: the version that the caller looked at, 0 when there was none; None: whatever is the newest.

    Raises:
        ConflictError: somebody else added a version meanwhile; nothing was added.
    """
    if follows is None:
        of_same = DunningPolicyRow.customer_id.is_not_distinct_from(customer_id)
        follows = session.scalar(select(func.max(DunningPolicyRow.version)).where(of_same)) or 0
    row = session.scalars(
        insert(DunningPolicyRow)
        .values(
            id=new_id(Prefix.DUNNING_POLICY),
            customer_id=customer_id,
            version=follows + 1,
            policy=policy.to_data() if policy else None,
            note=note,
            created_by=actor,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(DunningPolicyRow)
    ).one_or_none()
    if row is None:
        raise ConflictError(
            "Somebody else changed this dunning policy meanwhile: look at what it is now, and send your change again "
            "if it is still wanted."
        )
    return _policy(row)


def page(session: Session, *, customer_id: str | None, before: int | None, limit: int) -> list[StoredPolicy]:
    """Versions of the business's policy, or of a customer's own, newest first; `before` a version."""
    statement = (
        select(DunningPolicyRow)
        .where(DunningPolicyRow.customer_id.is_not_distinct_from(customer_id))
        .order_by(DunningPolicyRow.version.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(DunningPolicyRow.version < before)
    return [_policy(row) for row in session.scalars(statement)]


def add_first(system: Session, tenant_id: str, policy: DunningPolicy, actor: str, now: datetime) -> None:
    """The policy that a new business begins with."""
    system.add(
        DunningPolicyRow(tenant_id=tenant_id, version=1, policy=policy.to_data(), created_by=actor, created_at=now, note="")
    )
    system.flush()


def _policy(row: DunningPolicyRow) -> StoredPolicy:
    return StoredPolicy(
        row.id,
        row.customer_id,
        row.version,
        DunningPolicy.from_data(row.policy) if row.policy is not None else None,
        row.note,
        row.created_by,
        row.created_at,
    )
