"""The message log: letters are claimed once, in the transaction that decides them, and their delivery is recorded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.letters import Letter
from domain.message_keys import message_id, message_key
from persistence import tenants
from persistence.columns import new_id
from persistence.models import CustomerRow, LetterInvoiceRow, MessageRow


@dataclass(frozen=True, slots=True)
class Claim:
    """A letter that is decided.

    Attributes:
        entity_type, entity_id: what it is about (`Invoice`, `Payment`, `Customer`), as the log shows it.
        step: names the occasion within the entity: a dunning step's key, `issued`, `settled`.
    """

    letter: Letter
    entity_type: str
    entity_id: str
    step: str
    customer_id: str
    invoice_id: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the log; `subject` is None until the letter was written."""

    id: str
    key: str
    message_id: str
    letter: Letter
    entity_type: str
    entity_id: str
    customer_id: str
    invoice_id: str | None
    payment_id: str | None
    to_address: str
    subject: str | None
    status: str
    tries: int
    queued_at: datetime
    sent_at: datetime | None
    error: str | None


def claim(session: Session, decided: Claim, now: datetime) -> str | None:
    """Queue a letter to the customer's address; its id, also when it was claimed before.

    None when the customer has no address to write to.
    """
    address = session.scalars(select(CustomerRow.email).where(CustomerRow.id == decided.customer_id)).one()
    if not address:
        return None
    key = message_key(decided.entity_id, decided.letter, decided.step)
    sender_domain = tenants.current(session).sender_email.rpartition("@")[2]
    statement = (
        insert(MessageRow)
        .values(
            id=new_id(Prefix.MESSAGE),
            key=key,
            message_id=message_id(key, sender_domain),
            letter=decided.letter.value,
            entity_type=decided.entity_type,
            entity_id=decided.entity_id,
            customer_id=decided.customer_id,
            invoice_id=decided.invoice_id,
            payment_id=decided.payment_id,
            to_address=address,
            status="QUEUED",
            queued_at=now,
        )
        .on_conflict_do_nothing()
        .returning(MessageRow.id)
    )
    claimed = session.scalar(statement)
    return claimed or session.scalars(select(MessageRow.id).where(MessageRow.key == key)).one()


def get(session: Session, message: str) -> Message:
    """Raises: NotFoundError: the bound tenant has no such message."""
    row = session.get(MessageRow, message, populate_existing=True)
    if row is None:
        raise NotFoundError("message", message)
    return _message(row)


def by_key(session: Session, key: str) -> Message | None:
    row = session.scalars(select(MessageRow).where(MessageRow.key == key)).one_or_none()
    return _message(row) if row else None


def of_entity(session: Session, entity_type: str, entity_id: str) -> list[Message]:
    rows = session.scalars(
        select(MessageRow)
        .where(MessageRow.entity_type == entity_type, MessageRow.entity_id == entity_id)
        .order_by(MessageRow.id)
    )
    return [_message(row) for row in rows]


def of_invoice(session: Session, invoice_id: str) -> list[Message]:
    """Every letter that an invoice caused or is listed in: its own, its payments' and its customer's."""
    listing = select(LetterInvoiceRow.message_id).where(LetterInvoiceRow.invoice_id == invoice_id)
    rows = session.scalars(
        select(MessageRow).where((MessageRow.invoice_id == invoice_id) | MessageRow.id.in_(listing)).order_by(MessageRow.id)
    )
    return [_message(row) for row in rows]


def page(session: Session, *, after: str | None, limit: int, status: str | None = None) -> list[Message]:
    """The log, newest first."""
    statement = select(MessageRow).order_by(MessageRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(MessageRow.id < after)
    if status:
        statement = statement.where(MessageRow.status == status)
    return [_message(row) for row in session.scalars(statement)]


def never_tried(system: Session, letters: Collection[Letter], before: datetime, limit: int) -> list[tuple[str, str]]:
    """(tenant id, message id) of letters of these kinds, queued before then, that nobody tried to send yet; oldest first."""
    found = system.execute(
        select(MessageRow.tenant_id, MessageRow.id)
        .where(
            MessageRow.letter.in_([letter.value for letter in letters]),
            MessageRow.status == "QUEUED",
            MessageRow.tries == 0,
            MessageRow.queued_at < before,
        )
        .order_by(MessageRow.id)
        .limit(limit)
    )
    return [(tenant_id, message_id) for tenant_id, message_id in found]


def mark_written(session: Session, message: str, subject: str) -> None:
    """Its words are set and on their way to the mail server: nothing joins them any more."""
    _update(session, message, subject=subject)


def mark_sent(session: Session, message: str, subject: str, now: datetime) -> None:
    _update(session, message, status="SENT", subject=subject, sent_at=now, error=None, tries=MessageRow.tries + 1)


def mark_deferred(session: Session, message: str, error: str) -> None:
    """Still queued: the next try may succeed."""
    _update(session, message, error=error, tries=MessageRow.tries + 1)


def mark_failed(session: Session, message: str, error: str, now: datetime) -> None:
    _update(session, message, status="FAILED", error=error, failed_at=now, tries=MessageRow.tries + 1)


def mark_cancelled(session: Session, message: str, reason: str) -> None:
    _update(session, message, status="CANCELLED", error=reason)


def _update(session: Session, message: str, **values: object) -> None:
    # What was sent stays sent, whatever a second worker believes.
    session.execute(update(MessageRow).where(MessageRow.id == message, MessageRow.status == "QUEUED").values(**values))


def _message(row: MessageRow) -> Message:
    return Message(
        id=row.id,
        key=row.key,
        message_id=row.message_id,
        letter=Letter(row.letter),
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        payment_id=row.payment_id,
        to_address=row.to_address,
        subject=row.subject,
        status=row.status,
        tries=row.tries,
        queued_at=row.queued_at,
        sent_at=row.sent_at,
        error=row.error,
    )
