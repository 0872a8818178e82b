"""Outages: one lasts at a time for each account, and one process is told that it began it, or ended it."""

from datetime import timedelta
from functools import partial

from domain.customer import Tenant
from persistence import outages
from persistence.database import Database
from persistence.outages import Outage
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once

LATER = NOW + timedelta(minutes=7)


def begin(database: Database, account_id: str) -> Outage | None:
    with database.system() as session:
        return outages.open_outage(session, account_id, "paynow: no answer.", NOW)


def end(database: Database, account_id: str) -> Outage | None:
    with database.system() as session:
        return outages.close_outage(session, account_id, LATER)


def lasting(database: Database, tenant: Tenant) -> list[Outage]:
    with database.system() as session:
        return [outage for outage in outages.open_outages(session) if outage.business_slug == tenant.slug]


def test_an_outage_says_whose_account_it_is_and_what_went_wrong(database: Database, tenant: Tenant) -> None:
    account = factories.make_account(database, tenant)
    begun = begin(database, account.id)
    assert begun is not None
    assert begun.id.startswith("out_")
    assert begun == Outage(begun.id, account.id, "paynow", "paynow: no answer.", NOW, None, tenant.name, tenant.slug)
    assert lasting(database, tenant) == [begun]


def test_of_processes_that_see_an_outage_together_one_begins_it_and_one_ends_it(database: Database, tenant: Tenant) -> None:
    account = factories.make_account(database, tenant)
    begun = at_once([partial(begin, database, account.id)] * 4)
    assert len([outage for outage in begun if outage]) == 1
    ended = at_once([partial(end, database, account.id)] * 4)
    assert [outage.closed_at for outage in ended if outage] == [LATER]
    assert lasting(database, tenant) == []


def test_what_has_ended_can_begin_anew_as_another_outage(database: Database, tenant: Tenant) -> None:
    account = factories.make_account(database, tenant)
    first = begin(database, account.id)
    end(database, account.id)
    second = begin(database, account.id)
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert lasting(database, tenant) == [second]


def test_two_accounts_of_a_business_have_outages_of_their_own(database: Database, tenant: Tenant) -> None:
    dollars, gold = (factories.make_account(database, tenant, currency=currency) for currency in ("USD", "ZWG"))
    begin(database, dollars.id)
    begin(database, gold.id)
    end(database, dollars.id)
    assert [outage.account_id for outage in lasting(database, tenant)] == [gold.id]


def test_an_account_that_is_gone_has_no_outage(database: Database) -> None:
    assert begin(database, "gwa_gone") is None
    assert end(database, "gwa_gone") is None


def test_an_outage_that_a_clock_behind_ours_ends_does_not_end_before_it_began(database: Database, tenant: Tenant) -> None:
    account = factories.make_account(database, tenant)
    begin(database, account.id)
    with database.system() as session:
        ended = outages.close_outage(session, account.id, NOW - timedelta(seconds=5))
    assert ended is not None
    assert ended.closed_at == NOW
