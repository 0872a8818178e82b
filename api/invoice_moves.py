"""Staff moves on an invoice (requirements L7): void, write off, extend, pause, resume, dispute, resolve, re-apply the policy.

Each is stored with who asked and why, handed to the invoice's lifecycle, and answered with the invoice as it stands then.
Whether its day can be meant is decided there: the lifecycle's clock counts, not this process's.
"""

import asyncio
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.idempotency import IdempotencyKey, Making, answer, once_making
from api.invoice_moves_schemas import ExtendRequest, MoveWithoutReason, MoveWithReason, PauseRequest
from api.invoices import invoice_shown
from api.invoices_schemas import InvoiceDetailShown
from api.services import ApiServices, Services
from api.staff import BillingStaff
from domain.calendar import local_day
from domain.errors import ConflictError, InvalidInputError
from domain.ids import Prefix
from domain.moves import Move, MoveKind, refuse_impossible
from persistence import customers, invoices, moves, tenants
from persistence.idempotency import StoredAnswer
from persistence.moves import MoveStatus, StaffMove
from persistence.tenants import Staff

router = APIRouter(prefix="/api/invoices/{invoice_id}", tags=["invoices"])


@router.post("/void", response_model=InvoiceDetailShown)
async def void_invoice(
    invoice_id: str, request: MoveWithReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Take an open invoice back by a credit note; what was paid of it becomes the customer's credit."""
    return await _Asked(services, staff, invoice_id, MoveKind.VOID, request.reason).make(request, idempotency_key)


@router.post("/write-off", response_model=InvoiceDetailShown)
async def write_invoice_off(
    invoice_id: str, request: MoveWithReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Give up what is left of an open invoice: it becomes a bad debt, and nobody is chased for it."""
    return await _Asked(services, staff, invoice_id, MoveKind.WRITE_OFF, request.reason).make(request, idempotency_key)


@router.post("/extend", response_model=InvoiceDetailShown)
async def extend_invoice(
    invoice_id: str, request: ExtendRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Let an open invoice be due later; its ladder begins anew before that day, and a suspension over it ends."""
    asked = _Asked(services, staff, invoice_id, MoveKind.EXTEND, request.reason, request.due_on)
    return await asked.make(request, idempotency_key)


@router.post("/pause", response_model=InvoiceDetailShown)
async def pause_invoice(
    invoice_id: str, request: PauseRequest, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Chase an invoice no more up to and including a day (a promise to pay), and again by itself after that."""
    asked = _Asked(services, staff, invoice_id, MoveKind.PAUSE, request.reason, request.until)
    return await asked.make(request, idempotency_key)


@router.post("/resume", response_model=InvoiceDetailShown)
async def resume_invoice(
    invoice_id: str, request: MoveWithoutReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Chase a paused invoice again before its day."""
    return await _Asked(services, staff, invoice_id, MoveKind.RESUME, request.reason).make(request, idempotency_key)


@router.post("/dispute", response_model=InvoiceDetailShown)
async def dispute_invoice(
    invoice_id: str, request: MoveWithReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Mark an invoice as disputed: it is not chased, and suspends nobody, until that is resolved."""
    return await _Asked(services, staff, invoice_id, MoveKind.DISPUTE, request.reason).make(request, idempotency_key)


@router.post("/resolve", response_model=InvoiceDetailShown)
async def resolve_dispute(
    invoice_id: str, request: MoveWithReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """End a dispute because the invoice stands: it is chased again. One that does not stand is voided instead."""
    return await _Asked(services, staff, invoice_id, MoveKind.RESOLVE, request.reason).make(request, idempotency_key)


@router.post("/reapply-policy", response_model=InvoiceDetailShown)
async def reapply_policy(
    invoice_id: str, request: MoveWithoutReason, services: Services, staff: BillingStaff, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Chase an invoice by the policy that its customer's new invoices get, instead of the one it was issued under."""
    return await _Asked(services, staff, invoice_id, MoveKind.REAPPLY_POLICY, request.reason).make(request, idempotency_key)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A move that somebody of staff asks for on an invoice; `day` where the kind has one."""

    services: ApiServices
    staff: Staff
    invoice_id: str
    kind: MoveKind
    reason: str
    day: date | None = None

    async def make(self, request: BaseModel, idempotency_key: str | None) -> JSONResponse:
        """Put the move on record, have it made, and answer with the invoice as it stands then."""

        async def begin(move_id: str) -> StaffMove:
            return await asyncio.to_thread(self._put_on_record, move_id)

        async def go_on(asked: StaffMove) -> StoredAnswer:
            await self._hand_over(asked)
            shown = await asyncio.to_thread(invoice_shown, self.services, self.staff, self.invoice_id)
            self._refuse_anothers(asked, shown.number)
            return answer(200, shown)

        scope = f"{self.staff.tenant_id}/{self.invoice_id}/{self.kind.value.lower()}"
        return await once_making(self.services, scope, idempotency_key, request, Making(Prefix.STAFF_MOVE, begin, go_on))

    def _put_on_record(self, move_id: str) -> StaffMove:
        """Store the move for the lifecycle that makes it; an equal one while that waits to be made, or has closed the invoice.

        What is stored under the id already is what an earlier request with the same key came to.

        Raises:
            ConflictError: the invoice is closed.
            NotFoundError: there is no such invoice.
        """
        now = self.services.clock()
        with self.services.database.tenant(self.staff.tenant_id) as session:
            customer_id = invoices.get(session, self.invoice_id).invoice.customer_id
            customers.lock(session, customer_id)
            own = moves.find(session, move_id) or moves.waiting(session, self.invoice_id, self.kind, self.day)
            if own is not None:
                return own
            move = Move(move_id, self.kind, self.day)
            detail = invoices.lock_one(session, self.invoice_id)
            if detail.invoice.state.is_closed:
                closing = moves.last_done(session, self.invoice_id, self.kind)
                if closing is not None and self.kind.closes_as is detail.invoice.state:
                    return closing
                # Whatever the day is: no lifecycle runs that could say so.
                refuse_impossible(move, moves.movable(detail), local_day(now, tenants.current(session).time_zone))
            return moves.request(
                session,
                move,
                invoice_id=self.invoice_id,
                customer_id=customer_id,
                reason=self.reason,
                actor=self.staff.name,
                now=now,
            )

    async def _hand_over(self, asked: StaffMove) -> None:
        """Have the move made, unless it is decided.

        Raises:
            ConflictError, InvalidInputError: it was refused, now or before.
            MadeLaterError: it is stored, and made in a minute.
        """
        if asked.status is MoveStatus.REQUESTED:
            try:
                await self.services.workflows.move_invoice(self.staff.tenant_id, self.invoice_id, asked.move)
            except (ConflictError, InvalidInputError) as error:
                asked = await asyncio.to_thread(self._refused, asked, error)
        asked.raise_refusal()

    def _refuse_anothers(self, asked: StaffMove, number: str) -> None:
        """Tell whoever came second that the move was made, and that theirs, with its reason, was not.

        Raises:
            ConflictError: the move that was made is somebody else's, or was asked for with another reason.
        """
        if (asked.actor, asked.reason) != (self.staff.name, self.reason):
            raise ConflictError(
                f"Invoice {number} was {self.kind.participle} already by {asked.actor}: this request changed nothing, and its "
                "reason was not kept."
            )

    def _refused(self, asked: StaffMove, error: ConflictError | InvalidInputError) -> StaffMove:
        """The move as it was decided: refused, unless it was made by an earlier try whose answer was lost."""
        with self.services.database.tenant(self.staff.tenant_id) as session:
            moves.mark_refused(session, asked.id, error, self.services.clock())
            return moves.get(session, asked.id)
