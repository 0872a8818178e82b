"""Timelines: all that happened to an invoice or a customer and all that will, with time, actor and reason."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from api.schemas import Limit
from api.services import Services
from api.staff import AnyStaff
from api.timeline_ahead import Ahead
from api.timeline_schemas import AfterPosition, EntryShown, TimelineShown
from domain.timeline import Entry, Position, tell
from persistence import customers, invoices, timeline
from persistence.timeline_rows import About

router = APIRouter(prefix="/api", tags=["timelines"])


@router.get("/invoices/{invoice_id}/timeline")
def show_invoice_timeline(
    invoice_id: str, services: Services, staff: AnyStaff, limit: Limit = 50, after: AfterPosition = None
) -> TimelineShown:
    """One invoice: what happened, newest first, and on the first page what will, soonest first."""
    with services.database.tenant(staff.tenant_id) as session:
        detail = invoices.get(session, invoice_id)
        ahead = Ahead.of(session, services.clock())
        upcoming = ahead.of_invoice(detail) if after is None else []
        return _page(session, About(detail.invoice.customer_id, detail), ahead, upcoming, limit, after)


@router.get("/customers/{customer_id}/timeline")
def show_customer_timeline(
    customer_id: str, services: Services, staff: AnyStaff, limit: Limit = 50, after: AfterPosition = None
) -> TimelineShown:
    """One customer with all invoices: what happened, newest first, and on the first page the next step of each open one."""
    with services.database.tenant(staff.tenant_id) as session:
        customers.get(session, customer_id)
        ahead = Ahead.of(session, services.clock())
        upcoming = ahead.of_customer(customer_id) if after is None else []
        return _page(session, About(customer_id), ahead, upcoming, limit, after)


def _page(session: Session, about: About, ahead: Ahead, upcoming: list[Entry], limit: int, after: str | None) -> TimelineShown:
    """A page of the past, one event more than which is looked for, to see whether there is a next one."""
    position = Position.parse(after) if after is not None else None
    events = timeline.page(session, about, after=position, limit=limit + 1, now=ahead.now)
    told = [tell(event, ahead.words, names_invoice=about.invoice is None) for event in events[:limit]]
    last = events[limit - 1] if len(events) > limit else None
    return TimelineShown(
        upcoming=[EntryShown.of(entry, ahead.words) for entry in upcoming],
        items=[EntryShown.of(entry, ahead.words) for entry in told],
        next=str(Position(last.at, last.place)) if last else None,
    )
