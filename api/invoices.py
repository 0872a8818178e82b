"""Invoices: lists, and one with everything that happened to it and will happen."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.invoices_schemas import InvoiceDetailShown, LineShown, StepShown
from api.schemas import After, Amount, InvoiceShown, Limit, MessageShown, Page
from api.services import Services
from api.showing import show_payments
from api.staff import AnyStaff
from domain.dunning import plan_steps
from domain.invoice import InvoiceLine, InvoiceState
from persistence import holds, invoices, messages, payments, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Message
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
    with services.database.tenant(staff.tenant_id) as session:
        detail = invoices.get(session, invoice_id)
        listed = InvoiceShown.of(detail, services.payment_page(detail.payment_token))
        return InvoiceDetailShown(
            **listed.model_dump(),
            net=Amount.of(detail.net),
            tax=Amount.of(detail.tax),
            lines=[_line(line) for line in invoices.lines(session, invoice_id)],
            steps=_steps(session, detail),
            messages=[show_message(item) for item in messages.of_invoice(session, invoice_id)],
            payments=show_payments(session, services, payments.page(session, after=None, limit=100, invoice_id=invoice_id)),
            workflow_url=services.ui_of_workflow(names.invoice_lifecycle_id(invoice_id)),
        )


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
    decided = {step: (outcome, at) for step, outcome, at in holds.steps(session, detail.invoice.id)}
    plan = plan_steps(detail.policy, detail.invoice.due_on, tenants.current(session).time_zone, detail.issued_at)
    shown = []
    for step in plan:
        outcome, at = decided.get(step.key, (None, None))
        shown.append(StepShown(step=step.key, action=step.action.value, planned_at=step.at, outcome=outcome, decided_at=at))
    return shown
