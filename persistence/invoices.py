"""Invoices: reading, locking, and moving what is due. How they come to be is in `issuing.py`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.dunning_policy import DunningPolicy
from domain.errors import NotFoundError
from domain.invoice import Invoice, InvoiceLine, InvoiceState
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from persistence.models import AllocationRow, InvoiceLineRow, InvoiceRow, PaymentRow


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """An invoice with all that people are shown of it.

    Attributes:
        policy, policy_id: the dunning policy's snapshot, and which version it is (None: from before there were versions).
        stored_plan: the dated plan as `dunning_plans.py` writes it; None: from before plans were stored.
        plan_round: counts the invoice's plans, from 1.
        suspended_at: when its ladder reached suspension; None when it suspends nobody.
        paused_until: the last local day of a pause, which may be over.
    """

    invoice: Invoice
    period: str
    net: Money
    tax: Money
    issued_at: datetime
    issued_on: date
    closed_at: datetime | None
    suspended_at: datetime | None
    payment_token: str
    policy: DunningPolicy
    run_id: str
    policy_id: str | None = None
    stored_plan: list[dict[str, Any]] | None = None
    plan_round: int = 1
    paused_until: date | None = None
    disputed_at: datetime | None = None


def get(session: Session, invoice_id: str) -> InvoiceDetail:
    """Raises: NotFoundError: the bound tenant has no such invoice."""
    row = session.get(InvoiceRow, invoice_id)
    if row is None:
        raise NotFoundError("invoice", invoice_id)
    return _detail(row)


def lines(session: Session, invoice_id: str) -> list[InvoiceLine]:
    rows = session.scalars(
        select(InvoiceLineRow).where(InvoiceLineRow.invoice_id == invoice_id).order_by(InvoiceLineRow.position)
    )
    currency = session.scalars(select(InvoiceRow.currency).where(InvoiceRow.id == invoice_id)).one()
    return [_line(row, currency) for row in rows]


def page(
    session: Session,
    *,
    after: str | None,
    limit: int,
    state: str | None = None,
    customer_id: str | None = None,
    run_id: str | None = None,
) -> list[InvoiceDetail]:
    """Invoices in the order of their ids, which is the order of issue."""
    statement = select(InvoiceRow).order_by(InvoiceRow.id).limit(limit)
    if after:
        statement = statement.where(InvoiceRow.id > after)
    if state:
        statement = statement.where(InvoiceRow.state == state)
    if customer_id:
        statement = statement.where(InvoiceRow.customer_id == customer_id)
    if run_id:
        statement = statement.where(InvoiceRow.run_id == run_id)
    return [_detail(row) for row in session.scalars(statement)]


def paid_by(session: Session, invoice: Invoice, method: PaymentMethod) -> Money:
    """What settled payments by one method paid of an invoice."""
    paid = session.scalar(
        select(func.sum(AllocationRow.amount))
        .join(PaymentRow, PaymentRow.id == AllocationRow.payment_id)
        .where(
            AllocationRow.invoice_id == invoice.id,
            PaymentRow.method == method.value,
            PaymentRow.status == PaymentStatus.SETTLED.value,
        )
    )
    return Money(int(paid or 0), invoice.total.currency)


def lock_one(session: Session, invoice_id: str) -> InvoiceDetail:
    """Lock an invoice (after its customer) for this transaction.

    Raises:
        NotFoundError: the bound tenant has no such invoice.
    """
    row = session.scalars(
        select(InvoiceRow).where(InvoiceRow.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError("invoice", invoice_id)
    return _detail(row)


def open_of_customer(session: Session, customer_id: str, currency: str) -> list[Invoice]:
    """A customer's open invoices in one currency, by due day and number, as they stand without waiting for anybody."""
    rows = session.scalars(
        select(InvoiceRow)
        .where(
            InvoiceRow.customer_id == customer_id,
            InvoiceRow.currency == currency,
            InvoiceRow.state == InvoiceState.OPEN.value,
        )
        .order_by(InvoiceRow.due_on, InvoiceRow.number)
    )
    return [_invoice(row) for row in rows]


