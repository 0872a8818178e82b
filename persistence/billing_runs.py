"""Billing runs: one row a run, with its progress; the row is locked while a batch is issued."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.billing import RunTotals
from domain.calendar import Period
from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.money import Money
from persistence.columns import new_id
from persistence.models import BillingRunRow, ParkedCustomerRow


@dataclass(frozen=True, slots=True)
class BillingRunState:
    """A run as it stands.

    Attributes:
        customers_total: how many customers there were when it started.
        totals: what was done so far; a dry run counts what would be issued.
        amounts: gross per currency so far.
        started_at, finished_at: instants in UTC; None while it runs.
    """

    id: str
    period: Period
    dry_run: bool
    status: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    customers_total: int
    totals: RunTotals
    amounts: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Parked:
    """A customer whom the run could not bill."""

    customer_id: str
    reason: str


def create(
    session: Session, period: Period, *, dry_run: bool, started_by: str, now: datetime, customers_total: int
) -> tuple[BillingRunState, bool]:
    """The run for `period`, and whether it is new: a period is billed by one run only, a dry run is always new."""
    statement = (
        insert(BillingRunRow)
        .values(
            id=new_id(Prefix.BILLING_RUN),
            period=str(period),
            dry_run=dry_run,
            status="RUNNING",
            started_by=started_by,
            started_at=now,
            customers_total=customers_total,
        )
        .on_conflict_do_nothing()
        .returning(BillingRunRow.id)
    )
    created = session.scalar(statement)
    if created is not None:
        return get(session, created), True
    existing = of_period(session, period)
    if existing is None:
        raise NotFoundError("billing run", str(period))
    return existing, False


def of_period(session: Session, period: Period) -> BillingRunState | None:
    """The run that bills `period`, if there is one; a dry run bills nothing."""
    row = session.scalars(
        select(BillingRunRow).where(BillingRunRow.period == str(period), ~BillingRunRow.dry_run)
    ).one_or_none()
    return _state(row) if row else None


def get(session: Session, run_id: str) -> BillingRunState:
    """Raises: NotFoundError: the bound tenant has no such run."""
    return _state(_row(session, run_id))


def page(session: Session, *, after: str | None, limit: int) -> list[BillingRunState]:
    """Runs, newest first."""
    statement = select(BillingRunRow).order_by(BillingRunRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(BillingRunRow.id < after)
    return [_state(row) for row in session.scalars(statement)]


def lock_cursor(session: Session, run_id: str) -> tuple[BillingRunState, str]:
    """The run and the last customer that it looked at, locked until this transaction ends.

    Raises:
        NotFoundError: the bound tenant has no such run.
    """
    row = _row(session, run_id, for_update=True)
    return _state(row), row.cursor


def advance(session: Session, run_id: str, cursor: str, done: RunTotals, amounts: Mapping[str, int]) -> BillingRunState:
    """Add a batch to the run's progress and move its cursor, in the transaction that issued the batch."""
    row = _row(session, run_id)
    totals = _totals(row) + done
    row.customers, row.issued, row.nothing_due = totals.customers, totals.issued, totals.nothing_due
    row.parked, row.withheld = totals.parked, totals.withheld
    row.amounts = {
        currency: row.amounts.get(currency, 0) + amounts.get(currency, 0) for currency in sorted({*row.amounts, *amounts})
    }
    row.cursor = cursor
    session.flush()
    return _state(row)


def park(session: Session, run_id: str, customer_id: str, reason: str, now: datetime) -> None:
    session.execute(
        insert(ParkedCustomerRow)
        .values(run_id=run_id, customer_id=customer_id, reason=reason, parked_at=now)
        .on_conflict_do_nothing()
    )


def parked(session: Session, run_id: str) -> list[Parked]:
    rows = session.scalars(
        select(ParkedCustomerRow).where(ParkedCustomerRow.run_id == run_id).order_by(ParkedCustomerRow.customer_id)
    )
    return [Parked(row.customer_id, row.reason) for row in rows]


def complete(session: Session, run_id: str, now: datetime) -> BillingRunState:
    """Mark the run as completed; harmless when it is already."""
    row = _row(session, run_id, for_update=True)
    if row.finished_at is None:
        row.status, row.finished_at = "COMPLETED", now
        session.flush()
    return _state(row)


def _row(session: Session, run_id: str, *, for_update: bool = False) -> BillingRunRow:
    statement = select(BillingRunRow).where(BillingRunRow.id == run_id)
    row = session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFoundError("billing run", run_id)
    return row


def _totals(row: BillingRunRow) -> RunTotals:
    return RunTotals(row.customers, row.issued, row.nothing_due, row.parked, row.withheld)


def _state(row: BillingRunRow) -> BillingRunState:
    return BillingRunState(
        id=row.id,
        period=Period.parse(row.period),
        dry_run=row.dry_run,
        status=row.status,
        started_by=row.started_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        customers_total=row.customers_total,
        totals=_totals(row),
        amounts=tuple(Money(amount, currency) for currency, amount in row.amounts.items()),
    )
