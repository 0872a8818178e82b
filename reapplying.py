"""What an open invoice's plan becomes when another policy is applied to it: the same for the preview and for the staff move."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.customer import Tenant
from domain.dunning import PlannedStep, Progress
from domain.dunning_ladder import Action
from domain.dunning_policy import DunningPolicy
from domain.dunning_preview import PreviewedStep, preview_again
from domain.letters import Letter
from domain.sending_calendar import SendingCalendar
from persistence import dunning_plans, holds, letter_invoices, messages, moves, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Message
from public_holidays import sending_calendar, span


def plan_under(session: Session, detail: InvoiceDetail, policy: DunningPolicy, now: datetime) -> tuple[PlannedStep, ...]:
    """The next plan of an open invoice when `policy` is applied to it at `now` (UTC), under the due day that it has."""
    return tuple(found.step for found in preview_under(session, detail, policy, now) if not found.left_out)


def preview_under(session: Session, detail: InvoiceDetail, policy: DunningPolicy, now: datetime) -> tuple[PreviewedStep, ...]:
    """The same with the steps that are left out, and why."""
    due_on, since = detail.invoice.due_on, moves.due_day_since(session, detail)
    calendar = calendar_from(policy, tenants.current(session), due_on, now)
    progress = _progress(session, detail, since, now)
    return preview_again(policy, due_on, calendar, since, progress, round_=detail.plan_round + 1)


def warning_came_to_nothing(session: Session, detail: InvoiceDetail) -> bool:
    """Whether a final warning was decided and never sent, because the invoice was set aside before its letter went out."""
    since = moves.due_day_since(session, detail)
    warnings = [
        message
        for message in messages.of_invoice(session, detail.invoice.id)
        if message.letter is Letter.FINAL_WARNING and message.queued_at >= since
    ]
    return bool(warnings) and all(_came_to_nothing(session, message, detail) for message in warnings)


def _came_to_nothing(session: Session, message: Message, detail: InvoiceDetail) -> bool:
    """Cancelled, or a list that was written without this invoice."""
    if message.status == "CANCELLED" or message.entity_type == "Invoice":
        return message.status == "CANCELLED"
    return message.subject is not None and not letter_invoices.is_told(session, message.id, detail.invoice.id)


def calendar_from(policy: DunningPolicy, tenant: Tenant, due_on: date, now: datetime) -> SendingCalendar:
    """The calendar for a plan that may begin late: what was warned of today comes as far from today as the policy says."""
    first, last = span(policy, due_on)
    return sending_calendar(policy, tenant, first, max(last, local_day(now, tenant.time_zone) + (last - first)))


def _progress(session: Session, detail: InvoiceDetail, since: datetime, now: datetime) -> Progress:
    taken = [
        (key, dunning_plans.action_of(key), at)
        for key, outcome, at in holds.steps(session, detail.invoice.id)
        if outcome == "TAKEN" and at >= since
    ]
    if detail.suspended_at is None:
        # A suspension that was taken back, and may come again.
        taken = [step for step in taken if step[1] is not Action.SUSPEND]
    if warning_came_to_nothing(session, detail):
        taken = [step for step in taken if step[1] is not Action.FINAL_WARNING]
    progress = Progress(now=now, suspended_at=detail.suspended_at)
    if not taken:
        return progress
    last_key, _, last_at = taken[-1]
    warnings = [at for _, action, at in taken if action is Action.FINAL_WARNING]
    last_day = local_day(last_at, tenants.current(session).time_zone)
    named = [step.nominal_on for step in dunning_plans.of(session, detail) if step.key == last_key and step.nominal_on]
    return replace(
        progress,
        highest=max((action for _, action, _ in taken), key=lambda action: action.severity),
        warned_at=warnings[-1] if warnings else None,
        spoken_until=max([last_day, *named]),
    )