def lock_open_of_customer(session: Session, customer_id: str) -> list[Invoice]:
    """Lock a customer's open invoices in the order of their ids."""
    rows = session.scalars(
        select(InvoiceRow)
        .where(InvoiceRow.customer_id == customer_id, InvoiceRow.state == InvoiceState.OPEN.value)
        .order_by(InvoiceRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [_invoice(row) for row in rows]


def lock_many(session: Session, invoice_ids: Collection[str]) -> list[InvoiceDetail]:
    """Lock these invoices (after their customer) in the order of their ids, open or not."""
    rows = session.scalars(
        select(InvoiceRow)
        .where(InvoiceRow.id.in_(list(invoice_ids)))
        .order_by(InvoiceRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [_detail(row) for row in rows]


def pay(session: Session, invoice: Invoice, amount: Money, now: datetime) -> Invoice:
    """Lower what is due by an allocated amount; closes the invoice when nothing is left.

    Raises:
        InvariantError: more than is due.
    """
    left, state = invoice.after_payment(amount)
    row = session.get_one(InvoiceRow, invoice.id)
    row.amount_due, row.state = left.minor, state.value
    if state.is_closed:
        _close(row, now)
    session.flush()
    return _invoice(row)


def unpay(session: Session, invoice: Invoice, amount: Money) -> Invoice:
    """Raise what is due by an amount whose payment was reversed; opens a paid invoice again.

    Raises:
        InvariantError: more than was paid, or an invoice that was closed otherwise.
    """
    row = session.get_one(InvoiceRow, invoice.id)
    row.amount_due, row.state, row.closed_at = invoice.after_reversal(amount).minor, InvoiceState.OPEN.value, None
    session.flush()
    return _invoice(row)


def close(session: Session, invoice_id: str, state: InvoiceState, now: datetime) -> None:
    """Close an open invoice otherwise than by payment: nothing is due on it any more."""
    row = session.get_one(InvoiceRow, invoice_id)
    row.amount_due, row.state = 0, state.value
    _close(row, now)
    session.flush()


def _close(row: InvoiceRow, now: datetime) -> None:
    row.closed_at = now
    # What had set it aside is over with it: should a reversal open it again, it is chased.
    row.paused_until = row.disputed_at = None


def mark_suspending(session: Session, invoice_id: str, now: datetime) -> None:
    """Remember that this invoice's ladder reached suspension."""
    session.execute(update(InvoiceRow).where(InvoiceRow.id == invoice_id).values(suspended_at=now))


def suspending(session: Session, customer_id: str) -> list[InvoiceDetail]:
    """A customer's open invoices whose ladder reached suspension, set aside or not, in the order of their ids."""
    rows = session.scalars(
        select(InvoiceRow)
        .where(
            InvoiceRow.customer_id == customer_id,
            InvoiceRow.state == InvoiceState.OPEN.value,
            InvoiceRow.suspended_at.is_not(None),
        )
        .order_by(InvoiceRow.id)
        .execution_options(populate_existing=True)
    )
    return [_detail(row) for row in rows]


def without_lifecycle(session: Session, *, after: str, limit: int) -> list[InvoiceDetail]:
    """Invoices whose lifecycle workflow was not started yet, in the order of their ids."""
    rows = session.scalars(
        select(InvoiceRow)
        .where(InvoiceRow.lifecycle_started_at.is_(None), InvoiceRow.id > after)
        .order_by(InvoiceRow.id)
        .limit(limit)
    )
    return [_detail(row) for row in rows]


def mark_lifecycles_started(session: Session, invoice_ids: list[str], now: datetime) -> None:
    session.execute(update(InvoiceRow).where(InvoiceRow.id.in_(invoice_ids)).values(lifecycle_started_at=now))


def _line(row: InvoiceLineRow, currency: str) -> InvoiceLine:
    return InvoiceLine(
        description=row.description,
        quantity=row.quantity,
        unit_price=Money(row.unit_price, currency),
        tax_basis_points=row.tax_basis_points,
        net=Money(row.net, currency),
        tax=Money(row.tax, currency),
        gross=Money(row.gross, currency),
        subscription_id=row.subscription_id,
        charge_id=row.charge_id,
        period_start=row.period_start,
    )


def _invoice(row: InvoiceRow) -> Invoice:
    return Invoice(
        id=row.id,
        customer_id=row.customer_id,
        number=row.number,
        due_on=row.due_on,
        total=Money(row.total, row.currency),
        amount_due=Money(row.amount_due, row.currency),
        state=InvoiceState(row.state),
    )


def _detail(row: InvoiceRow) -> InvoiceDetail:
    return InvoiceDetail(
        invoice=_invoice(row),
        period=row.period,
        net=Money(row.net, row.currency),
        tax=Money(row.tax, row.currency),
        issued_at=row.issued_at,
        issued_on=row.issued_on,
        closed_at=row.closed_at,
        suspended_at=row.suspended_at,
        payment_token=row.payment_token,
        policy=DunningPolicy.from_data(row.dunning_policy),
        run_id=row.run_id,
        policy_id=row.dunning_policy_id,
        stored_plan=row.dunning_plan,
        plan_round=row.dunning_round,
        paused_until=row.paused_until,
        disputed_at=row.disputed_at,
    )
