"""Collecting: takes the steps of an invoice's ladder, suspends, and lets back in who has paid."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.suspension import suspend
from domain.dunning import Action, is_pointless
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.money import Money
from domain.standing import HoldReason, lifts_overdue_hold
from persistence import audit, customers, holds, invoices, messages
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.messages import Claim


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How an invoice stands, and the letter to send because of it.

    Attributes:
        message_id: the claimed letter; None when there is nothing to write.
        is_suspending: whether this invoice's ladder has reached suspension.
    """

    state: InvoiceState
    amount_due: Money
    is_suspending: bool
    message_id: str | None


class Collecting:
    """Chases what is late."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="collecting.take_step")
    @translated
    def take_step(self, request: StepRequest) -> Standing:
        """Take one step of the ladder, once, unless it has become pointless since it was planned (requirements L8)."""
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            detail = invoices.lock_one(session, request.invoice_id)
            pointless = is_pointless(detail.invoice.state)
            holds.decide_step(session, request.invoice_id, request.step, taken=not pointless, now=request.now)
            if pointless:
                # Paid between a first try, whose answer was lost, and this one: a suspension that the first placed ends here.
                look = LookRequest(request.tenant_id, request.invoice_id, request.customer_id, request.now)
                return _standing(detail, _reactivate(session, look))
            if request.action is Action.SUSPEND:
                invoices.mark_suspending(session, request.invoice_id, request.now)
                message_id = suspend(session, request.customer_id, request.invoice_id, request.now)
                return _standing(invoices.lock_one(session, request.invoice_id), message_id)
            return _standing(detail, _claim_letter(session, request))

    @activity.defn(name="collecting.look_again")
    @translated
    def look_again(self, request: LookRequest) -> Standing:
        """See how the invoice stands after money came in; lifts the suspension when nothing is left that suspends."""
        with self._database.tenant(request.tenant_id) as session:
            customers.lock(session, request.customer_id)
            detail = invoices.lock_one(session, request.invoice_id)
            return _standing(detail, _reactivate(session, request))


def _claim_letter(session: Session, request: StepRequest) -> str | None:
    letter = Claim(
        request.action.letter, "Invoice", request.invoice_id, request.step, request.customer_id, invoice_id=request.invoice_id
    )
    return messages.claim(session, letter, request.now)


def _reactivate(session: Session, request: LookRequest) -> str | None:
    standing = holds.standing(session, request.customer_id)
    hold_id = standing.get(HoldReason.OVERDUE)
    if hold_id is None or not lifts_overdue_hold(invoices.suspending_states(session, request.customer_id)):
        return _lost_reactivation_letter(session, request)
    holds.lift(session, hold_id, request.now)
    still_held = sorted(reason.value for reason in standing if reason is not HoldReason.OVERDUE)
    audit.record(
        session, request.now, audit.SYSTEM, "CUSTOMER_HOLD_LIFTED", "Customer", request.customer_id,
        hold_id=hold_id, invoice_id=request.invoice_id, still_held=still_held,
    )  # fmt: skip
    if still_held:
        # What staff placed by hand still suspends: there is nothing to confirm yet.
        return None
    letter = Claim(
        Letter.REACTIVATION_CONFIRMATION, "Customer", request.customer_id, hold_id, request.customer_id,
        invoice_id=request.invoice_id,
    )  # fmt: skip
    return messages.claim(session, letter, request.now)


def _lost_reactivation_letter(session: Session, request: LookRequest) -> str | None:
    """The letter that this look claimed in a run whose answer was lost: still queued, and this invoice's."""
    for message in messages.of_entity(session, "Customer", request.customer_id):
        if (
            message.letter is Letter.REACTIVATION_CONFIRMATION
            and message.invoice_id == request.invoice_id
            and message.status == "QUEUED"
        ):
            return message.id
    return None


def _standing(detail: InvoiceDetail, message_id: str | None) -> Standing:
    return Standing(detail.invoice.state, detail.invoice.amount_due, detail.suspended_at is not None, message_id)
