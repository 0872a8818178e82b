"""Needs review: money that no rule can place, and the moves by which a person places it."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api import review_moves
from api.idempotency import IdempotencyKey, answer, once
from api.review_moves import Decided, Move
from api.reviews_schemas import CreditRequest, DismissRequest, MatchRequest, ReviewShown
from api.schemas import After, Limit, Page
from api.services import ApiServices, Services
from api.staff import AnyStaff, BillingStaff
from persistence import reviews
from persistence.idempotency import StoredAnswer
from persistence.tenants import Staff
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/api/reviews", tags=["reviews"])

log = structlog.get_logger(__name__)


@router.get("")
def list_reviews(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    resolved: Annotated[bool, Query(description="What was decided, newest first, instead of what is open.")] = False,
) -> Page[ReviewShown]:
    """What a person must look at, oldest first."""
    look = reviews.decided if resolved else reviews.unresolved
    with services.database.tenant(staff.tenant_id) as session:
        found = look(session, after=after, limit=limit + 1)
    return Page[ReviewShown].of(found, limit, ReviewShown.of, lambda review: review.id)


@router.get("/{review_id}")
def show_review(review_id: str, services: Services, staff: AnyStaff) -> ReviewShown:
    """One question, with what was decided."""
    with services.database.tenant(staff.tenant_id) as session:
        return ReviewShown.of(reviews.get(session, review_id))


@router.post("/{review_id}/match", status_code=202, response_model=ReviewShown)
async def match_review(
    review_id: str, request: MatchRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """The money was for this payment, which is settled; where it is another sum, a new payment for the same invoice is."""

    async def work() -> StoredAnswer:
        decided = await _decide(services, staff, review_id, lambda session, move: review_moves.match(session, move, request))
        return answer(202, decided)

    return await once(services, f"{staff.tenant_id}/reviews/{review_id}/match", idempotency_key, request, work)


@router.post("/{review_id}/credit", status_code=202, response_model=ReviewShown)
async def credit_review(
    review_id: str, request: CreditRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """The money becomes a customer's credit."""

    async def work() -> StoredAnswer:
        decided = await _decide(services, staff, review_id, lambda session, move: review_moves.credit(session, move, request))
        return answer(202, decided)

    return await once(services, f"{staff.tenant_id}/reviews/{review_id}/credit", idempotency_key, request, work)


@router.post("/{review_id}/dismiss", response_model=ReviewShown)
async def dismiss_review(
    review_id: str, request: DismissRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """There is nothing to do about it, for this reason. A payment that is still pending fails."""

    async def work() -> StoredAnswer:
        decided = await _decide(services, staff, review_id, lambda session, move: review_moves.dismiss(session, move, request))
        return answer(200, decided)

    return await once(services, f"{staff.tenant_id}/reviews/{review_id}/dismiss", idempotency_key, request, work)


Deciding = Callable[[Session, Move], Decided]


async def _decide(services: ApiServices, staff: Staff, review_id: str, deciding: Deciding) -> ReviewShown:
    """Decide in one transaction, and have it carried out; with Temporal down the sweeper does that in a minute."""
    move = Move(review_id, staff.name, services.clock())
    decided = await asyncio.to_thread(_in_transaction, services, staff, move, deciding)
    if decided.payment_id is not None:
        try:
            await services.workflows.carry_out_decision(staff.tenant_id, decided.payment_id, review_id)
        except EngineUnavailableError as error:
            log.warning("the sweeper will carry a decision out", review_id=review_id, error=str(error))
    return ReviewShown.of(decided.review)


def _in_transaction(services: ApiServices, staff: Staff, move: Move, deciding: Deciding) -> Decided:
    with services.database.tenant(staff.tenant_id) as session:
        return deciding(session, move)
