"""A customer's statement of account, as JSON or as a file for a spreadsheet."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.schemas import Amount
from api.services import Services
from api.staff import AnyStaff
from domain.calendar import local_day, local_instant
from domain.money import minor_digits
from domain.statement import Line, LineKind, Statement, draw_up, require_period
from persistence import customers, statements, tenants

router = APIRouter(prefix="/api/customers", tags=["customers"])

# Days that have a midnight before and after them in every zone.
Day = Annotated[date | None, Query(ge=date(1900, 1, 1), le=date(9998, 12, 31))]


class LineShown(BaseModel):
    """One ledger entry: `debit` is what is owed more, `credit` what is owed less, `balance` what is owed after it."""

    date: date
    kind: LineKind
    reference: str
    description: str
    debit: Amount
    credit: Amount
    balance: Amount

    @classmethod
    def of(cls, line: Line) -> "LineShown":
        return cls(
            date=line.on,
            kind=line.kind,
            reference=line.reference,
            description=line.description,
            debit=Amount.of(line.debit),
            credit=Amount.of(line.credit),
            balance=Amount.of(line.balance),
        )


class StatementShown(BaseModel):
    """A statement; balances are what stands on invoices less credit, below zero what the business owes the customer."""

    customer_id: str
    customer_reference: str
    customer_name: str
    currency: str
    first_day: date
    last_day: date
    opening: Amount
    lines: list[LineShown]
    closing: Amount


@router.get("/{customer_id}/statement", response_model=StatementShown, responses={200: {"content": {"text/csv": {}}}})
def show_statement(
    customer_id: str,
    services: Services,
    staff: AnyStaff,
    first_day: Annotated[Day, Query(alias="from", description="The first day of this month when left out.")] = None,
    last_day: Annotated[Day, Query(alias="to", description="Today when left out.")] = None,
    currency: Annotated[str | None, Query(min_length=3, max_length=3)] = None,
    form: Annotated[Literal["json", "csv"] | None, Query(alias="format")] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """A customer's account from one day to another, both included, as the ledger has it.

    As CSV when `format=csv` asks for it, or an `Accept` header that names `text/csv`.
    """
    with services.database.tenant(staff.tenant_id) as session:
        customer = customers.get(session, customer_id)
        tenant = tenants.current(session)
        today = local_day(services.clock(), tenant.time_zone)
        last = last_day or max(today, first_day or today)
        first = first_day or last.replace(day=1)
        statement = _drawn_up(session, customer_id, currency or tenant.currency, first, last, tenant.time_zone)
    if form == "csv" or (form is None and "text/csv" in accept):
        return _file(statement, f"statement-{customer_id}-{first}-{last}.csv")
    shown = StatementShown(
        customer_id=customer.id,
        customer_reference=customer.reference,
        customer_name=customer.name,
        currency=statement.opening.currency,
        first_day=first,
        last_day=last,
        opening=Amount.of(statement.opening),
        lines=[LineShown.of(line) for line in statement.lines],
        closing=Amount.of(statement.closing),
    )
    return JSONResponse(shown.model_dump(mode="json"))


def _drawn_up(session: Session, customer_id: str, currency: str, first: date, last: date, zone: str) -> Statement:
    require_period(first, last)
    minor_digits(currency)
    begins, ends = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    opening = statements.owed_before(session, customer_id, currency, begins)
    return draw_up(first, last, zone, opening, statements.movements(session, customer_id, currency, begins, ends))


def _midnight(day: date, zone: str) -> datetime:
    return local_instant(day, time(0), zone)


def _file(statement: Statement, name: str) -> Response:
    return Response(
        statement.to_csv().encode(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
