"""Billing schedules: what staff wish, kept here whatever Temporal knows of it; each change is written down with who made it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.billing_schedule import BillingTimes, Due, format_time, parse_time
from domain.errors import InvalidInputError, NotFoundError
from persistence import audit
from persistence.models import BillingScheduleRow

CREATED = "BILLING_SCHEDULE_CREATED"
CHANGED = "BILLING_SCHEDULE_CHANGED"
PAUSED = "BILLING_SCHEDULE_PAUSED"
RESUMED = "BILLING_SCHEDULE_RESUMED"
DELETED = "BILLING_SCHEDULE_DELETED"


@dataclass(frozen=True, slots=True)
class ScheduleTerms:
    """What staff say of a schedule.

    Attributes:
        name: unique among the tenant's schedules, whatever its capital letters.
        catch_up_hours: how late it may still bill when its time passed while nothing ran.
    """

    name: str
    times: BillingTimes
    catch_up_hours: int


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule as it stands.

    Attributes:
        note: why it is paused.
        revision: counts the changes.
        synced_revision: the one that Temporal was last told of; 0 when that is not known.
        effective_from: times before it are none of this schedule's (UTC).
    """

    id: str
    tenant_id: str
    terms: ScheduleTerms
    is_paused: bool
    note: str
    revision: int
    synced_revision: int
    effective_from: datetime
    created_by: str
    created_at: datetime
    deleted_at: datetime | None

    @property
    def is_in_line(self) -> bool:
        """Whether Temporal knows of the last change."""
        return self.synced_revision == self.revision

    def last_due(self, zone: str, now: datetime) -> Due | None:
        """The last time at which it was to bill; None when there was none since it was made, changed or resumed."""
        due = self.terms.times.latest(now, zone)
        return due if due.at > self.effective_from else None

    def may_catch_up(self, due: Due, now: datetime) -> bool:
        """Whether it still bills by itself what was due."""
        return not self.is_paused and self.deleted_at is None and now <= due.at + timedelta(hours=self.terms.catch_up_hours)


def create(session: Session, schedule_id: str, terms: ScheduleTerms, actor: str, now: datetime) -> StoredSchedule:
    """Store a schedule under an id, or find it stored.

    Raises:
        InvalidInputError: another one has the name.
    """
    existing = session.get(BillingScheduleRow, schedule_id)
    if existing is not None:
        return _stored(existing)
    row = BillingScheduleRow(
        id=schedule_id, **_columns(terms), is_paused=False, note="", effective_from=now, created_by=actor, created_at=now
    )
    with _refusing_taken(session, terms.name):
        session.add(row)
    audit.record(session, now, actor, CREATED, "BillingSchedule", schedule_id, terms=_columns(terms))
    return _stored(row)


def get(session: Session, schedule_id: str) -> StoredSchedule:
    """Raises: NotFoundError: the bound tenant has no such schedule, or has deleted it."""
    return _stored(_row(session, schedule_id))


def get_even_deleted(session: Session, schedule_id: str) -> StoredSchedule:
    """Raises: NotFoundError: the bound tenant never had such a schedule."""
    row = session.get(BillingScheduleRow, schedule_id)
    if row is None:
        raise NotFoundError("billing schedule", schedule_id)
    return _stored(row)


