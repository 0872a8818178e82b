"""Attempts at a gateway: one row each, stored before the gateway is called, and what the gateway said of it."""

from collections.abc import Collection
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

# Outcomes of an attempt by which money came, whatever became of it since.
BROUGHT_MONEY = frozenset({Outcome.PAID, Outcome.DISPUTED, Outcome.REFUNDED})

_LONGEST_REFERENCE = 100
_LONGEST_STATUS = 60
_LONGEST_BRAND = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One gateway transaction; its `id` is our reference and trace at the gateway.

    Attributes:
        checkout: what the payer was told to do; None until the gateway's answer was stored.
        checkout_id: the gateway's id of the checkout, where it has one besides the payment's.
        outcome: `Outcome`, by the gateway's last answer.
        fee: what the gateway kept, or will probably keep while `fee_is_estimate`; net is the amount less it.
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
    checkout_id: str | None
    amount: Money
    fee: Money | None
    fee_is_estimate: bool
    card_brand: str | None
    card_last_four: str | None
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


def get(session: Session, attempt_id: str) -> Attempt:
    """The attempt as it stands in the database now."""
    return _attempt(session.get_one(GatewayTransactionRow, attempt_id, populate_existing=True))


def last(session: Session, payment_id: str) -> Attempt | None:
    row = session.scalars(
        select(GatewayTransactionRow)
        .where(GatewayTransactionRow.payment_id == payment_id)
        .order_by(GatewayTransactionRow.attempt.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return _attempt(row) if row else None


def last_of_each(session: Session, payment_ids: Collection[str]) -> dict[str, Attempt]:
    """The last attempt of each of these payments that has any, by payment id."""
    rows = session.scalars(
        select(GatewayTransactionRow)
        .where(GatewayTransactionRow.payment_id.in_(list(payment_ids)))
        .order_by(GatewayTransactionRow.payment_id, GatewayTransactionRow.attempt)
    )
    return {row.payment_id: _attempt(row) for row in rows}


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
    checkout_id: str | None = None,
) -> None:
    """Store the gateway's answer to an attempt. A known poll address is never replaced by a later answer."""
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    row.outcome, row.checkout, row.raw_response = outcome.value, checkout, raw
    row.poll_url = row.poll_url or poll_url
    row.checkout_id = row.checkout_id or checkout_id
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
    raw: str,
    now: datetime,
    card_brand: str | None = None,
    card_last_four: str | None = None,
) -> None:
    """Store the gateway's present word about an attempt; what was paid stays so unless it was refunded or disputed.

    The reference is that of the payment that brought the money: one of a try that was declined before gives way to it.
    """
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    reference = _cut(gateway_reference, _LONGEST_REFERENCE)
    is_first_money = outcome is Outcome.PAID and Outcome(row.outcome) not in BROUGHT_MONEY
    if reference and (is_first_money or row.gateway_reference is None):
        row.gateway_reference = reference
    if not (row.outcome == Outcome.PAID.value and outcome in {Outcome.PENDING, Outcome.DECLINED, Outcome.UNKNOWN}):
        row.outcome = outcome.value
    row.gateway_status = _cut(gateway_status, _LONGEST_STATUS) or row.gateway_status
    row.poll_url = row.poll_url or poll_url
    row.raw_response = raw or row.raw_response
    row.card_brand = row.card_brand or _cut(card_brand, _LONGEST_BRAND)
    row.card_last_four = row.card_last_four or card_last_four
    if outcome.is_final and row.completed_at is None:
        row.completed_at = now
    session.flush()


def record_fee(session: Session, attempt_id: str, fee: Money, *, is_estimate: bool) -> None:
    """Store what the gateway kept of an attempt's amount, or will probably keep."""
    row = session.get_one(GatewayTransactionRow, attempt_id, with_for_update=True)
    row.fee, row.net, row.fee_is_estimate = fee.minor, row.amount - fee.minor, is_estimate
    session.flush()


def payment_of_reference(session: Session, account_id: str, gateway_reference: str) -> str | None:
    """The payment (its id) to which a payment of the gateway's belongs; None when to none yet."""
    return session.scalar(
        select(GatewayTransactionRow.payment_id).where(
            GatewayTransactionRow.account_id == account_id, GatewayTransactionRow.gateway_reference == gateway_reference
        )
    )


def tenant_of_checkout(system: Session, gateway: str, checkout_id: str) -> tuple[str, str, str] | None:
    """Whose attempt a gateway's checkout is: (tenant id, payment id, account id); None when nobody's."""
    found = system.execute(
        select(GatewayTransactionRow.tenant_id, GatewayTransactionRow.payment_id, GatewayTransactionRow.account_id).where(
            GatewayTransactionRow.gateway == gateway, GatewayTransactionRow.checkout_id == checkout_id
        )
    ).first()
    return (found[0], found[1], found[2]) if found else None


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
        checkout_id=row.checkout_id,
        amount=Money(row.amount, row.currency),
        fee=Money(row.fee, row.currency) if row.fee is not None else None,
        fee_is_estimate=row.fee_is_estimate,
        card_brand=row.card_brand,
        card_last_four=row.card_last_four,
        checkout=row.checkout,
        initiated_at=row.initiated_at,
    )
