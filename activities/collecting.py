"""Collecting: takes the steps of an invoice's ladder, suspends, and lets back in who has paid."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.clock import present
from activities.closing import write_off
from activities.failures import translated
from activities.lifecycles import is_ours
from activities.replanning import warn_anew
from activities.standing import Standing, read_standing
from activities.step_letters import claim_step_letter, postponed_until, unsent_step_letter
from activities.suspension import letter_of_standing_hold, reactivate, suspend, unsent_reactivation
from domain.calendar import local_day
from domain.dunning import PlannedStep, is_pointless
from domain.dunning_ladder import Action
from persistence import audit, chasing, customers, dunning_plans, holds, invoices, messages, tenants
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from public_holidays import sending_calendar


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step whose time has come; `customer_id` is locked first, so the caller hands it in."""

    tenant_id: str
    invoice_id: str
    customer_id: str
    step: str
    action: Action
    now: datetime


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A look at how an invoice stands now."""

    tenant_id: str
    invoice_id: str
    customer_id: str
    now: datetime


class Collecting:
    """Chases what is late."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="collecting.take_step")
    @translated
    def take_step(self, request: StepRequest) -> Standing:
        """Take one step of the ladder, once, if it still makes sense and may be taken now (requirements L8).

        Nothing is taken while the invoice is set aside, in quiet hours, or when the customer had this kind of letter today
        already: the answer says what is waited for.
        """
        now = present(request.now)
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            detail = invoices.lock_one(session, request.invoice_id)
            if is_pointless(detail.invoice.state):
                holds.decide_step(session, request.invoice_id, request.step, taken=False, now=now)
                # Paid between a first try, whose answer was lost, and this one: a suspension that the first placed ends here,
                # and a letter that it claimed for other invoices too is still sent.
                return replace(_after_look(session, detail, now), more_message_ids=_unsent(session, detail))
            step = _planned(session, detail, request.step)
            if step is None:
                # Another plan was made while this was on its way.
                unsent = unsent_step_letter(session, request.invoice_id)
                return read_standing(session, detail, now, unsent, was_taken=False, tells_plan=True)
            if is_taken(session, request.invoice_id, request.step):
                # The answer to an earlier try was lost: it is given again, whatever the hour; nothing is done a second time.
                return read_standing(session, detail, now, _letter_again(session, detail, step, now))
            waiting = _why_not_now(session, detail, step, now)
            if waiting is not None:
                return waiting
            holds.decide_step(session, request.invoice_id, request.step, taken=True, now=now)
            message_id = _take(session, detail, step, now)
            return read_standing(session, invoices.lock_one(session, request.invoice_id), now, message_id)

    @activity.defn(name="collecting.look_again")
    @translated
    def look_again(self, request: LookRequest) -> Standing:
        """See how the invoice stands after something happened; lifts the suspension when nothing is left that suspends."""
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            return _after_look(session, invoices.lock_one(session, request.invoice_id), request.now)

    @activity.defn(name="collecting.resume")
    @translated
    def resume(self, request: LookRequest) -> Standing:
        """End what set the invoice aside, where its time is over: it is chased again, and suspends again if it did before."""
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            detail = invoices.lock_one(session, request.invoice_id)
            _end_what_is_over(session, detail, request.now)
            detail = invoices.lock_one(session, request.invoice_id)
            is_chased = chasing.set_aside_now(session, detail, request.now) is None
            if detail.invoice.state.is_closed:
                # Closed after a first try, whose answer was lost.
                return replace(_after_look(session, detail, request.now), more_message_ids=_unsent(session, detail))
            message_id = None
            if is_chased and detail.suspended_at is not None:
                message_id = suspend(session, request.customer_id, request.invoice_id, request.now)
            elif is_chased:
                warn_anew(session, detail, request.now)
            detail = invoices.lock_one(session, request.invoice_id)
            return read_standing(session, detail, request.now, message_id, tells_plan=True)


def _after_look(session: Session, detail: InvoiceDetail, now: datetime) -> Standing:
    customer_id, invoice_id = detail.invoice.customer_id, detail.invoice.id
    letter = reactivate(session, customer_id, now, invoice_id=invoice_id)
    letter = letter or unsent_reactivation(session, customer_id, invoice_id=invoice_id)
    # Another plan than the first may have been made without this lifecycle: when chasing of its customer was resumed.
    return read_standing(session, detail, now, letter, tells_plan=detail.plan_round > 1)


def _planned(session: Session, detail: InvoiceDetail, key: str) -> PlannedStep | None:
    return next((step for step in dunning_plans.of(session, detail) if step.key == key), None)


def _why_not_now(session: Session, detail: InvoiceDetail, step: PlannedStep, now: datetime) -> Standing | None:
    """How the invoice stands when the step may not be taken now; None when it may."""
    if chasing.set_aside_now(session, detail, now) is not None:
        return read_standing(session, detail, now, was_taken=False)
    tenant = tenants.current(session)
    today = local_day(now, tenant.time_zone)
    calendar = sending_calendar(detail.policy, tenant, today, today)
    earliest = calendar.next_open(now)
    if earliest == now:
        earliest = postponed_until(session, detail, step, calendar, now) or now
    return None if earliest == now else read_standing(session, detail, now, was_taken=False, not_before=earliest)


def is_taken(session: Session, invoice_id: str, key: str) -> bool:
    return any(step == key and outcome == "TAKEN" for step, outcome, _ in holds.steps(session, invoice_id))


def _take(session: Session, detail: InvoiceDetail, step: PlannedStep, now: datetime) -> str | None:
    """Do what the step says; the id of the letter to send because of it."""
    match step.action:
        case Action.SUSPEND:
            invoices.mark_suspending(session, detail.invoice.id, now)
            return suspend(session, detail.invoice.customer_id, detail.invoice.id, now, tells_customer=step.letter is not None)
        case Action.WRITE_OFF:
            return write_off(session, detail, audit.SYSTEM, now, reason=f"by the policy's step {step.key}")
        case _:
            return claim_step_letter(session, detail, step, now)


def _letter_again(session: Session, detail: InvoiceDetail, step: PlannedStep, now: datetime) -> str | None:
    """The letter of a step that was taken before its answer was lost."""
    if step.action is Action.SUSPEND:
        return letter_of_standing_hold(session, detail.invoice.customer_id, detail.invoice.id)
    return claim_step_letter(session, detail, step, now)


def _unsent(session: Session, detail: InvoiceDetail) -> tuple[str, ...]:
    """The letters that wait although their invoice is closed: others may be listed in them, or be told of a suspension."""
    found = messages.of_invoice(session, detail.invoice.id)
    return tuple(message.id for message in found if is_ours(message, detail.invoice.id))


def _end_what_is_over(session: Session, detail: InvoiceDetail, now: datetime) -> None:
    today = local_day(now, tenants.current(session).time_zone)
    if detail.paused_until is not None and detail.paused_until < today:
        chasing.pause(session, detail.invoice.id, None)
        audit.record(
            session, now, audit.SYSTEM, "INVOICE_PAUSE_ENDED", "Invoice", detail.invoice.id,
            paused_until=detail.paused_until.isoformat(),
        )  # fmt: skip
    block = chasing.standing_block(session, detail.invoice.customer_id)
    if block is not None and not block.stands_on(today):
        block_id = chasing.lift_block(session, detail.invoice.customer_id, audit.SYSTEM, now)
        audit.record(
            session, now, audit.SYSTEM, "CUSTOMER_CHASING_RESUMED", "Customer", detail.invoice.customer_id, block_id=block_id
        )
