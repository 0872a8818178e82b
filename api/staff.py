"""Who is asking: staff are known by a bearer token that belongs to one tenant and has a role."""

import asyncio
from typing import Annotated

import structlog
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import ProblemError
from api.services import ApiServices, Services
from persistence import tenants
from persistence.tenants import Staff

_bearer = HTTPBearer(auto_error=False, description="A staff token, made with `python -m manage create-token`.")
# What each role may do; a viewer only looks.
_MAY_CHANGE = {"admin", "billing"}


async def staff(services: Services, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Staff:
    """Raises: ProblemError: 401 without a valid token."""
    found = await asyncio.to_thread(_look_up, services, credentials.credentials) if credentials else None
    if found is None:
        raise ProblemError(
            401,
            "not-authenticated",
            "A valid staff token is needed: send it as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    # Here and not in the thread, whose bindings end with it.
    structlog.contextvars.bind_contextvars(tenant_id=found.tenant_id, staff=found.name)
    return found


def _look_up(services: ApiServices, token: str) -> Staff | None:
    with services.database.system() as session:
        return tenants.staff_by_token(session, token)


def billing_staff(found: Annotated[Staff, Depends(staff)]) -> Staff:
    """Raises: ProblemError: 403 for a role that may only look."""
    if found.role not in _MAY_CHANGE:
        raise ProblemError(403, "not-allowed", f"The role {found.role!r} may look but not change anything.")
    return found


AnyStaff = Annotated[Staff, Depends(staff)]
BillingStaff = Annotated[Staff, Depends(billing_staff)]
