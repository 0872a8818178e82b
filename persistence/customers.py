"""Customers, what they subscribe to, and what they are charged once."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Exists, ScalarSelect, exists, func, select
from sqlalchemy.orm import Session

from domain.billing import Billable
from domain.customer import Customer
from domain.errors import NotFoundError
from domain.money import Money
from domain.standing import BillingStatus, HoldReason, billing_status
from domain.subscription import Charge, Plan, Subscription
from persistence.models import (
    ChargeRow,
    CustomerRow,
    HoldRow,
    InvoiceLineRow,
    InvoiceRow,
    PlanRow,
    SubscriptionRow,
)


@dataclass(frozen=True, slots=True)
class CustomerStanding:
    """A customer with the billing status that follows from holds and debts on a given day."""

    customer: Customer
    billing_status: BillingStatus
    held_for: tuple[HoldReason, ...] = ()


def get(session: Session, customer_id: str) -> Customer:
    """Raises: NotFoundError: the bound tenant has no such customer."""
    row = session.get(CustomerRow, customer_id)
    if row is None:
        raise NotFoundError("customer", customer_id)
    return _customer(row)


def lock(session: Session, customer_id: str) -> Customer:
    """Lock a customer's row for this transaction; always before the customer's invoices and payments (pains 24).

    Raises:
        NotFoundError: the bound tenant has no such customer.
    """
    row = session.scalars(select(CustomerRow).where(CustomerRow.id == customer_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError("customer", customer_id)
    return _customer(row)


def page(session: Session, today: date, *, after: str | None, limit: int) -> list[CustomerStanding]:
    """Customers in the order of their ids, with their standing on `today` (a local day)."""
    statement = select(CustomerRow, *_standing_columns(today)).order_by(CustomerRow.id).limit(limit)
    if after:
        statement = statement.where(CustomerRow.id > after)
    return [_standing(row, held, late=late) for row, held, late in session.execute(statement)]


def standing(session: Session, customer_id: str, today: date) -> CustomerStanding:
    """Raises: NotFoundError: the bound tenant has no such customer."""
    statement = select(CustomerRow, *_standing_columns(today)).where(CustomerRow.id == customer_id)
    found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFoundError("customer", customer_id)
    row, held, late = found
    return _standing(row, held, late=late)


def late_invoices(session: Session, customer_id: str, today: date) -> list[str]:
    """The numbers of the invoices for which a customer is PAST_DUE on `today` (a local day), oldest first."""
    statement = select(InvoiceRow.number).where(InvoiceRow.customer_id == customer_id, *_is_late(today))
    return list(session.scalars(statement.order_by(InvoiceRow.due_on, InvoiceRow.id)))


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(CustomerRow)) or 0


def billables_after(session: Session, cursor: str, limit: int) -> list[Billable]:
    """The next customers in the order of their ids, each with all that could be charged and was not charged yet."""
    rows = list(session.scalars(select(CustomerRow).where(CustomerRow.id > cursor).order_by(CustomerRow.id).limit(limit)))
    ids = [row.id for row in rows]
    subscriptions = _subscriptions_of(session, ids)
    charges = _open_charges_of(session, ids)
    return [Billable(row.id, row.email, tuple(subscriptions.get(row.id, ())), tuple(charges.get(row.id, ()))) for row in rows]


def billed_subscriptions(session: Session, customer_ids: list[str], period_start: date) -> set[str]:
    """Which of these customers' subscriptions have a line for the period that starts then."""
    statement = (
        select(InvoiceLineRow.subscription_id)
        .join(SubscriptionRow, SubscriptionRow.id == InvoiceLineRow.subscription_id)
        .where(SubscriptionRow.customer_id.in_(customer_ids), InvoiceLineRow.period_start == period_start)
    )
    return {identity for identity in session.scalars(statement) if identity}


def _subscriptions_of(session: Session, customer_ids: list[str]) -> dict[str, list[Subscription]]:
    statement = (
        select(SubscriptionRow, PlanRow)
        .join(PlanRow, PlanRow.id == SubscriptionRow.plan_id)
        .where(SubscriptionRow.customer_id.in_(customer_ids))
        .order_by(SubscriptionRow.id)
    )
    found: dict[str, list[Subscription]] = {}
    for row, plan in session.execute(statement):
        found.setdefault(row.customer_id, []).append(
            Subscription(row.id, row.customer_id, _plan(plan), row.quantity, row.starts_on, row.ends_on)
        )
    return found


def _open_charges_of(session: Session, customer_ids: list[str]) -> dict[str, list[Charge]]:
    billed = exists().where(InvoiceLineRow.charge_id == ChargeRow.id)
    statement = select(ChargeRow).where(ChargeRow.customer_id.in_(customer_ids), ~billed).order_by(ChargeRow.id)
    found: dict[str, list[Charge]] = {}
    for row in session.scalars(statement):
        found.setdefault(row.customer_id, []).append(
            Charge(
                row.id,
                row.customer_id,
                row.description,
                row.quantity,
                Money(row.unit_price, row.currency),
                row.tax_basis_points,
                row.charge_on,
            )
        )
    return found


def _standing_columns(today: date) -> tuple[ScalarSelect[list[str]], Exists]:
    """The reasons of the holds that stand, and whether something is late; what is disputed may not be owed at all."""
    held = (
        select(func.array_agg(HoldRow.reason))
        .where(HoldRow.customer_id == CustomerRow.id, HoldRow.lifted_at.is_(None))
        .scalar_subquery()
    )
    late = exists().where(InvoiceRow.customer_id == CustomerRow.id, *_is_late(today))
    return held, late


def _is_late(today: date) -> tuple[ColumnElement[bool], ...]:
    return InvoiceRow.state == "OPEN", InvoiceRow.due_on < today, InvoiceRow.disputed_at.is_(None)


def _standing(row: CustomerRow, held: list[str] | None, *, late: bool) -> CustomerStanding:
    reasons = tuple(HoldReason(reason) for reason in sorted(held or ()))
    return CustomerStanding(_customer(row), billing_status(holds=reasons, is_late=late), reasons)


def _customer(row: CustomerRow) -> Customer:
    return Customer(row.id, row.reference, row.name, row.email, row.phone)


def _plan(row: PlanRow) -> Plan:
    return Plan(
        row.id, row.code, row.name, Money(row.price, row.currency), row.interval_months, row.tax_basis_points, row.prorated
    )
