"""The dunning policy as data: the business's by version, and what single customers have instead (requirements L6)."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from api.dunning_policies_schemas import (
    AfterVersion,
    CustomerPolicyShown,
    IfVersionQuery,
    NoteQuery,
    PolicyRequest,
    PolicyShown,
)
from api.schemas import Limit, Page
from api.services import Services
from api.staff import AnyStaff, BillingStaff
from domain.dunning_policy import DunningPolicy
from domain.errors import ConflictError
from domain.new_policy import new_policy
from persistence import audit, customers, dunning_policies

router = APIRouter(prefix="/api", tags=["dunning policy"])


@router.get("/dunning-policy")
def show_policy(services: Services, staff: AnyStaff) -> PolicyShown:
    """The policy by which the business's new invoices are chased."""
    with services.database.tenant(staff.tenant_id) as session:
        return PolicyShown.of(dunning_policies.of_business(session))


@router.put("/dunning-policy")
def change_policy(request: PolicyRequest, services: Services, staff: BillingStaff) -> PolicyShown:
    """Chase later invoices by another policy; those that are issued keep theirs. The same policy again changes nothing."""
    policy = new_policy(request.policy)
    with services.database.tenant(staff.tenant_id) as session:
        current = dunning_policies.of_business(session)
        _require_version(request.if_version, current.version)
        if current.policy == policy:
            return PolicyShown.of(current)
        now = services.clock()
        changed = dunning_policies.put(session, policy, follows=current.version, note=request.note, actor=staff.name, now=now)
        audit.record(
            session, now, staff.name, "DUNNING_POLICY_CHANGED", "Tenant", staff.tenant_id,
            policy_id=changed.id, version=changed.version,
        )  # fmt: skip
        return PolicyShown.of(changed)


@router.get("/dunning-policy/versions")
def list_versions(services: Services, staff: AnyStaff, limit: Limit = 50, after: AfterVersion = None) -> Page[PolicyShown]:
    """All versions of the business's policy, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        return _versions(session, None, limit, after)


@router.get("/customers/{customer_id}/dunning-policy")
def show_customers_policy(customer_id: str, services: Services, staff: AnyStaff) -> CustomerPolicyShown:
    """The policy by which a customer's new invoices are chased, and whether it is the customer's own."""
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        return _customers(session, customer_id)


@router.put("/customers/{customer_id}/dunning-policy")
def change_customers_policy(
    customer_id: str, request: PolicyRequest, services: Services, staff: BillingStaff
) -> CustomerPolicyShown:
    """Give a customer a policy of its own, for later invoices. The same policy again changes nothing."""
    policy = new_policy(request.policy)
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        version, own = _own(session, customer_id)
        _require_version(request.if_version, version)
        if own != policy:
            now = services.clock()
            changed = dunning_policies.put(
                session, policy, customer_id=customer_id, follows=version, note=request.note, actor=staff.name, now=now
            )
            audit.record(
                session, now, staff.name, "CUSTOMER_DUNNING_POLICY_CHANGED", "Customer", customer_id,
                policy_id=changed.id, version=changed.version,
            )  # fmt: skip
        return _customers(session, customer_id)


@router.delete("/customers/{customer_id}/dunning-policy")
def remove_customers_policy(
    customer_id: str, services: Services, staff: BillingStaff, if_version: IfVersionQuery = None, note: NoteQuery = ""
) -> CustomerPolicyShown:
    """Let the business's policy count for a customer again; answers what counts now, also when there was nothing to remove."""
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        version, own = _own(session, customer_id)
        _require_version(if_version, version)
        if own is not None:
            now = services.clock()
            removed = dunning_policies.put(
                session, None, customer_id=customer_id, follows=version, note=note, actor=staff.name, now=now
            )
            audit.record(
                session, now, staff.name, "CUSTOMER_DUNNING_POLICY_REMOVED", "Customer", customer_id,
                policy_id=removed.id, version=removed.version,
            )  # fmt: skip
        return _customers(session, customer_id)


@router.get("/customers/{customer_id}/dunning-policy/versions")
def list_customers_versions(
    customer_id: str, services: Services, staff: AnyStaff, limit: Limit = 50, after: AfterVersion = None
) -> Page[PolicyShown]:
    """All versions of a customer's own policy, newest first; one without a policy took it away."""
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        return _versions(session, customer_id, limit, after)


def _require_version(expected: int | None, current: int) -> None:
    if expected is not None and expected != current:
        raise ConflictError(
            f"Version {current} of the dunning policy counts now, and you looked at version {expected}: look at it again, and "
            f"send your change with if_version {current} if it is still wanted."
        )


def _own(session: Session, customer_id: str) -> tuple[int, DunningPolicy | None]:
    """The newest of a customer's own versions, 0 when there never was one, and its policy, if it has one."""
    newest = dunning_policies.page(session, customer_id=customer_id, before=None, limit=1)
    return (newest[0].version, newest[0].policy) if newest else (0, None)


def _customers(session: Session, customer_id: str) -> CustomerPolicyShown:
    (own_version, _), in_force = _own(session, customer_id), dunning_policies.of_customer(session, customer_id)
    return CustomerPolicyShown(
        customer_id=customer_id,
        is_own=in_force.customer_id is not None,
        own_version=own_version,
        in_force=PolicyShown.of(in_force),
    )


def _versions(session: Session, customer_id: str | None, limit: int, before: int | None) -> Page[PolicyShown]:
    found = dunning_policies.page(session, customer_id=customer_id, before=before, limit=limit + 1)
    return Page[PolicyShown].of(found, limit, PolicyShown.of, lambda stored: str(stored.version))
