"""The inbox: gateways' updates, stored once and signalled until the signal was accepted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ids import Prefix
from persistence.columns import new_id
from persistence.models import WebhookRow

_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Unsignalled:
    """An update whose payment's workflow has not heard of it yet."""

    id: str
    tenant_id: str
    payment_id: str


def store(
    system: Session,
    *,
    gateway: str,
    event_key: str,
    body: bytes,
    verified: bool,
    tenant_id: str | None,
    payment_id: str | None,
    now: datetime,
) -> str | None:
    """Keep an update; its id, or None when this event was stored before."""
    return system.scalar(
        insert(WebhookRow)
        .values(
            id=new_id(Prefix.WEBHOOK),
            gateway=gateway,
            event_key=event_key,
            body=body,
            verified=verified,
            tenant_id=tenant_id,
            payment_id=payment_id,
            received_at=now,
            # The door itself signals at once; the sweeper comes only when that did not work.
            next_try_at=now + _FIRST_PAUSE,
        )
        .on_conflict_do_nothing()
        .returning(WebhookRow.id)
    )


def match(
    system: Session, *, gateway: str, event_key: str, body: bytes, tenant_id: str, payment_id: str, now: datetime
) -> str | None:
    """Give an update that was kept when nobody knew its payment to that payment; its id, or None when there is none to give.

    It came again, and this time it was verified with the payment's own account: that is what is kept from now on.
    """
    return system.scalar(
        update(WebhookRow)
        .where(WebhookRow.gateway == gateway, WebhookRow.event_key == event_key, WebhookRow.payment_id.is_(None))
        .values(body=body, verified=True, tenant_id=tenant_id, payment_id=payment_id, next_try_at=now + _FIRST_PAUSE)
        .returning(WebhookRow.id)
    )


def lock_unmatched(system: Session, webhook_id: str) -> bool:
    """Lock an update for this transaction, so that nobody matches it meanwhile; whether it still fits no payment."""
    row = system.scalars(select(WebhookRow).where(WebhookRow.id == webhook_id).with_for_update()).one()
    return row.payment_id is None


def take_unsignalled(system: Session, now: datetime, limit: int) -> list[Unsignalled]:
    """Updates that wait for a signal, each put off (2 s, 4 s, … 1 min) in case this try fails too.

    Two sweepers never take the same one.
    """
    rows = list(
        system.scalars(
            select(WebhookRow)
            .where(WebhookRow.signalled_at.is_(None), WebhookRow.payment_id.is_not(None), WebhookRow.next_try_at <= now)
            .order_by(WebhookRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    for row in rows:
        row.tries += 1
        row.next_try_at = now + min(_FIRST_PAUSE * 2 ** min(row.tries, 10), _LONGEST_PAUSE)
    system.flush()
    return [Unsignalled(row.id, row.tenant_id or "", row.payment_id or "") for row in rows]


def bodies_of(system: Session, tenant_id: str, payment_id: str) -> list[bytes]:
    """The verified updates about a payment, as they were kept, in the order they came."""
    return list(
        system.scalars(
            select(WebhookRow.body)
            .where(WebhookRow.tenant_id == tenant_id, WebhookRow.payment_id == payment_id, WebhookRow.verified)
            .order_by(WebhookRow.id)
        )
    )


def mark_signalled(system: Session, webhook_id: str, now: datetime) -> None:
    system.execute(
        update(WebhookRow).where(WebhookRow.id == webhook_id, WebhookRow.signalled_at.is_(None)).values(signalled_at=now)
    )
