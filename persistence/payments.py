"""Payments, and what they were allocated to. Their attempts at gateways are in `attempts.py`."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain.allocation import Target
from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import PaymentLink
from persistence import audit
from persistence.columns import new_id
from persistence.models import AllocationRow, PaymentRow


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it stands.

    Attributes:
        target: what it is used for where it is for no invoice.
        received_on: the tenant's day on which staff say that the money came; for what staff record.
        payer_phone: the national number that mobile money asks.
    """

    id: str
    customer_id: str
    invoice_id: str | None
    target: Target
    method: PaymentMethod
    amount: Money
    status: PaymentStatus
    allocated: Money
    credited: Money
    failure_reason: str | None
    initiated_at: datetime
    settled_at: datetime | None
    manual_reference: str | None
    link_id: str | None
    received_on: date | None
    note: str | None
    reversed_at: datetime | None
    reversal_reason: str | None
    payer_phone: str | None = field(repr=False)


def start(
    session: Session,
    *,
    customer_id: str,
    invoice_id: str | None,
    method: PaymentMethod,
    amount: Money,
    payer_phone: str | None = None,
    manual_reference: str | None = None,
    target: Target = Target.OLDEST_DUE,
    link_id: str | None = None,
    received_on: date | None = None,
    note: str | None = None,
    payment_id: str | None = None,
    actor: str,
    now: datetime,
) -> Payment:
    """A new pending payment with its audit entry, without which the database refuses it."""
    row = PaymentRow(
        id=payment_id or new_id(Prefix.PAYMENT),
        customer_id=customer_id,
        invoice_id=invoice_id,
        method=method.value,
        amount=amount.minor,
        currency=amount.currency,
        status=PaymentStatus.PENDING.value,
        allocated=0,
        credited=0,
        payer_phone=payer_phone,
        manual_reference=manual_reference,
        target=target.value,
        link_id=link_id,
        received_on=received_on,
        note=note,
        initiated_at=now,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        now,
        actor,
        "PAYMENT_INITIATED",
        "Payment",
        row.id,
        amount=str(amount),
        method=method.value,
        invoice_id=invoice_id,
        link_id=link_id,
    )
    return payment_of(row)


def find(session: Session, payment_id: str) -> Payment | None:
    row = session.get(PaymentRow, payment_id, populate_existing=True)
    return payment_of(row) if row else None


def get(session: Session, payment_id: str) -> Payment:
    """Raises: NotFoundError: the bound tenant has no such payment."""
    return payment_of(_row(session, payment_id))


def lock(session: Session, payment_id: str) -> Payment:
    """Lock a payment (after its customer and invoices) for this transaction.

    Raises:
        NotFoundError: the bound tenant has no such payment.
    """
    return payment_of(_row(session, payment_id, for_update=True))


def booked_as(session: Session, gateway: str, gateway_reference: str) -> list[Payment]:
    """The payments, not reversed, as which people booked a payment of the gateway's, whatever method they took it for."""
    methods = [method.value for method in PaymentMethod if method.gateway == gateway]
    rows = session.scalars(
        select(PaymentRow).where(
            PaymentRow.method.in_(methods),
            PaymentRow.manual_reference == gateway_reference,
            PaymentRow.status != PaymentStatus.REVERSED.value,
        )
    )
    return [payment_of(row) for row in rows]


def by_manual_reference(session: Session, method: PaymentMethod, reference: str) -> Payment | None:
    """The payment that staff recorded with this bank reference or receipt number, unless it was reversed."""
    row = session.scalars(
        select(PaymentRow).where(
            PaymentRow.method == method.value,
            PaymentRow.manual_reference == reference,
            PaymentRow.status != PaymentStatus.REVERSED.value,
        )
    ).one_or_none()
    return payment_of(row) if row else None


