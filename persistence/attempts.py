"""Attempts at a gateway: one row each, stored before the gateway is called, and what the gateway said of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.ids import Prefix
from domain.money import Money
from domain.payment import Outcome
from persistence.columns import new_id
from persistence.models import GatewayTransactionRow
from persistence.payments import Payment

_LONGEST_REFERENCE = 100
_LONGEST_STATUS = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """One gateway transaction; its `id` is our reference and trace at the gateway.

    Attributes:
        checkout: what the payer was told to do; None until the gateway's answer was stored.
        outcome: `Outcome`, by the gateway's last answer.
    """

    id: str
    payment_id: str
    account_id: str
    gateway: str
    number: int
    outcome: Outcome
    gateway_reference: str | None
    gateway_status: str | None
    poll_url: str | None
    amount: Money
    checkout: dict[str, Any] | None
    initiated_at: datetime


def add(session: Session, payment: Payment, *, account_id: str, gateway: str, number: int, now: datetime) -> Attempt:
    """Store an attempt before the gateway is called, so that what happens to the call cannot lose it."""
    row = GatewayTransactionRow(
        id=new_id(Prefix.GATEWAY_TRANSACTION),
        payment_id=payment.id,
        account_id=account_id,
        gateway=gateway,
        attempt=number,
        outcome=Outcome.UNKNOWN.value,
        amount=payment.amount.minor,
        currency=payment.amount.currency,
        initiated_at=now,
    )
    session.add(row)
    session.flush()
    return _attempt(row)


def last(session: Session, payment_id: str) -> Attempt | None:
    row = session.scalars(
        select(GatewayTransactionRow)
        .where(GatewayTransactionRow.payment_id == payment_id)
        .order_by(GatewayTransactionRow.attempt.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return _attempt(row) if row else None


def of_payment(session: Session, payment_id: str) -> list[Attempt]:
    rows = session.scalars(
        select(GatewayTransactionRow)
        .where(GatewayTransactionRow.payment_id == payment_id)
        .order_by(GatewayTransactionRow.attempt)
    )
    return [_attempt(row) for row in rows]


def record_checkout(
    session: Session,
    attempt_id: str,
    *,
    outcome: Outcome,
    checkout: dict[str, Any] | None,
    poll_url: str | None,
    gateway_reference: str | None,
    gateway_status: str | None,
    raw: str,
    now: datetime,
) -> None:
    """Store the gateway's answer to an attempt. A known poll address is never replaced by a later answer."""
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    row.outcome, row.checkout, row.raw_response = outcome.value, checkout, raw
    row.poll_url = row.poll_url or poll_url
    row.gateway_reference = row.gateway_reference or _cut(gateway_reference, _LONGEST_REFERENCE)
    row.gateway_status = _cut(gateway_status, _LONGEST_STATUS)
    row.completed_at = now if outcome.is_final else None
    session.flush()


def record_answer(
    session: Session,
    attempt_id: str,
    *,
    outcome: Outcome,
    gateway_reference: str | None,
    gateway_status: str | None,
    poll_url: str | None,
    fee: Money | None,
    raw: str,
    now: datetime,
) -> None:
    """Store the gateway's present word about an attempt; what was paid stays so unless it was refunded or disputed."""
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    if not (row.outcome == Outcome.PAID.value and outcome in {Outcome.PENDING, Outcome.DECLINED, Outcome.UNKNOWN}):
        row.outcome = outcome.value
    row.gateway_reference = row.gateway_reference or _cut(gateway_reference, _LONGEST_REFERENCE)
    row.gateway_status = _cut(gateway_status, _LONGEST_STATUS) or row.gateway_status
    row.poll_url = row.poll_url or poll_url
    row.raw_response = raw or row.raw_response
    if fee is not None:
        row.fee, row.net = fee.minor, row.amount - fee.minor
    if outcome.is_final and row.completed_at is None:
        row.completed_at = now
    session.flush()


def tenant_of(system: Session, reference: str) -> tuple[str, str, str] | None:
    """Whose attempt a gateway's reference names: (tenant id, payment id, account id); None when nobody's."""
    found = system.execute(
        select(GatewayTransactionRow.tenant_id, GatewayTransactionRow.payment_id, GatewayTransactionRow.account_id).where(
            GatewayTransactionRow.id == reference
        )
    ).one_or_none()
    return (found[0], found[1], found[2]) if found else None


def _cut(words: str | None, longest: int) -> str | None:
    """A gateway's words as long as the column takes: a long one must not stop the money."""
    return words[:longest] if words else None


def _attempt(row: GatewayTransactionRow) -> Attempt:
    return Attempt(
        id=row.id,
        payment_id=row.payment_id,
        account_id=row.account_id,
        gateway=row.gateway,
        number=row.attempt,
        outcome=Outcome(row.outcome),
        gateway_reference=row.gateway_reference,
        gateway_status=row.gateway_status,
        poll_url=row.poll_url,
        amount=Money(row.amount, row.currency),
        checkout=row.checkout,
        initiated_at=row.initiated_at,
    )
