"""What staff say of their schedules is kept with who said it; every change that Temporal must hear of is counted."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.billing_schedule import BillingTimes
from domain.customer import Tenant
from domain.errors import InvalidInputError, NotFoundError
from domain.ids import Prefix
from persistence import audit, billing_schedules
from persistence.audit import AuditEntry
from persistence.billing_schedules import ScheduleTerms, StoredSchedule
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once

FIRST = BillingTimes(1, time(4, 0), 0)
LATER = NOW + timedelta(days=1)
TERMS = {"name": "Monthly", "day_of_month": 1, "at": "04:00", "month_offset": 0, "catch_up_hours": 72}


def terms(name: str = "Monthly", times: BillingTimes = FIRST, catch_up_hours: int = 72) -> ScheduleTerms:
    return ScheduleTerms(name, times, catch_up_hours)


@pytest.fixture
def made(database: Database, tenant: Tenant) -> StoredSchedule:
    return make(database, tenant)


def make(database: Database, tenant: Tenant, name: str = "Monthly") -> StoredSchedule:
    with database.tenant(tenant.id) as session:
        return billing_schedules.create(session, new_id(Prefix.BILLING_SCHEDULE), terms(name), "Rudo", NOW)


def do(database: Database, tenant: Tenant, deed: Callable[[Session], StoredSchedule]) -> StoredSchedule:
    with database.tenant(tenant.id) as session:
        return deed(session)


def audited(database: Database, schedule: StoredSchedule) -> list[AuditEntry]:
    with database.tenant(schedule.tenant_id) as session:
        return audit.page(session, after=None, limit=20, resource_id=schedule.id)[::-1]


def now_of(database: Database, schedule: StoredSchedule) -> StoredSchedule:
    with database.tenant(schedule.tenant_id) as session:
        return billing_schedules.get_even_deleted(session, schedule.id)


def test_a_new_schedule_counts_from_now_and_temporal_has_not_heard_of_it(database: Database, made: StoredSchedule) -> None:
    assert now_of(database, made) == made
    assert (made.terms, made.created_by, made.effective_from) == (terms(), "Rudo", NOW)
    assert not made.is_in_line
    (entry,) = audited(database, made)
    assert (entry.action, entry.actor, entry.details) == ("BILLING_SCHEDULE_CREATED", "Rudo", {"terms": TERMS})


def test_made_again_under_its_id_it_is_the_first_one(database: Database, tenant: Tenant, made: StoredSchedule) -> None:
    again = do(database, tenant, lambda session: billing_schedules.create(session, made.id, terms("Other"), "Tendai", LATER))
    assert again == made
    assert len(audited(database, made)) == 1


def test_a_change_is_counted_and_written_down_with_what_was(database: Database, tenant: Tenant, made: StoredSchedule) -> None:
    wish = terms("Monthly", BillingTimes(31, time(23, 30), -1), 24)
    changed = do(database, tenant, lambda session: billing_schedules.change(session, made.id, wish, "Tendai", LATER))
    assert (changed.terms, changed.revision, changed.effective_from) == (wish, 2, LATER)
    entry = audited(database, made)[-1]
    assert (entry.action, entry.actor) == ("BILLING_SCHEDULE_CHANGED", "Tendai")
    assert entry.details == {
        "before": {"day_of_month": 1, "at": "04:00", "month_offset": 0, "catch_up_hours": 72},
        "after": {"day_of_month": 31, "at": "23:30", "month_offset": -1, "catch_up_hours": 24},
    }


def test_the_same_terms_change_nothing(database: Database, tenant: Tenant, made: StoredSchedule) -> None:
    same = do(database, tenant, lambda session: billing_schedules.change(session, made.id, terms(), "Tendai", LATER))
    assert same == made
    assert len(audited(database, made)) == 1


def test_another_name_leaves_the_times_in_force_since_when_they_were(
    database: Database, tenant: Tenant, made: StoredSchedule
) -> None:
    renamed = do(database, tenant, lambda session: billing_schedules.change(session, made.id, terms("New"), "Rudo", LATER))
    assert (renamed.terms.name, renamed.effective_from) == ("New", NOW)


def test_a_pause_has_a_reason_and_times_count_again_from_when_it_is_resumed(
    database: Database, tenant: Tenant, made: StoredSchedule
) -> None:
    paused = do(database, tenant, lambda session: billing_schedules.pause(session, made.id, "Prices change.", "Rudo", NOW))
    assert (paused.is_paused, paused.note, paused.revision) == (True, "Prices change.", 2)
    again = do(database, tenant, lambda session: billing_schedules.pause(session, made.id, "Prices change.", "Rudo", NOW))
    assert again == paused
    resumed = do(database, tenant, lambda session: billing_schedules.resume(session, made.id, "Tendai", LATER))
    assert (resumed.is_paused, resumed.note, resumed.revision, resumed.effective_from) == (False, "", 3, LATER)
    assert do(database, tenant, lambda session: billing_schedules.resume(session, made.id, "Rudo", LATER)) == resumed
    assert [(entry.action, entry.actor, entry.details) for entry in audited(database, made)[1:]] == [
        ("BILLING_SCHEDULE_PAUSED", "Rudo", {"note": "Prices change."}),
        ("BILLING_SCHEDULE_RESUMED", "Tendai", {}),
    ]


def test_a_deleted_one_is_gone_for_staff_and_its_name_is_free(database: Database, tenant: Tenant, made: StoredSchedule) -> None:
    do(database, tenant, lambda session: billing_schedules.delete(session, made.id, "Rudo", LATER))
    other = make(database, tenant)
    with database.tenant(tenant.id) as session:
        assert billing_schedules.page(session, after=None, limit=9) == [other]
        refused: list[Callable[[], object]] = [
            lambda: billing_schedules.get(session, made.id),
            lambda: billing_schedules.pause(session, made.id, "x", "Rudo", LATER),
            lambda: billing_schedules.resume(session, made.id, "Rudo", LATER),
            lambda: billing_schedules.change(session, made.id, terms(), "Rudo", LATER),
            lambda: billing_schedules.delete(session, made.id, "Rudo", LATER),
        ]
        for deed in refused:
            with pytest.raises(NotFoundError, match=made.id):
                deed()
    assert now_of(database, made).deleted_at == LATER
    assert audited(database, made)[-1].action == "BILLING_SCHEDULE_DELETED"


def test_a_name_is_one_schedules_of_a_business(database: Database, tenant: Tenant, made: StoredSchedule) -> None:
    other = make(database, tenant, "Other")
    with pytest.raises(InvalidInputError, match="another billing schedule called 'Monthly'") as refused:
        make(database, tenant)
    assert refused.value.field == "name"
    with pytest.raises(InvalidInputError, match="choose another name"):
        do(database, tenant, lambda session: billing_schedules.change(session, other.id, terms(), "Rudo", LATER))
    assert now_of(database, other) == other
    assert make(database, factories.make_tenant(database)).terms.name == "Monthly"


def test_of_two_made_at_once_under_one_name_one_is_made(database: Database, tenant: Tenant) -> None:
    def outcome() -> str:
        try:
            return make(database, tenant).id
        except InvalidInputError as refused:
            return refused.field

    outcomes = at_once([outcome] * 4)
    assert sorted(outcomes)[1:] == ["name"] * 3


def test_schedules_are_paged_newest_first(database: Database, tenant: Tenant) -> None:
    all_made = [make(database, tenant, name) for name in ("one", "two", "three")]
    with database.tenant(tenant.id) as session:
        first = billing_schedules.page(session, after=None, limit=2)
        rest = billing_schedules.page(session, after=first[-1].id, limit=2)
    assert [*first, *rest] == all_made[::-1]


def test_one_that_temporal_was_told_of_is_in_line_until_it_changes(
    database: Database, tenant: Tenant, made: StoredSchedule
) -> None:
    assert (tenant.id, made.id) in out_of_line(database)
    mark_told(database, made, 1)
    assert now_of(database, made).is_in_line
    assert (tenant.id, made.id) not in out_of_line(database)
    do(database, tenant, lambda session: billing_schedules.delete(session, made.id, "Rudo", LATER))
    assert (tenant.id, made.id) in out_of_line(database), "Temporal has to hear of that, too"
    mark_told(database, made, 2)
    assert (tenant.id, made.id) not in out_of_line(database)


def test_when_temporal_was_told_of_an_older_change_last_it_is_told_again(
    database: Database, tenant: Tenant, made: StoredSchedule
) -> None:
    do(database, tenant, lambda session: billing_schedules.pause(session, made.id, "x", "Rudo", NOW))
    mark_told(database, made, 2)
    mark_told(database, made, 1)
    assert now_of(database, made).synced_revision == 0
    assert (tenant.id, made.id) in out_of_line(database)


def mark_told(database: Database, schedule: StoredSchedule, revision: int) -> None:
    with database.tenant(schedule.tenant_id) as session:
        billing_schedules.mark_told(session, schedule.id, revision)


def out_of_line(database: Database) -> list[tuple[str, str]]:
    with database.system() as session:
        return billing_schedules.out_of_line(session, 10_000)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 12, 1, 1, 59, tzinfo=UTC), None),
        (datetime(2026, 12, 1, 2, 0, tzinfo=UTC), "2026-12-01"),
        (datetime(2026, 12, 31, 0, 0, tzinfo=UTC), "2026-12-01"),
        (datetime(2027, 1, 1, 2, 0, tzinfo=UTC), "2027-01-01"),
    ],
)
def test_the_last_time_is_none_before_the_schedule_was_made(made: StoredSchedule, now: datetime, day: str | None) -> None:
    """Made on the first of November at ten: four o'clock had passed."""
    due = made.last_due("Africa/Harare", now)
    assert (str(due.day) if due else None) == day


def test_what_was_due_is_made_up_for_within_its_hours_unless_paused_or_deleted(
    database: Database, tenant: Tenant, made: StoredSchedule
) -> None:
    at = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    due = made.last_due("Africa/Harare", at)
    assert due is not None
    assert made.may_catch_up(due, at + timedelta(hours=72))
    assert not made.may_catch_up(due, at + timedelta(hours=72, seconds=1))
    paused = do(database, tenant, lambda session: billing_schedules.pause(session, made.id, "x", "Rudo", at))
    assert not paused.may_catch_up(due, at)
    do(database, tenant, lambda session: billing_schedules.resume(session, made.id, "Rudo", NOW))
    deleted = do(database, tenant, lambda session: billing_schedules.delete(session, made.id, "Rudo", at))
    assert not deleted.may_catch_up(due, at)