def page(
    session: Session,
    *,
    after: str | None,
    limit: int,
    status: str | None = None,
    invoice_id: str | None = None,
    link_id: str | None = None,
    customer_id: str | None = None,
) -> list[Payment]:
    """Payments, newest first."""
    statement = select(PaymentRow).order_by(PaymentRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(PaymentRow.id < after)
    if status:
        statement = statement.where(PaymentRow.status == status)
    if invoice_id:
        statement = statement.where(PaymentRow.invoice_id == invoice_id)
    if link_id:
        statement = statement.where(PaymentRow.link_id == link_id)
    if customer_id:
        statement = statement.where(PaymentRow.customer_id == customer_id)
    return [payment_of(row) for row in session.scalars(statement)]


def pending_for(session: Session, link: PaymentLink) -> list[Payment]:
    """The pending payments of the same debt that a link asks for, whichever way they were begun.

    That is: by the same link, for the same invoice, or where one of the two is for whatever is owed, as both may then pay the
    same invoice. What is kept as credit (a deposit, a registration fee) overlaps with nothing but its own link.
    """
    spreading = PaymentRow.invoice_id.is_(None) & (PaymentRow.target == Target.OLDEST_DUE.value)
    same = [PaymentRow.link_id == link.id]
    if link.invoice_id is not None:
        same += [PaymentRow.invoice_id == link.invoice_id, spreading]
    elif link.type.target is Target.OLDEST_DUE:
        same += [PaymentRow.invoice_id.is_not(None), spreading]
    rows = session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.customer_id == link.customer_id,
            PaymentRow.currency == link.currency,
            PaymentRow.status == PaymentStatus.PENDING.value,
            or_(*same),
        )
        .order_by(PaymentRow.id)
    )
    return [payment_of(row) for row in rows]


def settle(session: Session, payment_id: str, parts: tuple[tuple[str, Money], ...], credited: Money, now: datetime) -> None:
    """Mark a payment settled and store what it was used for; the database refuses it when the sums do not fit."""
    row = _row(session, payment_id)
    row.status, row.settled_at = PaymentStatus.SETTLED.value, now
    row.allocated, row.credited = sum(amount.minor for _, amount in parts), credited.minor
    session.flush()
    session.add_all(
        AllocationRow(payment_id=payment_id, invoice_id=invoice_id, amount=amount.minor, allocated_at=now)
        for invoice_id, amount in parts
    )
    session.flush()


def reverse(session: Session, payment_id: str, reason: str, now: datetime) -> None:
    """Mark a settled payment as reversed; what it was used for stays on record."""
    row = _row(session, payment_id)
    row.status, row.reversal_reason, row.reversed_at = PaymentStatus.REVERSED.value, reason, now
    session.flush()


def fail(session: Session, payment_id: str, reason: str, now: datetime) -> None:
    row = _row(session, payment_id)
    row.status, row.failure_reason, row.failed_at = PaymentStatus.FAILED.value, reason, now
    session.flush()


def allocations(session: Session, payment_id: str) -> list[tuple[str, Money]]:
    """(invoice id, amount) that a payment was used for."""
    payment = _row(session, payment_id)
    rows = session.scalars(
        select(AllocationRow).where(AllocationRow.payment_id == payment_id).order_by(AllocationRow.invoice_id)
    )
    return [(row.invoice_id, Money(row.amount, payment.currency)) for row in rows]


def uses_of_credit(session: Session, customer_id: str, currency: str, status: PaymentStatus) -> list[Payment]:
    """The payments in `status` by which a customer's credit is used, newest first."""
    rows = session.scalars(
        select(PaymentRow)
        .where(
            PaymentRow.customer_id == customer_id,
            PaymentRow.currency == currency,
            PaymentRow.method == PaymentMethod.CREDIT.value,
            PaymentRow.status == status.value,
        )
        .order_by(PaymentRow.id.desc())
    )
    return [payment_of(row) for row in rows]


def _row(session: Session, payment_id: str, *, for_update: bool = False) -> PaymentRow:
    statement = select(PaymentRow).where(PaymentRow.id == payment_id).execution_options(populate_existing=True)
    row = session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFoundError("payment", payment_id)
    return row


def payment_of(row: PaymentRow) -> Payment:
    """The row as the house reads it."""
    return Payment(
        id=row.id,
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        target=Target(row.target),
        method=PaymentMethod(row.method),
        amount=Money(row.amount, row.currency),
        status=PaymentStatus(row.status),
        allocated=Money(row.allocated, row.currency),
        credited=Money(row.credited, row.currency),
        failure_reason=row.failure_reason,
        initiated_at=row.initiated_at,
        settled_at=row.settled_at,
        manual_reference=row.manual_reference,
        link_id=row.link_id,
        received_on=row.received_on,
        note=row.note,
        reversed_at=row.reversed_at,
        reversal_reason=row.reversal_reason,
        payer_phone=row.payer_phone,
    )
