"""The payment link in a letter about several invoices: all that its customer owes in one currency."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.payment_link import LONGEST_LIFE, LinkType, PaymentLink
from persistence import audit, links

# A letter is found again months later, when the ladder has come to its end: one that ends sooner is not put into it.
_LIVES_AT_LEAST = LONGEST_LIFE / 2


def link_for_all(session: Session, customer_id: str, currency: str, now: datetime) -> PaymentLink:
    """The customer's open link for all that is owed, or a new one made by the system; the customer's row is locked.

    Staff's link serves too, unless it ends soon (theirs live seven days where nobody says more).
    """
    found = links.outstanding_of(session, customer_id, currency, until=now + _LIVES_AT_LEAST)
    return found or links.create(
        session,
        link_type=LinkType.OUTSTANDING,
        customer_id=customer_id,
        invoice_id=None,
        amount=None,
        currency=currency,
        description="",
        expires_at=now + LONGEST_LIFE,
        actor=audit.SYSTEM,
        now=now,
    )
