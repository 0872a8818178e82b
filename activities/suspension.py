"""Who is suspended and who is back: the hold over unpaid invoices, its audit entries and letters, in the caller's transaction.

The customer's row is locked by the caller, so that however many invoices race, each change and its letter happen once.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from domain.letters import Letter
from domain.standing import HoldReason, SuspendingDebt, is_back, suspends
from persistence import audit, chasing, holds, invoices, messages
from persistence.messages import Claim


def suspend(session: Session, customer_id: str, invoice_id: str, now: datetime, *, tells_customer: bool = True) -> str | None:
    """Place the hold of a customer whom unpaid invoices suspend, and claim its letter; the letter's id.

    Nothing happens where what is left is less than the policy suspends for. The letter goes out only when the customer was
    not held before, once however many invoices are late (requirements L4), unless the policy suspends without a word.
    """
    if not debts_suspend(session, customer_id, now):
        return None
    before = holds.standing(session, customer_id)
    hold_id = holds.place(session, customer_id, HoldReason.OVERDUE, now)
    if hold_id is None:
        return letter_of_standing_hold(session, customer_id, invoice_id)
    audit.record(
        session, now, audit.SYSTEM, "CUSTOMER_SUSPENDED", "Customer", customer_id,
        hold_id=hold_id, invoice_id=invoice_id, reason=HoldReason.OVERDUE.value,
    )  # fmt: skip
    if before or not tells_customer:
        return None
    letter = Claim(Letter.SUSPENSION_NOTICE, "Customer", customer_id, hold_id, customer_id, invoice_id=invoice_id)
    return messages.claim(session, letter, now)


def reactivate(
    session: Session, customer_id: str, now: datetime, *, invoice_id: str | None = None, payment_id: str | None = None
) -> str | None:
    """Lift the hold over unpaid invoices when nothing is left that suspends, and claim the letter; the letter's id.

    Only this hold: what staff placed by hand stands, and then there is nothing to confirm yet (requirements L5).

    Args:
        invoice_id, payment_id: what brought it about, where one thing did.
    """
    standing = holds.standing(session, customer_id)
    hold_id = standing.get(HoldReason.OVERDUE)
    if hold_id is None or debts_suspend(session, customer_id, now):
        return None
    return lift(session, customer_id, hold_id, audit.SYSTEM, now, invoice_id=invoice_id, payment_id=payment_id)


def lift(
    session: Session,
    customer_id: str,
    hold_id: str,
    actor: str,
    now: datetime,
    *,
    invoice_id: str | None = None,
    payment_id: str | None = None,
    note: str = "",
) -> str | None:
    """Lift one standing hold, with its audit entry; the letter's id when the customer is held no more."""
    before = holds.standing(session, customer_id)
    holds.lift(session, hold_id, now, actor=actor)
    after = holds.standing(session, customer_id)
    reason = next(reason for reason, standing_id in before.items() if standing_id == hold_id)
    audit.record(
        session, now, actor, "CUSTOMER_HOLD_LIFTED", "Customer", customer_id,
        hold_id=hold_id, reason=reason.value, invoice_id=invoice_id, payment_id=payment_id,
        still_held=sorted(other.value for other in after), note=note,
    )  # fmt: skip
    if reason is HoldReason.CLOSED and after:
        return _tell_what_still_holds(session, customer_id, after, now)
    if not is_back(before, after):
        return None
    letter = Claim(
        Letter.REACTIVATION_CONFIRMATION, "Customer", customer_id, hold_id, customer_id,
        invoice_id=invoice_id, payment_id=payment_id,
    )  # fmt: skip
    return messages.claim(session, letter, now)


def _tell_what_still_holds(session: Session, customer_id: str, after: Mapping[HoldReason, str], now: datetime) -> str | None:
    """The account is open again, and suspended: what was placed while it was closed was told to nobody."""
    reason = HoldReason.OVERDUE if HoldReason.OVERDUE in after else next(iter(after))
    over = invoices.suspending(session, customer_id)
    invoice_id = over[0].invoice.id if over and reason is HoldReason.OVERDUE else None
    letter = Claim(Letter.SUSPENSION_NOTICE, "Customer", customer_id, after[reason], customer_id, invoice_id=invoice_id)
    return messages.claim(session, letter, now)


def debts_suspend(session: Session, customer_id: str, now: datetime) -> bool:
    """Whether what is left of a customer's invoices that reached suspension, and are not set aside, suspends."""
    debts = [
        SuspendingDebt(detail.invoice.amount_due, detail.policy.lifts_below(detail.invoice.amount_due.currency))
        for detail in invoices.suspending(session, customer_id)
        if chasing.set_aside_now(session, detail, now) is None
    ]
    return suspends(debts)


def letter_of_standing_hold(session: Session, customer_id: str, invoice_id: str) -> str | None:
    """The suspension letter that this very invoice brought about, for a caller whose first answer was lost."""
    hold_id = holds.standing(session, customer_id).get(HoldReason.OVERDUE)
    for message in messages.of_entity(session, "Customer", customer_id):
        if message.key.endswith(f"/{hold_id}") and message.letter is Letter.SUSPENSION_NOTICE:
            return message.id if message.invoice_id == invoice_id else None
    return None


def unsent_reactivation(
    session: Session, customer_id: str, *, invoice_id: str | None = None, payment_id: str | None = None
) -> str | None:
    """The letter that the same caller claimed before its answer was lost: still queued, and brought about by the same thing."""
    for message in reversed(messages.of_entity(session, "Customer", customer_id)):
        is_same = message.payment_id == payment_id and (payment_id is not None or message.invoice_id == invoice_id)
        if message.letter is Letter.REACTIVATION_CONFIRMATION and message.status == "QUEUED" and is_same:
            return message.id
    return None
