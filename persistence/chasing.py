"""What sets invoices aside and moves their plans: pauses, disputes, blocks of a customer, and new due days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.chasing import Block, SetAside, set_aside
from domain.customer_moves import MovableCustomer
from domain.dunning import PlannedStep
from domain.ids import Prefix
from persistence import dunning_plans, holds, tenants
from persistence.columns import new_id
from persistence.dunning_policies import StoredPolicy
from persistence.invoices import InvoiceDetail
from persistence.models import ChasingBlockRow, InvoiceRow


@dataclass(frozen=True, slots=True)
class StandingBlock:
    """A customer's block that was not lifted, as people are shown it; its last local day, `until`, may be over."""

    id: str
    until: date | None
    note: str
    placed_at: datetime
    placed_by: str

    def stands_on(self, today: date) -> bool:
        return Block(self.until).stands_on(today)


def set_aside_now(session: Session, detail: InvoiceDetail, now: datetime) -> SetAside | None:
    """Why an open invoice is not chased at `now`; None when it is."""
    return set_aside(
        is_disputed=detail.disputed_at is not None,
        paused_until=detail.paused_until,
        block=standing_block(session, detail.invoice.customer_id),
        today=local_day(now, tenants.current(session).time_zone),
    )


def over_but_not_ended(session: Session, detail: InvoiceDetail) -> SetAside | None:
    """What set an open invoice aside until a day that is over, where nobody has had it chased again yet.

    Between midnight and the policy's hour it is neither set aside nor back where it was.
    """
    block = standing_block(session, detail.invoice.customer_id)
    ends = [day for day in (detail.paused_until, block.until if block else None) if day is not None]
    return SetAside(f"was set aside until {max(ends)}", max(ends)) if ends else None


def pause(session: Session, invoice_id: str, until: date | None) -> None:
    """Pause an invoice up to and including a local day; None ends the pause."""
    session.execute(update(InvoiceRow).where(InvoiceRow.id == invoice_id).values(paused_until=until))


def mark_disputed(session: Session, invoice_id: str, since: datetime | None) -> None:
    """Note that an invoice is disputed since then; None: that is resolved."""
    session.execute(update(InvoiceRow).where(InvoiceRow.id == invoice_id).values(disputed_at=since))


def replan(
    session: Session,
    invoice_id: str,
    *,
    plan: Sequence[PlannedStep],
    round_: int,
    due_on: date | None = None,
    policy: StoredPolicy | None = None,
) -> None:
    """Give an invoice its next plan, with a new due day or another policy where that is why."""
    values: dict[str, object] = {"dunning_plan": dunning_plans.to_data(plan), "dunning_round": round_}
    if due_on is not None:
        values["due_on"] = due_on
    if policy is not None:
        values |= {"dunning_policy": policy.in_force.to_data(), "dunning_policy_id": policy.id}
    session.execute(update(InvoiceRow).where(InvoiceRow.id == invoice_id).values(**values))


def stop_suspending(session: Session, invoice_ids: Sequence[str]) -> None:
    """Let open invoices suspend nobody any more, until their ladder reaches suspension again."""
    session.execute(update(InvoiceRow).where(InvoiceRow.id.in_(list(invoice_ids))).values(suspended_at=None))


def block(session: Session, customer_id: str, *, until: date | None, note: str, actor: str, now: datetime) -> str | None:
    """Block all chasing of a customer; the block's id, or None when one stands already."""
    return session.scalar(
        insert(ChasingBlockRow)
        .values(
            id=new_id(Prefix.CHASING_BLOCK),
            customer_id=customer_id,
            until=until,
            note=note,
            placed_at=now,
            placed_by=actor,
        )
        .on_conflict_do_nothing()
        .returning(ChasingBlockRow.id)
    )


def standing_block(session: Session, customer_id: str) -> Block | None:
    """The block of a customer that was not lifted; its last day may be over."""
    row = _standing_block(session, customer_id)
    return Block(row.until) if row else None


def shown_block(session: Session, customer_id: str) -> StandingBlock | None:
    """The same with who blocked, when and why."""
    row = _standing_block(session, customer_id)
    return StandingBlock(row.id, row.until, row.note, row.placed_at, row.placed_by) if row else None


def movable(session: Session, customer_id: str) -> MovableCustomer:
    """What a staff move on this customer is checked against."""
    return MovableCustomer(customer_id, holds.standing(session, customer_id), standing_block(session, customer_id))


def lift_block(session: Session, customer_id: str, actor: str, now: datetime) -> str | None:
    """Lift a customer's block; its id, or None when there is none."""
    row = _standing_block(session, customer_id)
    if row is None:
        return None
    row.lifted_at, row.lifted_by = max(now, row.placed_at), actor
    session.flush()
    return row.id


def _standing_block(session: Session, customer_id: str) -> ChasingBlockRow | None:
    return session.scalars(
        select(ChasingBlockRow).where(ChasingBlockRow.customer_id == customer_id, ChasingBlockRow.lifted_at.is_(None))
    ).one_or_none()
