"""Which reversed payments are looked at again: those whose gateway may still say that it has the money."""

from datetime import timedelta

import pytest

from domain.customer import Tenant
from domain.payment import Outcome
from persistence import attempts, reconciliations
from persistence.database import Database
from persistence.models import GatewayTransactionRow
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW
from tests.reversals import reverse_payment

LATER = NOW + timedelta(days=1)


def reversed_over(database: Database, tenant: Tenant, outcome: Outcome, *, is_ours: bool = True) -> Payment:
    """A payment that was reversed when its gateway said so, and of which it says `outcome` now."""
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    attempt = factories.make_attempt(database, tenant, payment)
    factories.settle_payment(database, tenant, payment)
    tell(database, tenant, attempt.id, Outcome.DISPUTED)
    reverse_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        row = session.get_one(GatewayTransactionRow, attempt.id)
        row.outcome, row.checkout = outcome.value, {"redirect_url": "https://paynow.example"} if is_ours else None
    return payment


def tell(database: Database, tenant: Tenant, attempt_id: str, outcome: Outcome) -> None:
    with database.tenant(tenant.id) as session:
        attempts.record_answer(
            session,
            attempt_id,
            outcome=outcome,
            gateway_reference=None,
            gateway_status=outcome.value,
            poll_url=None,
            raw="",
            now=NOW,
        )


def due(database: Database, tenant: Tenant) -> list[str]:
    with database.tenant(tenant.id) as session:
        return reconciliations.due_for_a_look(session, LATER, after="", limit=9)


@pytest.mark.parametrize("outcome", [Outcome.DISPUTED, Outcome.UNKNOWN])
def test_a_dispute_may_be_won_after_the_payment_was_reversed(database: Database, tenant: Tenant, outcome: Outcome) -> None:
    payment = reversed_over(database, tenant, outcome)
    assert due(database, tenant) == [payment.id]


@pytest.mark.parametrize("outcome", [Outcome.REFUNDED, Outcome.PAID])
def test_of_what_is_decided_nobody_is_asked_every_day(database: Database, tenant: Tenant, outcome: Outcome) -> None:
    """PAID is before a person by then."""
    reversed_over(database, tenant, outcome)
    assert due(database, tenant) == []


def test_a_gateway_that_does_not_know_our_attempt_is_not_asked(database: Database, tenant: Tenant) -> None:
    reversed_over(database, tenant, Outcome.UNKNOWN, is_ours=False)
    assert due(database, tenant) == []
