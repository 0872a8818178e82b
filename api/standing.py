"""A customer's standing: why it is as it is; holds that staff place and lift; blocking all chasing, and resuming it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.schemas import After, Limit, Page
from api.services import ApiServices, Services
from api.staff import AnyStaff, BillingStaff
from api.standing_schemas import (
    BlockChasingRequest,
    BlockShown,
    HoldShown,
    LiftHoldRequest,
    PlaceHoldRequest,
    ResumeChasingRequest,
    StandingShown,
    SuspendingShown,
)
from api.standing_words import why_so
from api.timeline_words import LocalWords
from domain.calendar import local_day
from domain.customer_moves import CustomerMove, CustomerMoveKind, refuse_impossible
from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.standing import HoldReason
from persistence import chasing, customer_moves, customers, holds, invoices, tenants
from persistence.customer_moves import AskedCustomerMove
from persistence.idempotency import StoredAnswer
from persistence.tenants import Staff

router = APIRouter(prefix="/api/customers/{customer_id}", tags=["standing"])

# One of a reason stands at a time.
_ALL_STANDING = len(HoldReason)


@router.get("/standing")
def show_standing(customer_id: str, services: Services, staff: AnyStaff) -> StandingShown:
    """The billing status that follows from holds and debts, and what it follows from."""
    with services.database.tenant(staff.tenant_id) as session:
        return _shown(session, customer_id, services.clock())


@router.get("/holds")
def list_holds(
    customer_id: str, services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None
) -> Page[HoldShown]:
    """A customer's holds, lifted ones too, newest first."""
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        found = holds.page(session, customer_id, after=after, limit=limit + 1)
    return Page[HoldShown].of(found, limit, HoldShown.of, lambda hold: hold.id)


@router.post("/holds", response_model=StandingShown)
async def place_hold(
    customer_id: str, request: PlaceHoldRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Suspend a customer for a reason that money does not lift, or close the account.

    *Suspension Notice* goes out when the customer was not held before, and not when the account is closed.
    """
    asked = _Asked(services, staff, customer_id, idempotency_key)

    def move(move_id: str) -> CustomerMove:
        return CustomerMove(move_id, CustomerMoveKind.PLACE_HOLD, hold_reason=request.reason)

    return await asked.make("holds", request, move, request.note)


@router.post("/holds/{hold_id}/lift", response_model=StandingShown)
async def lift_hold(
    customer_id: str,
    hold_id: str,
    request: LiftHoldRequest,
    services: Services,
    staff: BillingStaff,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Lift one hold, also one over unpaid invoices: then those invoices suspend no more.

    *Reactivation Confirmation* goes out when nothing else holds the customer.
    """
    asked = _Asked(services, staff, customer_id, idempotency_key)

    def move(move_id: str) -> CustomerMove:
        return CustomerMove(move_id, CustomerMoveKind.LIFT_HOLD, hold_id=hold_id)

    return await asked.make(f"holds/{hold_id}/lift", request, move, request.reason)


@router.post("/chasing/block", response_model=StandingShown)
async def block_chasing(
    customer_id: str,
    request: BlockChasingRequest,
    services: Services,
    staff: BillingStaff,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Chase none of the customer's invoices; a suspension over unpaid ones ends with that."""
    asked = _Asked(services, staff, customer_id, idempotency_key)

    def move(move_id: str) -> CustomerMove:
        return CustomerMove(move_id, CustomerMoveKind.BLOCK_CHASING, day=request.until)

    return await asked.make("chasing/block", request, move, request.reason)


@router.post("/chasing/resume", response_model=StandingShown)
async def resume_chasing(
    customer_id: str,
    request: ResumeChasingRequest,
    services: Services,
    staff: BillingStaff,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Chase the customer again; invoices whose ladder had reached suspension suspend again at once."""
    asked = _Asked(services, staff, customer_id, idempotency_key)

    def move(move_id: str) -> CustomerMove:
        return CustomerMove(move_id, CustomerMoveKind.RESUME_CHASING)

    return await asked.make("chasing/resume", request, move, request.reason)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A move that somebody of staff asks for on a customer."""

    services: ApiServices
    staff: Staff
    customer_id: str
    idempotency_key: str | None

    async def make(self, what: str, request: BaseModel, move: Callable[[str], CustomerMove], reason: str) -> JSONResponse:
        """Put the move on record, have it made, and answer with how the customer stands then.

        Args:
            what: the path under the customer, whose keys these are.
            request: what was asked for.
            move: makes the move from the id that it is stored under.
            reason: why, in the words of who asks.
        """

        async def begin(move_id: str) -> AskedCustomerMove:
            return await asyncio.to_thread(self._put_on_record, move(move_id), reason)

        async def go_on(asked: AskedCustomerMove) -> StoredAnswer:
            await self.services.workflows.make_customer_move(self.staff.tenant_id, self.customer_id, asked.move)
            return answer(200, await asyncio.to_thread(self._standing))

        scope = f"{self.staff.tenant_id}/{self.customer_id}/{what}"
        return await once_making(self.services, scope, self.idempotency_key, request, Making(Prefix.STAFF_MOVE, begin, go_on))

    def _put_on_record(self, move: CustomerMove, reason: str) -> AskedCustomerMove:
        """Store the move for the workflow that makes it; the one that is stored so already is this very request's.

        Raises:
            ConflictError, InvalidInputError: it cannot be made as the customer stands.
            NotFoundError: there is no such customer, or the hold is not one of theirs.
        """
        now = self.services.clock()
        with self.services.database.tenant(self.staff.tenant_id) as session:
            customers.lock(session, self.customer_id)
            own = customer_moves.find(session, move.id)
            if own is not None:
                return own
            if move.hold_id is not None and holds.get(session, move.hold_id).customer_id != self.customer_id:
                raise NotFoundError("hold", move.hold_id)
            today = local_day(now, tenants.current(session).time_zone)
            refuse_impossible(move, chasing.movable(session, self.customer_id), today)
            return customer_moves.request(
                session, move, customer_id=self.customer_id, reason=reason, actor=self.staff.name, now=now
            )

    def _standing(self) -> StandingShown:
        with self.services.database.tenant(self.staff.tenant_id) as session:
            return _shown(session, self.customer_id, self.services.clock())


def _shown(session: Session, customer_id: str, now: datetime) -> StandingShown:
    zone = tenants.current(session).time_zone
    today, words = local_day(now, zone), LocalWords(tenants.branding(session).locale, zone)
    held = holds.page(session, customer_id, limit=_ALL_STANDING, only_standing=True)
    found = chasing.shown_block(session, customer_id)
    block = found if found and found.stands_on(today) else None
    suspending = [
        SuspendingShown.of(detail, detail.suspended_at, chasing.set_aside_now(session, detail, now))
        for detail in invoices.suspending(session, customer_id)
        if detail.suspended_at is not None
    ]
    return StandingShown(
        customer_id=customer_id,
        billing_status=customers.standing(session, customer_id, today).billing_status,
        why=why_so(
            held,
            [each.number for each in suspending if each.set_aside is None],
            customers.late_invoices(session, customer_id, today),
            block,
            words,
        ),
        holds=[HoldShown.of(hold) for hold in held],
        block=BlockShown.of(block) if block else None,
        suspending=suspending,
    )
