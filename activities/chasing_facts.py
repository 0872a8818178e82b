"""The facts of reminders, overdue notices and final warnings: of one invoice, or of all that such a letter lists."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from activities.outstanding_link import link_for_all
from domain.calendar import local_day
from domain.dunning import TakenStep, next_step
from domain.dunning_ladder import Action
from domain.errors import InvariantError
from domain.invoice import InvoiceState
from domain.letters import FinalWarningFacts, Letter, OverdueNoticeFacts, PaymentReminderFacts
from domain.listed_invoice import ListedInvoice
from domain.money import Money, total
from persistence import chasing, customers, dunning_plans, holds, invoices, letter_invoices, link_details, moves, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Message
from public_holidays import sending_calendar

# The facts of such a letter.
ChasingFacts = PaymentReminderFacts | OverdueNoticeFacts | FinalWarningFacts


def is_list(message: Message) -> bool:
    """Whether a letter tells a customer of late invoices, however many, and not of the one that it is about."""
    return message.letter.chases and message.entity_type == "Customer"


def still_asked_for(session: Session, message: Message, now: datetime) -> list[InvoiceDetail]:
    """The invoices that a letter asks for at `now`, by due day and number.

    What a letter lists and was paid, closed, set aside or extended since is left out; it was not when the letter was claimed.

    Raises:
        InvariantError: the letter is about no invoice.
    """
    if message.invoice_id is None:
        raise InvariantError(f"Letter {message.id} ({message.letter}) is about no invoice.")
    ids = letter_invoices.of_message(session, message.id) if is_list(message) else [message.invoice_id]
    found = [detail for detail in (invoices.get(session, each) for each in ids) if detail.invoice.state is InvoiceState.OPEN]
    found = [detail for detail in found if chasing.set_aside_now(session, detail, now) is None]
    found = [detail for detail in found if not moves.was_extended_since(session, detail.invoice.id, message.queued_at)]
    return sorted(found, key=lambda detail: (detail.invoice.due_on, detail.invoice.number))


def chasing_facts(session: Session, message: Message, links: Callable[[str], str], now: datetime) -> ChasingFacts:
    """What the letter tells, as of `now`.

    Raises:
        InvariantError: nothing is left that it could ask for.
    """
    asked_for = still_asked_for(session, message, now)
    if not asked_for:
        raise InvariantError(f"Letter {message.id} ({message.letter}) asks for nothing any more.")
    return _Asking(session, message, links, now, asked_for).facts()


@dataclass(frozen=True, slots=True)
class _Asking:
    """A letter, and the invoices that it asks for, at least one."""

    session: Session
    message: Message
    links: Callable[[str], str]
    now: datetime
    asked_for: list[InvoiceDetail]

    def facts(self) -> ChasingFacts:
        first = self.asked_for[0]
        days_late = self._days_overdue(first)
        match self.message.letter:
            case Letter.PAYMENT_REMINDER:
                return PaymentReminderFacts(**self._common(first), days_until_due=max(-days_late, 0))
            case Letter.OVERDUE_NOTICE:
                day = self._suspends_on()
                return OverdueNoticeFacts(
                    **self._common(first),
                    days_overdue=max(days_late, 0),
                    warns_of_suspension=day is not None,
                    suspends_on=day,
                )
            case _:
                return FinalWarningFacts(**self._common(first), days_overdue=max(days_late, 0), suspends_on=self._suspends_on())

    def _common(self, first: InvoiceDetail) -> dict[str, Any]:
        """What each of these letters tells; of several invoices the list, and one link for all that is owed."""
        invoice = first.invoice
        told: dict[str, Any] = {
            "customer_name": customers.get(self.session, self.message.customer_id).name,
            "invoice_number": invoice.number,
            "amount": invoice.amount_due,
            "due_on": invoice.due_on,
            "payment_link": self.links(first.payment_token),
        }
        if len(self.asked_for) == 1:
            return told
        currency = invoice.amount_due.currency
        amount = total([detail.invoice.amount_due for detail in self.asked_for], currency)
        # The one that was made with the letter may have been paid by, or ended, since.
        link = link_for_all(self.session, invoice.customer_id, currency, self.now)
        return told | {
            "amount": amount,
            "payment_link": self.links(link.code),
            "invoices": tuple(self._line(detail) for detail in self.asked_for),
            "outstanding": self._outstanding(amount),
        }

    def _line(self, detail: InvoiceDetail) -> ListedInvoice:
        return ListedInvoice(
            invoice_number=detail.invoice.number,
            amount=detail.invoice.amount_due,
            due_on=detail.invoice.due_on,
            days_overdue=self._days_overdue(detail),
            invoice_link=self.links(detail.payment_token),
        )

    def _outstanding(self, amount: Money) -> Money | None:
        owed = link_details.outstanding(self.session, self.message.customer_id, amount.currency)
        return owed if owed > amount else None

    @property
    def _decided_on(self) -> date:
        """The local day on which the letter was decided: what its days are counted from."""
        return local_day(self.message.queued_at, self._zone)

    @property
    def _zone(self) -> str:
        return tenants.current(self.session).time_zone

    def _days_overdue(self, detail: InvoiceDetail) -> int:
        return (self._decided_on - detail.invoice.due_on).days

    def _suspends_on(self) -> date | None:
        """The earliest local day on which one of these invoices suspends the customer; None when none will."""
        days = [self._suspension_by(detail) for detail in self.asked_for]
        return min((day for day in days if day is not None and day >= self._decided_on), default=None)

    def _suspension_by(self, detail: InvoiceDetail) -> date | None:
        """The local day on which an invoice suspends: the plan's, or later where its final warning was, or is now, late."""
        plan = dunning_plans.of(self.session, detail)
        suspension = next((step for step in plan if step.action is Action.SUSPEND), None)
        if suspension is None:
            return None
        taken = {key: at for key, outcome, at in holds.steps(self.session, detail.invoice.id) if outcome == "TAKEN"}
        warnings = tuple(
            step
            for step in plan
            if step.action is Action.FINAL_WARNING and (step.key in taken or local_day(step.at, self._zone) <= self._decided_on)
        )
        given = tuple(TakenStep(step.key, taken.get(step.key, self.message.queued_at)) for step in warnings)
        expected = next_step((*warnings, suspension), given, self.message.queued_at) or suspension
        day = local_day(expected.at, self._zone)
        calendar = sending_calendar(detail.policy, tenants.current(self.session), day, day)
        return local_day(calendar.next_open(expected.at), self._zone)
