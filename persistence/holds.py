"""Holds and dunning steps: what suspends a customer, and which rungs of an invoice's ladder were decided."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ids import Prefix
from domain.standing import HoldReason
from persistence.columns import new_id
from persistence.models import DunningStepRow, HoldRow


def place(session: Session, customer_id: str, reason: HoldReason, now: datetime) -> str | None:
    """Place a hold; its id, or None when one of this reason stands already."""
    return session.scalar(
        insert(HoldRow)
        .values(id=new_id(Prefix.HOLD), customer_id=customer_id, reason=reason.value, placed_at=now)
        .on_conflict_do_nothing()
        .returning(HoldRow.id)
    )


def standing(session: Session, customer_id: str) -> dict[HoldReason, str]:
    """The ids of the holds that stand, by reason."""
    rows = session.scalars(select(HoldRow).where(HoldRow.customer_id == customer_id, HoldRow.lifted_at.is_(None)))
    return {HoldReason(row.reason): row.id for row in rows}


def lift(session: Session, hold_id: str, now: datetime) -> None:
    """Lift a standing hold. A clock that a test moved may lie before the hold was placed: the later of the two counts."""
    row = session.get_one(HoldRow, hold_id)
    row.lifted_at = max(now, row.placed_at)
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
