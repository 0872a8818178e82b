"""The inbox keeps every update once and hands it out until the signal was accepted (pains 4, 5; design rule 9)."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from domain.customer import Tenant
from domain.ids import Prefix
from persistence import webhooks
from persistence.columns import new_id
from persistence.database import Database
from persistence.payments import Payment
from persistence.webhooks import Unsignalled
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once

FIRST_TRY = NOW + timedelta(seconds=2)


@pytest.fixture(autouse=True)
def _quiet_inbox(database: Database) -> None:
    """The inbox is one for all tenants: what other tests left in it waits for nobody."""
    with database.system() as system:
        system.execute(text("UPDATE webhooks SET signalled_at = received_at WHERE signalled_at IS NULL"))


@pytest.fixture
def payment(database: Database, tenant: Tenant) -> Payment:
    return factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))


def store(database: Database, tenant: Tenant, payment: Payment | None, event_key: str | None = None) -> str | None:
    with database.system() as system:
        return webhooks.store(
            system,
            gateway="paynow",
            event_key=event_key or new_id(Prefix.WEBHOOK),
            body=b"reference=gtx_1&status=Paid",
            verified=payment is not None,
            tenant_id=tenant.id if payment else None,
            payment_id=payment.id if payment else None,
            now=NOW,
        )


def take(database: Database, now: datetime, limit: int = 100) -> list[Unsignalled]:
    with database.system() as system:
        return webhooks.take_unsignalled(system, now, limit)


def test_of_eight_equal_updates_at_once_one_is_stored(database: Database, tenant: Tenant, payment: Payment) -> None:
    event = new_id(Prefix.WEBHOOK)
    stored = at_once([lambda: store(database, tenant, payment, event)] * 8)
    assert len([webhook for webhook in stored if webhook]) == 1
    assert [item.id for item in take(database, FIRST_TRY)] == [webhook for webhook in stored if webhook]


def test_an_update_waits_for_the_doors_own_signal_before_the_sweeper_takes_it(
    database: Database, tenant: Tenant, payment: Payment
) -> None:
    webhook = store(database, tenant, payment)
    assert take(database, NOW) == []
    assert take(database, FIRST_TRY) == [Unsignalled(str(webhook), tenant.id, payment.id)]


def test_an_update_that_was_signalled_is_not_taken(database: Database, tenant: Tenant, payment: Payment) -> None:
    webhook = store(database, tenant, payment)
    with database.system() as system:
        webhooks.mark_signalled(system, str(webhook), NOW)
    assert take(database, NOW + timedelta(days=1)) == []


def test_an_update_for_an_unknown_reference_waits_for_a_person_not_for_a_signal(database: Database, tenant: Tenant) -> None:
    assert store(database, tenant, None) is not None
    assert take(database, NOW + timedelta(days=1)) == []


def test_a_try_that_failed_is_made_again_after_4_8_16_32_60_and_60_seconds(
    database: Database, tenant: Tenant, payment: Payment
) -> None:
    store(database, tenant, payment)
    now = FIRST_TRY
    for pause in (4, 8, 16, 32, 60, 60):
        assert len(take(database, now)) == 1
        now += timedelta(seconds=pause)
        assert take(database, now - timedelta(milliseconds=1)) == []


def test_two_sweepers_at_once_never_take_the_same_update(database: Database, tenant: Tenant, payment: Payment) -> None:
    stored = {store(database, tenant, payment) for _ in range(40)}
    taken = at_once([partial(take, database, FIRST_TRY, 25), partial(take, database, FIRST_TRY, 25)])
    ids = [item.id for items in taken for item in items]
    assert len(ids) == len(set(ids))
    assert set(ids) | {item.id for item in take(database, FIRST_TRY)} == stored


def test_what_one_sweeper_holds_the_other_passes_over(database: Database, tenant: Tenant, payment: Payment) -> None:
    store(database, tenant, payment)
    with database.system() as first:
        assert len(webhooks.take_unsignalled(first, FIRST_TRY, 10)) == 1
        assert take(database, FIRST_TRY) == []


def test_what_a_sweeper_took_before_it_died_is_taken_again(database: Database, tenant: Tenant, payment: Payment) -> None:
    webhook = store(database, tenant, payment)
    with database.system() as dying:
        webhooks.take_unsignalled(dying, FIRST_TRY, 10)
        dying.rollback()
    assert [item.id for item in take(database, FIRST_TRY)] == [webhook]


def test_the_oldest_come_first_and_no_more_than_asked_for(database: Database, tenant: Tenant, payment: Payment) -> None:
    stored = [store(database, tenant, payment) for _ in range(3)]
    assert [item.id for item in take(database, FIRST_TRY, limit=2)] == stored[:2]


def test_the_raw_bytes_are_kept_as_they_came(database: Database, tenant: Tenant, payment: Payment) -> None:
    webhook = store(database, tenant, payment)
    with database.system() as system:
        body = system.scalar(text("SELECT body FROM webhooks WHERE id = :id"), {"id": webhook})
    assert body == b"reference=gtx_1&status=Paid"
