"""What the sweeper finds: payments that never reached a gateway, and recorded money that nobody settled."""

from datetime import timedelta

import pytest

from domain.customer import Tenant
from domain.invoice import Invoice
from domain.payment import PaymentMethod
from persistence import forgotten, payments
from persistence.database import Database
from tests import factories
from tests.factories import NOW

# Other tests' payments are begun later: a look at this time finds what was put here and nothing else.
LONG_AGO = NOW - timedelta(days=3650)
SOON = LONG_AGO + timedelta(seconds=1)


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant)


def test_only_old_pending_payments_that_no_gateway_was_asked_about_never_began(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    lying, failed, asked = (factories.start_payment(database, tenant, invoice, now=LONG_AGO) for _ in range(3))
    by_hand = [
        factories.start_payment(database, tenant, invoice, method=method, now=LONG_AGO)
        for method in (PaymentMethod.CASH, PaymentMethod.CREDIT)
    ]
    factories.make_attempt(database, tenant, asked)
    with database.tenant(tenant.id) as session:
        payments.fail(session, failed.id, "The payment could not be started.", NOW)
    with database.system() as system:
        found = forgotten.never_begun(system, SOON, 100)
        assert forgotten.never_begun(system, LONG_AGO, 100) == []
    assert [payment_id for tenant_id, payment_id in found if tenant_id == tenant.id] == [lying.id]
    assert by_hand


@pytest.mark.parametrize("method", [PaymentMethod.BANK_TRANSFER, PaymentMethod.CASH, PaymentMethod.CREDIT])
def test_recorded_money_and_applied_credit_that_nobody_settled_are_found(
    database: Database, tenant: Tenant, invoice: Invoice, method: PaymentMethod
) -> None:
    lying = factories.start_payment(database, tenant, invoice, method=method, now=LONG_AGO)
    factories.start_payment(database, tenant, invoice, now=LONG_AGO)
    factories.start_payment(database, tenant, invoice, method=method)
    with database.system() as system:
        found = forgotten.recorded_unsettled(system, SOON, 100)
    assert [payment.id for tenant_id, payment in found if tenant_id == tenant.id] == [lying.id]
