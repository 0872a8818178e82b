"""Payments as the API shows them: each with its last attempt at a gateway, and its workflow in the Temporal UI."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from api.payments_schemas import PaymentShown
from api.services import ApiServices
from persistence import attempts, payments
from persistence.payments import Payment
from persistence.tenants import Staff
from workflows import names


def show_payments(session: Session, services: ApiServices, found: Sequence[Payment]) -> list[PaymentShown]:
    """Payments in the same order."""
    tried = attempts.last_of_each(session, [payment.id for payment in found])
    return [
        PaymentShown.of(payment, tried.get(payment.id), services.ui_of_workflow(names.payment_workflow_id(payment.id)))
        for payment in found
    ]


def payment_shown(services: ApiServices, staff: Staff, payment_id: str) -> PaymentShown:
    """A payment as it stands.

    Raises:
        NotFoundError: there is none.
    """
    with services.database.tenant(staff.tenant_id) as session:
        return show_payments(session, services, [payments.get(session, payment_id)])[0]
