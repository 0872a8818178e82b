"""Credit notes: what took void invoices back."""

from fastapi import APIRouter

from api.invoices import IdFilter
from api.invoices_schemas import CreditNoteShown
from api.schemas import After, Limit, Page
from api.services import Services
from api.staff import AnyStaff
from persistence import credit_notes

router = APIRouter(prefix="/api", tags=["invoices"])


@router.get("/credit-notes")
def list_credit_notes(
    services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None, customer_id: IdFilter = None
) -> Page[CreditNoteShown]:
    """Credit notes in the order of issue."""
    with services.database.tenant(staff.tenant_id) as session:
        found = credit_notes.page(session, after=after, limit=limit + 1, customer_id=customer_id)
    return Page[CreditNoteShown].of(found, limit, CreditNoteShown.of, lambda note: note.id)
