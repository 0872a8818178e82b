"""Needs review: a question about a payment is asked once per reason and stays until a person resolves it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from domain.customer import Tenant
from persistence import payments, reviews
from persistence.database import Database
from persistence.payments import Payment
from persistence.reviews import Review
from tests import factories
from tests.factories import NOW

# Before anything that other tests decide in the database that all share.
YEARS_AGO = datetime(2011, 1, 1, tzinfo=UTC)


def test_a_question_is_asked_once_per_payment_and_reason(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    for reason in ("OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", "DISPUTED"):
        with database.tenant(tenant.id) as session:
            reviews.open_for(session, payment.id, reason, f"Look it up: {reason}.", NOW)
    with database.tenant(tenant.id) as session:
        open_ones = reviews.unresolved(session, after=None, limit=9)
    assert [(item.payment_id, item.reason) for item in open_ones] == [
        (payment.id, "OUTCOME_UNKNOWN"),
        (payment.id, "DISPUTED"),
    ]


def test_what_was_resolved_is_not_listed_and_pages_go_on(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    with database.tenant(tenant.id) as session:
        for _ in range(3):
            payment = factories.start_payment(database, tenant, invoice)
            reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up.", NOW)
    with database.tenant(tenant.id) as session:
        first = reviews.unresolved(session, after=None, limit=1)[0]
        reviews.resolve(session, first.id, "DISMISSED", "Rudo", NOW, note="Paid in cash.")
    with database.tenant(tenant.id) as session:
        left = reviews.unresolved(session, after=None, limit=9)
        assert first not in left
        assert reviews.unresolved(session, after=left[0].id, limit=9) == left[1:]
    assert len(left) == 2


def test_what_was_decided_is_listed_newest_first_with_who_decided_it(database: Database, tenant: Tenant) -> None:
    asked = [ask(database, tenant, "DISPUTED") for _ in range(3)]
    with database.tenant(tenant.id) as session:
        for review in asked[:2]:
            reviews.resolve(session, review.id, "DISMISSED", "Rudo", NOW, note="The bank took our side.")
        assert [review.id for review in reviews.decided(session, after=None, limit=9)] == [asked[1].id, asked[0].id]
        assert reviews.decided(session, after=asked[1].id, limit=9)[0].resolved_by == "Rudo"


@pytest.mark.parametrize(("resolution", "note"), [("FORGOTTEN", "Nothing."), ("DISMISSED", None)], ids=["unknown", "no reason"])
def test_the_database_refuses_a_decision_that_is_none(
    database: Database, tenant: Tenant, resolution: str, note: str | None
) -> None:
    review = ask(database, tenant, "DISPUTED")
    with pytest.raises(IntegrityError), database.tenant(tenant.id) as session:
        reviews.resolve(session, review.id, resolution, "Rudo", NOW, note=note)


def test_a_decision_is_carried_out_until_the_payment_shows_it(database: Database, tenant: Tenant) -> None:
    booked, ended, seen = (ask(database, tenant, reason) for reason in ("MISMATCH", "OUTCOME_UNKNOWN", "DISPUTED"))
    assert booked.payment_id
    assert seen.payment_id
    factories.settle_payment(database, tenant, payment_of(database, tenant, seen))
    with database.tenant(tenant.id) as session:
        reviews.resolve(session, booked.id, "MATCHED", "Rudo", YEARS_AGO, payment_id=booked.payment_id)
        reviews.resolve(session, ended.id, "DISMISSED", "Rudo", YEARS_AGO, note="Nothing came.")
        reviews.resolve(session, seen.id, "DISMISSED", "Rudo", YEARS_AGO, note="The bank took our side.")

    def left() -> list[tuple[str, str, str]]:
        with database.system() as system:
            return reviews.not_carried_out(system, YEARS_AGO + timedelta(seconds=1), 9)

    assert left() == [(tenant.id, review.payment_id, review.id) for review in (booked, ended)]
    with database.tenant(tenant.id) as session:
        payments.fail(session, ended.payment_id or "", "Nothing came.", NOW)
        payments.fail(session, booked.payment_id, "It expired while its money was being booked.", NOW)
    assert left() == [(tenant.id, booked.payment_id, booked.id)], "money is settled whatever happened to its payment"
    factories.settle_payment(database, tenant, payment_of(database, tenant, booked))
    assert left() == []


def ask(database: Database, tenant: Tenant, reason: str) -> Review:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    with database.tenant(tenant.id) as session:
        reviews.open_for(session, payment.id, reason, "Look it up.", NOW)
        return next(review for review in reviews.unresolved(session, after=None, limit=99) if review.payment_id == payment.id)


def payment_of(database: Database, tenant: Tenant, review: Review) -> Payment:
    with database.tenant(tenant.id) as session:
        return payments.get(session, review.payment_id or "")
