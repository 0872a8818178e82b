"""What a person's decision about money needs from the tables of payments and accounts, besides what every payment needs."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.payment import Outcome
from persistence.models import GatewayAccountRow, GatewayTransactionRow, PaymentRow


def book_on(session: Session, payment_id: str, reference: str) -> None:
    """Note on a payment the gateway's reference of the money that a person says was for it; nothing else can take it then."""
    session.get_one(PaymentRow, payment_id, with_for_update=True).manual_reference = reference
    session.flush()


def free(session: Session, attempt_id: str) -> None:
    """Let go of what a person booked under an attempt: another can bear the gateway's reference now.

    What became of the attempt itself is unknown again: should its gateway have money for it after all, that is news.
    """
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    row.gateway_reference, row.outcome, row.completed_at = None, Outcome.UNKNOWN.value, None
    session.flush()


def account_at(session: Session, gateway: str, currency: str) -> str | None:
    """The id of the bound tenant's account at a gateway for a currency; None when it has none."""
    return session.scalar(
        select(GatewayAccountRow.id).where(GatewayAccountRow.gateway == gateway, GatewayAccountRow.currency == currency)
    )
