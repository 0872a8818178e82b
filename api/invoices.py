"""Invoices: lists, and one with everything that happened to it and will happen."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.invoices_schemas import CreditNoteShown, InvoiceDetailShown, LineShown, StepShown
from api.schemas import After, Amount, InvoiceShown, Limit, MessageShown, Page
from api.services import ApiServices, Services
from api.showing import show_payments
from api.staff import AnyStaff
from domain.invoice import InvoiceLine, InvoiceState
from persistence import chasing, credit_notes, dunning_plans, dunning_policies, holds, invoices, messages, payments
from persistence.invoices import InvoiceDetail
from persistence.messages import Message
from persistence.tenants import Staff
from workflows import names

router = APIRouter(prefix="/api/invoices", tags=["invoices"])

StateFilter = Annotated[InvoiceState | None, Query()]
IdFilter = Annotated[str | None, Query(max_length=60)]


@router.get("")
def list_invoices(
    services: Services,
    staff: AnyStaff,
    limit: Limit = 50,
    after: After = None,
    state: StateFilter = None,
    customer_id: IdFilter = None,
    run_id: IdFilter = None,
) -> Page[InvoiceShown]:
    """Invoices in the order of issue."""
    with services.database.tenant(staff.tenant_id) as session:
        found = invoices.page(
            session, after=after, limit=limit + 1, state=state.value if state else None, customer_id=customer_id, run_id=run_id
        )
    return Page[InvoiceShown].of(
        found,
        limit,
        lambda detail: InvoiceShown.of(detail, services.payment_page(detail.payment_token)),
        lambda detail: detail.invoice.id,
    )


@router.get("/{invoice_id}")
def show_invoice(invoice_id: str, services: Services, staff: AnyStaff) -> InvoiceDetailShown:
    """One invoice with its lines, its ladder, its letters and its payments."""
    return invoice_shown(services, staff, invoice_id)


def invoice_shown(services: ApiServices, staff: Staff, invoice_id: str) -> InvoiceDetailShown:
    """An invoice as it stands.

    Raises:
        NotFoundError: there is none.
    """
    with services.database.tenant(staff.tenant_id) as session:
        detail = invoices.get(session, invoice_id)
        listed = InvoiceShown.of(detail, services.payment_page(detail.payment_token))
        return InvoiceDetailShown(
            **listed.model_dump(),
            **_standing(session, detail, services.clock()),
            net=Amount.of(detail.net),
            tax=Amount.of(detail.tax),
            lines=[_line(line) for line in invoices.lines(session, invoice_id)],
            steps=_steps(session, detail),
            messages=[show_message(item) for item in messages.of_invoice(session, invoice_id)],
            payments=show_payments(session, services, payments.page(session, after=None, limit=100, invoice_id=invoice_id)),
            workflow_url=services.ui_of_workflow(names.invoice_lifecycle_id(invoice_id)),
        )


def _standing(session: Session, detail: InvoiceDetail, now: datetime) -> dict[str, Any]:
    """What staff did to an invoice, and how it is chased."""
    note = credit_notes.of_invoice(session, detail.invoice.id)
    aside = None if detail.invoice.state.is_closed else chasing.set_aside_now(session, detail, now)
    return {
        "closed_at": detail.closed_at,
        "paused_until": detail.paused_until,
        "disputed_at": detail.disputed_at,
        "set_aside": aside.why if aside else None,
        "suspended": detail.suspended_at is not None and not detail.invoice.state.is_closed,
        "credit_note": CreditNoteShown.of(note) if note else None,
        "policy_version": dunning_policies.get(session, detail.policy_id).version if detail.policy_id else None,
    }


def show_message(message: Message) -> MessageShown:
    """A letter as the API shows it."""
    return MessageShown(
        id=message.id,
        letter=message.letter.value,
        to=message.to_address,
        subject=message.subject,
        entity_type=message.entity_type,
        entity_id=message.entity_id,
        status=message.status,
        tries=message.tries,
        queued_at=message.queued_at,
        sent_at=message.sent_at,
        error=message.error,
    )


def _line(line: InvoiceLine) -> LineShown:
    return LineShown(
        description=line.description,
        quantity=line.quantity,
        unit_price=Amount.of(line.unit_price),
        tax_basis_points=line.tax_basis_points,
        net=Amount.of(line.net),
        tax=Amount.of(line.tax),
        gross=Amount.of(line.gross),
    )


def _steps(session: Session, detail: InvoiceDetail) -> list[StepShown]:
    """What earlier plans did, and then the plan as it is."""
    decided = {step: (outcome, at) for step, outcome, at in holds.steps(session, detail.invoice.id)}
    plan = dunning_plans.of(session, detail)
    planned = {step.key for step in plan}
    shown = [_earlier(key, outcome, at) for key, (outcome, at) in decided.items() if key not in planned]
    for step in plan:
        outcome, at = decided.get(step.key, (None, None))
        shown.append(
            StepShown(
                step=step.key,
                action=step.action.value,
                letter=step.letter.value if step.letter else None,
                planned_on=step.nominal_on,
                planned_at=step.at,
                moved_because=step.moved or None,
                outcome=outcome,
                decided_at=at,
            )
        )
    return shown


def _earlier(key: str, outcome: str, at: datetime) -> StepShown:
    return StepShown(
        step=key,
        action=dunning_plans.action_of(key).value,
        letter=None,
        planned_on=None,
        planned_at=at,
        moved_because=None,
        outcome=outcome,
        decided_at=at,
    )
