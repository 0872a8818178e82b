"""How an invoice stands, as its lifecycle is told after every deed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from activities.lifecycles import Waiting
from domain.calendar import local_day
from domain.dunning import PlannedStep
from domain.invoice import InvoiceState
from domain.money import Money
from persistence import chasing, dunning_plans, tenants
from persistence.invoices import InvoiceDetail
from public_holidays import sending_calendar


@dataclass(frozen=True, slots=True)
class Standing:
    """How an invoice stands, and the letters to send because of it.

    Attributes:
        message_id: the claimed letter; None when there is nothing to write.
        is_suspending: whether this invoice's ladder has reached suspension.
        was_taken: False when a step was asked for and could not be taken yet; `waiting` or `not_before` says why.
        not_before: the instant (UTC) before which the next step may not be taken: quiet hours, a holiday, one letter a day.
        waiting: why the invoice is not chased; None when it is.
        due_on: the due day (ISO 8601), which may have moved.
        plan: the invoice's plan where it may be another than the lifecycle knows; None: the same.
        longest_pause_days: by the invoice's policy; None in answers from before that was told.
        more_message_ids: letters that the invoice brought about before it was closed, and that nobody has sent yet.
    """

    state: InvoiceState
    amount_due: Money
    is_suspending: bool
    message_id: str | None
    was_taken: bool = True
    not_before: datetime | None = None
    waiting: Waiting | None = None
    is_disputed: bool = False
    paused_until: date | None = None
    due_on: str | None = None
    plan: tuple[PlannedStep, ...] | None = None
    longest_pause_days: int | None = None
    more_message_ids: tuple[str, ...] = ()


def read_standing(
    session: Session,
    detail: InvoiceDetail,
    now: datetime,
    message_id: str | None = None,
    *,
    was_taken: bool = True,
    not_before: datetime | None = None,
    tells_plan: bool = False,
) -> Standing:
    """How an invoice stands at `now` (UTC), with what its lifecycle waits for."""
    return Standing(
        state=detail.invoice.state,
        amount_due=detail.invoice.amount_due,
        is_suspending=detail.suspended_at is not None,
        message_id=message_id,
        was_taken=was_taken,
        not_before=not_before,
        waiting=None if detail.invoice.state.is_closed else _waiting(session, detail, now),
        is_disputed=detail.disputed_at is not None,
        paused_until=detail.paused_until,
        due_on=detail.invoice.due_on.isoformat(),
        plan=dunning_plans.of(session, detail) if tells_plan else None,
        longest_pause_days=detail.policy.longest_pause_days,
    )


def _waiting(session: Session, detail: InvoiceDetail, now: datetime) -> Waiting | None:
    found = chasing.set_aside_now(session, detail, now) or chasing.over_but_not_ended(session, detail)
    if found is None:
        return None
    return Waiting(found.why, _chased_again_at(session, detail, found.until) if found.until else None)


def _chased_again_at(session: Session, detail: InvoiceDetail, last_day: date) -> datetime:
    """The policy's hour on the first day after `last_day` on which people are written to: all of that day was promised."""
    tenant = tenants.current(session)
    calendar = sending_calendar(detail.policy, tenant, last_day, last_day)
    return calendar.at(calendar.open_day_from(last_day + timedelta(days=1)), detail.policy.send_at)


def today_of(session: Session, now: datetime) -> date:
    """The local day of the bound tenant at `now`."""
    return local_day(now, tenants.current(session).time_zone)
