"""A period is billed by one run, whoever starts it and however often; progress is added up once (pains 8)."""

from datetime import timedelta

import pytest

from domain.billing import RunTotals
from domain.calendar import Period
from domain.customer import Tenant
from domain.errors import NotFoundError
from domain.money import Money
from persistence import billing_runs
from persistence.billing_runs import BillingRunState
from persistence.database import Database
from tests import factories
from tests.factories import NOW, PERIOD, usd, zar
from tests.persistence.parallel import at_once


def create(database: Database, tenant: Tenant, *, dry_run: bool = False) -> tuple[BillingRunState, bool]:
    with database.tenant(tenant.id) as session:
        return billing_runs.create(session, PERIOD, dry_run=dry_run, started_by="rudo", now=NOW, customers_total=7)


def test_a_second_start_for_the_same_period_gives_the_first_run(database: Database, tenant: Tenant) -> None:
    first, is_new = create(database, tenant)
    again, is_new_again = create(database, tenant)
    assert (is_new, is_new_again) == (True, False)
    assert again == first


def test_of_eight_starts_at_once_one_makes_the_run(database: Database, tenant: Tenant) -> None:
    outcomes = at_once([lambda: create(database, tenant)] * 8)
    assert len({run.id for run, _ in outcomes}) == 1
    assert sorted(is_new for _, is_new in outcomes) == [False] * 7 + [True]


def test_dry_runs_are_always_new_and_block_nothing(database: Database, tenant: Tenant) -> None:
    dry = [create(database, tenant, dry_run=True) for _ in range(2)]
    real = create(database, tenant)
    assert [is_new for _, is_new in (*dry, real)] == [True, True, True]
    assert len({run.id for run, _ in (*dry, real)}) == 3
    assert create(database, tenant) == (real[0], False)


def test_another_period_and_another_business_have_runs_of_their_own(database: Database, tenant: Tenant) -> None:
    other = factories.make_tenant(database)
    runs = [
        factories.make_run(database, tenant, PERIOD),
        factories.make_run(database, tenant, Period(2026, 12)),
        factories.make_run(database, other, PERIOD),
    ]
    assert len({run.id for run in runs}) == 3


def test_progress_is_the_sum_of_the_batches_and_the_cursor_moves_with_it(database: Database, tenant: Tenant) -> None:
    run, _ = create(database, tenant)
    batches = [
        ("cus_b", RunTotals(customers=3, issued=2, nothing_due=1), {"USD": 500}),
        ("cus_d", RunTotals(customers=6, issued=3, parked=1, withheld=2), {"USD": 250, "ZAR": 100}),
    ]
    for cursor, totals, amounts in batches:
        with database.tenant(tenant.id) as session:
            billing_runs.advance(session, run.id, cursor, totals, amounts)

    with database.tenant(tenant.id) as session:
        state, cursor = billing_runs.lock_cursor(session, run.id)
    assert cursor == "cus_d"
    assert state.totals == RunTotals(customers=9, issued=5, nothing_due=1, parked=1, withheld=2)
    assert state.amounts == (usd("7.50"), zar("1.00"))
    assert state.customers_total == 7


def test_a_parked_customer_is_listed_once_with_the_first_reason(database: Database, tenant: Tenant) -> None:
    run, _ = create(database, tenant)
    customer = factories.make_customer(database, tenant, email=None)
    for reason in ("has no e-mail address", "another reason"):
        with database.tenant(tenant.id) as session:
            billing_runs.park(session, run.id, customer.id, reason, NOW)
    with database.tenant(tenant.id) as session:
        assert [(parked.customer_id, parked.reason) for parked in billing_runs.parked(session, run.id)] == [
            (customer.id, "has no e-mail address")
        ]


def test_completing_twice_keeps_the_first_time(database: Database, tenant: Tenant) -> None:
    run, _ = create(database, tenant)
    for hours in (1, 2):
        with database.tenant(tenant.id) as session:
            state = billing_runs.complete(session, run.id, NOW + timedelta(hours=hours))
    assert (state.status, state.finished_at) == ("COMPLETED", NOW + timedelta(hours=1))


def test_runs_are_paged_newest_first(database: Database, tenant: Tenant) -> None:
    runs = [factories.make_run(database, tenant, Period(2027, month)) for month in (1, 2, 3)]
    with database.tenant(tenant.id) as session:
        first = billing_runs.page(session, after=None, limit=2)
        rest = billing_runs.page(session, after=first[-1].id, limit=2)
    assert [run.id for run in (*first, *rest)] == [run.id for run in reversed(runs)]


def test_a_run_that_is_not_there_is_named(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFoundError, match="billing run run_none"), database.tenant(tenant.id) as session:
        billing_runs.get(session, "run_none")


def test_gross_is_kept_exactly_for_the_largest_sums(database: Database, tenant: Tenant) -> None:
    run, _ = create(database, tenant)
    with database.tenant(tenant.id) as session:
        billing_runs.advance(session, run.id, "cus_z", RunTotals(), {"USD": 10**15})
    with database.tenant(tenant.id) as session:
        assert billing_runs.get(session, run.id).amounts == (Money(10**15, "USD"),)
