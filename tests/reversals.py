"""Reversing by hand, for tests that are about something else."""

from datetime import datetime

from activities.lifecycles import LifecycleStart
from activities.reversing import Reversal, ReversalRequest, Reversing
from domain.customer import Tenant
from persistence import audit
from persistence.database import Database
from persistence.payments import Payment
from tests.factories import NOW

REASON = "The bank returned it."


class NoLifecycles:
    """Stands for Temporal's door where nobody asks what comes next."""

    async def reopen_lifecycle(self, start: LifecycleStart) -> None: ...


def reverse_payment(database: Database, tenant: Tenant, payment: Payment, now: datetime = NOW) -> Reversal:
    """Take a payment back as staff wish it; the invoices' lifecycles are not started."""
    with database.tenant(tenant.id) as session:
        audit.record(session, now, "Rudo", audit.REVERSAL_REQUESTED, "Payment", payment.id, reason=REASON)
    return Reversing(database, NoLifecycles()).reverse(ReversalRequest(tenant.id, payment.id, now))
