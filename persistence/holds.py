"""Holds and dunning steps: what suspends a customer, and which rungs of an invoice's ladder were decided."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.standing import HoldReason
from persistence import audit
from persistence.columns import new_id
from persistence.models import DunningStepRow, HoldRow


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as people are shown it.

    Attributes:
        note: why, in the words of who placed it; empty where the reason says it all.
        placed_by, lifted_by: a name of staff, or `system`; `lifted_by` is None while it stands.
    """

    id: str
    customer_id: str
    reason: HoldReason
    note: str
    placed_at: datetime
    placed_by: str
    lifted_at: datetime | None
    lifted_by: str | None


def place(
    session: Session, customer_id: str, reason: HoldReason, now: datetime, *, actor: str = audit.SYSTEM, note: str = ""
) -> str | None:
    """Place a hold; its id, or None when one of this reason stands already."""
    return session.scalar(
        insert(HoldRow)
        .values(id=new_id(Prefix.HOLD), customer_id=customer_id, reason=reason.value, placed_at=now, placed_by=actor, note=note)
        .on_conflict_do_nothing()
        .returning(HoldRow.id)
    )


def standing(session: Session, customer_id: str) -> dict[HoldReason, str]:
    """The ids of the holds that stand, by reason."""
    rows = session.scalars(select(HoldRow).where(HoldRow.customer_id == customer_id, HoldRow.lifted_at.is_(None)))
    return {HoldReason(row.reason): row.id for row in rows}


def reasons_of(session: Session, customer_ids: Collection[str]) -> dict[str, set[HoldReason]]:
    """Why these customers are held, by customer id; who is not held is not in it."""
    rows = session.execute(
        select(HoldRow.customer_id, HoldRow.reason).where(
            HoldRow.customer_id.in_(list(customer_ids)), HoldRow.lifted_at.is_(None)
        )
    )
    found: dict[str, set[HoldReason]] = {}
    for customer_id, reason in rows:
        found.setdefault(customer_id, set()).add(HoldReason(reason))
    return found


def get(session: Session, hold_id: str) -> Hold:
    """Raises: NotFoundError: the bound tenant has no such hold."""
    row = session.get(HoldRow, hold_id)
    if row is None:
        raise NotFoundError("hold", hold_id)
    return _hold(row)


def page(
    session: Session, customer_id: str, *, after: str | None = None, limit: int, only_standing: bool = False
) -> list[Hold]:
    """A customer's holds, lifted ones too unless told otherwise, newest first."""
    statement = select(HoldRow).where(HoldRow.customer_id == customer_id).order_by(HoldRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(HoldRow.id < after)
    if only_standing:
        statement = statement.where(HoldRow.lifted_at.is_(None))
    return [_hold(row) for row in session.scalars(statement)]


def lift(session: Session, hold_id: str, now: datetime, *, actor: str = audit.SYSTEM) -> None:
    """Lift a standing hold. A clock that a test moved may lie before the hold was placed: the later of the two counts."""
    row = session.get_one(HoldRow, hold_id)
    row.lifted_at, row.lifted_by = max(now, row.placed_at), actor
    session.flush()


def decide_step(session: Session, invoice_id: str, step: str, *, taken: bool, now: datetime) -> bool:
    """Record what became of a step; False when it was decided before (then that stays).

    Only what was pointless may still be taken: the invoice had been paid, and a reversal opened it again.
    """
    statement = insert(DunningStepRow).values(
        invoice_id=invoice_id, step=step, outcome="TAKEN" if taken else "POINTLESS", decided_at=now
    )
    decided = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["invoice_id", "step"],
            set_={"outcome": statement.excluded.outcome, "decided_at": statement.excluded.decided_at},
            where=(DunningStepRow.outcome == "POINTLESS") & (statement.excluded.outcome == "TAKEN"),
        ).returning(DunningStepRow.step)
    )
    return decided is not None


def steps(session: Session, invoice_id: str) -> list[tuple[str, str, datetime]]:
    """(step, outcome, decided at) of an invoice, in the order of time."""
    rows = session.scalars(
        select(DunningStepRow).where(DunningStepRow.invoice_id == invoice_id).order_by(DunningStepRow.decided_at)
    )
    return [(row.step, row.outcome, row.decided_at) for row in rows]


def _hold(row: HoldRow) -> Hold:
    return Hold(
        id=row.id,
        customer_id=row.customer_id,
        reason=HoldReason(row.reason),
        note=row.note,
        placed_at=row.placed_at,
        placed_by=row.placed_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
