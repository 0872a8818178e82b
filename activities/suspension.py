"""Suspending a customer over an unpaid invoice: the hold, its audit entry and its letter, in the caller's transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.letters import Letter
from domain.standing import HoldReason
from persistence import audit, holds, messages
from persistence.messages import Claim


def suspend(session: Session, customer_id: str, invoice_id: str, now: datetime) -> str | None:
    """Place the hold of a locked customer, and claim its letter; the letter's id.

    The letter goes out only with a new hold, once however many invoices are late (requirements L4).
    """
    hold_id = holds.place(session, customer_id, HoldReason.OVERDUE, now)
    if hold_id is None:
        return letter_of_standing_hold(session, customer_id, invoice_id)
    audit.record(
        session, now, audit.SYSTEM, "CUSTOMER_SUSPENDED", "Customer", customer_id, hold_id=hold_id, invoice_id=invoice_id
    )
    letter = Claim(Letter.SUSPENSION_NOTICE, "Customer", customer_id, hold_id, customer_id, invoice_id=invoice_id)
    return messages.claim(session, letter, now)


def letter_of_standing_hold(session: Session, customer_id: str, invoice_id: str) -> str | None:
    """The suspension letter that this very invoice brought about, for a caller whose first answer was lost."""
    hold_id = holds.standing(session, customer_id).get(HoldReason.OVERDUE)
    for message in messages.of_entity(session, "Customer", customer_id):
        if message.key.endswith(f"/{hold_id}") and message.letter is Letter.SUSPENSION_NOTICE:
            return message.id if message.invoice_id == invoice_id else None
    return None
