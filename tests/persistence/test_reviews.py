"""Needs review: a question about a payment is asked once per reason and stays until a person resolves it."""

from domain.customer import Tenant
from persistence import reviews
from persistence.database import Database
from persistence.models import ReviewRow
from tests import factories
from tests.factories import NOW


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
        session.get_one(ReviewRow, first.id).resolved_at = NOW
    with database.tenant(tenant.id) as session:
        left = reviews.unresolved(session, after=None, limit=9)
        assert first not in left
        assert reviews.unresolved(session, after=left[0].id, limit=9) == left[1:]
    assert len(left) == 2