def page(session: Session, *, after: str | None, limit: int) -> list[StoredSchedule]:
    """Schedules, newest first, without the deleted ones."""
    statement = select(BillingScheduleRow).order_by(BillingScheduleRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(BillingScheduleRow.id < after)
    return [_stored(row) for row in session.scalars(statement.where(BillingScheduleRow.deleted_at.is_(None)))]


def change(session: Session, schedule_id: str, terms: ScheduleTerms, actor: str, now: datetime) -> StoredSchedule:
    """Give a schedule other terms; the same terms change nothing. Other times count from now on.

    Raises:
        NotFoundError: the bound tenant has no such schedule.
        InvalidInputError: another one has the name.
    """
    row = _row(session, schedule_id, for_update=True)
    before, after = _columns(_terms(row)), _columns(terms)
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return _stored(row)
    with _refusing_taken(session, terms.name):
        if _terms(row).times != terms.times:
            row.effective_from = now
        for name, value in changed.items():
            setattr(row, name, value)
        row.revision += 1
    was = {name: before[name] for name in changed}
    audit.record(session, now, actor, CHANGED, "BillingSchedule", schedule_id, before=was, after=changed)
    return _stored(row)


def pause(session: Session, schedule_id: str, note: str, actor: str, now: datetime) -> StoredSchedule:
    """Have a schedule bill nothing until it is resumed; harmless when repeated.

    Raises:
        NotFoundError: the bound tenant has no such schedule.
    """
    row = _row(session, schedule_id, for_update=True)
    if row.is_paused and row.note == note:
        return _stored(row)
    row.is_paused, row.note, row.revision = True, note, row.revision + 1
    audit.record(session, now, actor, PAUSED, "BillingSchedule", schedule_id, note=note)
    return _stored(row)


def resume(session: Session, schedule_id: str, actor: str, now: datetime) -> StoredSchedule:
    """Have a paused schedule bill again, from its next time on: what passed meanwhile it does not make up for.

    Raises:
        NotFoundError: the bound tenant has no such schedule.
    """
    row = _row(session, schedule_id, for_update=True)
    if row.is_paused:
        row.is_paused, row.note, row.revision, row.effective_from = False, "", row.revision + 1, now
        audit.record(session, now, actor, RESUMED, "BillingSchedule", schedule_id)
    return _stored(row)


def delete(session: Session, schedule_id: str, actor: str, now: datetime) -> StoredSchedule:
    """Have a schedule bill nothing any more; its name is free again.

    Raises:
        NotFoundError: the bound tenant has no such schedule.
    """
    row = _row(session, schedule_id, for_update=True)
    row.deleted_at, row.revision = now, row.revision + 1
    audit.record(session, now, actor, DELETED, "BillingSchedule", schedule_id, name=row.name)
    return _stored(row)


def out_of_line(system: Session, limit: int) -> list[tuple[str, str]]:
    """Tenants and schedules of whose last change Temporal was not told, the oldest first."""
    found = system.execute(
        select(BillingScheduleRow.tenant_id, BillingScheduleRow.id)
        .where(BillingScheduleRow.synced_revision != BillingScheduleRow.revision)
        .order_by(BillingScheduleRow.id)
        .limit(limit)
    )
    return [(tenant_id, schedule_id) for tenant_id, schedule_id in found]


def standing(system: Session) -> list[tuple[str, str]]:
    """Tenants and schedules, all but the deleted ones."""
    found = system.execute(
        select(BillingScheduleRow.tenant_id, BillingScheduleRow.id)
        .where(BillingScheduleRow.deleted_at.is_(None))
        .order_by(BillingScheduleRow.id)
    )
    return [(tenant_id, schedule_id) for tenant_id, schedule_id in found]


def mark_told(session: Session, schedule_id: str, revision: int) -> None:
    """Note that Temporal was told of a revision.

    When the schedule has changed meanwhile, somebody else may have told Temporal of the change before this was told: what
    Temporal knows is then uncertain, and it is told again.
    """
    told = case((BillingScheduleRow.revision == revision, revision), else_=0)
    session.execute(update(BillingScheduleRow).where(BillingScheduleRow.id == schedule_id).values(synced_revision=told))


@contextmanager
def _refusing_taken(session: Session, name: str) -> Iterator[None]:
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise InvalidInputError(
            "name",
            f"there is another billing schedule called {name!r} (capital letters make no difference): choose another name, or "
            "change that one.",
        ) from error


def _row(session: Session, schedule_id: str, *, for_update: bool = False) -> BillingScheduleRow:
    statement = select(BillingScheduleRow).where(BillingScheduleRow.id == schedule_id, BillingScheduleRow.deleted_at.is_(None))
    row = session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFoundError("billing schedule", schedule_id)
    return row


def _columns(terms: ScheduleTerms) -> dict[str, str | int]:
    return {
        "name": terms.name,
        "day_of_month": terms.times.day_of_month,
        "at": format_time(terms.times.at),
        "month_offset": terms.times.month_offset,
        "catch_up_hours": terms.catch_up_hours,
    }


def _terms(row: BillingScheduleRow) -> ScheduleTerms:
    times = BillingTimes(row.day_of_month, parse_time(row.at), row.month_offset)
    return ScheduleTerms(row.name, times, row.catch_up_hours)


def _stored(row: BillingScheduleRow) -> StoredSchedule:
    return StoredSchedule(
        id=row.id,
        tenant_id=row.tenant_id,
        terms=_terms(row),
        is_paused=row.is_paused,
        note=row.note,
        revision=row.revision,
        synced_revision=row.synced_revision,
        effective_from=row.effective_from,
        created_by=row.created_by,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )
