"""The facts of a letter, read when it is sent, so that no letter tells an amount that has changed since it was claimed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.customer import Customer, Tenant
from domain.dunning import Action, plan_steps
from domain.errors import InvariantError
from domain.invoice import InvoiceState
from domain.letters import (
    Facts,
    FinalWarningFacts,
    InvoiceIssuedFacts,
    Letter,
    OverdueNoticeFacts,
    PaymentConfirmationFacts,
    PaymentFailedFacts,
    PaymentReminderFacts,
    ReactivationConfirmationFacts,
    SuspensionNoticeFacts,
)
from domain.money import Money, total
from domain.payment import PaymentStatus
from persistence import customers, holds, invoices, payments, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Message

# Makes the address of the page on which an invoice is paid from its payment token.
LinkMaker = Callable[[str], str]

_CHASING = {Letter.PAYMENT_REMINDER, Letter.OVERDUE_NOTICE, Letter.FINAL_WARNING}


def is_wanted(session: Session, message: Message) -> bool:
    """Whether a letter still makes sense (requirements L8).

    Nobody is chased for what is closed by now, nor told of a suspension that has ended, of a failure that turned out paid, or
    of being back when another hold was placed.
    """
    if message.letter is Letter.SUSPENSION_NOTICE:
        return any(message.key.endswith(f"/{hold_id}") for hold_id in holds.standing(session, message.customer_id).values())
    if message.letter is Letter.REACTIVATION_CONFIRMATION:
        return not holds.standing(session, message.customer_id)
    if message.letter is Letter.PAYMENT_FAILED and message.payment_id is not None:
        return payments.get(session, message.payment_id).status is not PaymentStatus.SETTLED
    if message.letter not in _CHASING or message.invoice_id is None:
        return True
    return invoices.get(session, message.invoice_id).invoice.state is InvoiceState.OPEN


def _suspension_reason(detail: InvoiceDetail) -> str:
    """The invoice that brought it about, unless it was paid meanwhile and others still suspend."""
    if detail.invoice.state.is_closed:
        return "Other invoices are still unpaid after our final warning."
    return f"Invoice {detail.invoice.number} is still unpaid after our final warning."


def letter_facts(session: Session, message: Message, links: LinkMaker) -> Facts:
    """What the letter tells, as of now."""
    known = _Known(session, message, links)
    if message.letter in {Letter.PAYMENT_CONFIRMATION, Letter.PAYMENT_FAILED}:
        return known.payment_letter()
    if message.letter in {Letter.SUSPENSION_NOTICE, Letter.REACTIVATION_CONFIRMATION}:
        return known.account_letter()
    return known.invoice_letter()


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be looked up about one message."""

    session: Session
    message: Message
    links: LinkMaker

    @property
    def tenant(self) -> Tenant:
        return tenants.current(self.session)

    @property
    def customer(self) -> Customer:
        return customers.get(self.session, self.message.customer_id)

    @property
    def decided_on(self) -> date:
        """The local day on which the letter was decided: what its days are counted from."""
        return local_day(self.message.queued_at, self.tenant.time_zone)

    def detail(self) -> InvoiceDetail:
        if self.message.invoice_id is None:
            raise InvariantError(f"Letter {self.message.id} ({self.message.letter}) is about no invoice.")
        return invoices.get(self.session, self.message.invoice_id)

    def invoice_letter(self) -> Facts:
        detail = self.detail()
        invoice = detail.invoice
        link = self.links(detail.payment_token)
        name, days_late = self.customer.name, max((self.decided_on - invoice.due_on).days, 0)
        match self.message.letter:
            case Letter.INVOICE_ISSUED:
                return InvoiceIssuedFacts(
                    customer_name=name,
                    invoice_number=invoice.number,
                    amount=invoice.total,
                    due_on=invoice.due_on,
                    payment_link=link,
                )
            case Letter.PAYMENT_REMINDER:
                return PaymentReminderFacts(
                    customer_name=name,
                    invoice_number=invoice.number,
                    amount=invoice.amount_due,
                    due_on=invoice.due_on,
                    payment_link=link,
                    days_until_due=max((invoice.due_on - self.decided_on).days, 0),
                )
            case Letter.OVERDUE_NOTICE:
                return OverdueNoticeFacts(
                    customer_name=name,
                    invoice_number=invoice.number,
                    amount=invoice.amount_due,
                    due_on=invoice.due_on,
                    payment_link=link,
                    days_overdue=days_late,
                    warns_of_suspension=self._suspends_on(detail) is not None,
                    suspends_on=self._suspends_on(detail),
                )
            case _:
                return FinalWarningFacts(
                    customer_name=name,
                    invoice_number=invoice.number,
                    amount=invoice.amount_due,
                    due_on=invoice.due_on,
                    payment_link=link,
                    days_overdue=days_late,
                    suspends_on=self._suspends_on(detail),
                )

    def payment_letter(self) -> Facts:
        if self.message.payment_id is None:
            raise InvariantError(f"Letter {self.message.id} ({self.message.letter}) is about no payment.")
        payment = payments.get(self.session, self.message.payment_id)
        linked = self.detail() if self.message.invoice_id else None
        number = linked.invoice.number if linked else None
        if self.message.letter is Letter.PAYMENT_FAILED:
            return PaymentFailedFacts(
                customer_name=self.customer.name,
                reference=payment.id,
                amount=payment.amount,
                reason=payment.failure_reason or "The payment was not completed.",
                payment_link=self.links(linked.payment_token) if linked else tenants.branding(self.session).portal_url,
                invoice_number=number,
            )
        return PaymentConfirmationFacts(
            customer_name=self.customer.name,
            reference=payment.id,
            amount=payment.amount,
            payment_on=local_day(payment.settled_at or self.message.queued_at, self.tenant.time_zone),
            method_name=payment.method.human_name,
            invoice_number=number,
            amount_still_due=linked.invoice.amount_due if linked else None,
            credit=payment.credited,
        )

    def account_letter(self) -> Facts:
        if self.message.letter is Letter.REACTIVATION_CONFIRMATION:
            return ReactivationConfirmationFacts(customer_name=self.customer.name)
        detail = self.detail()
        branding = tenants.branding(self.session)
        return SuspensionNoticeFacts(
            customer_name=self.customer.name,
            reason=_suspension_reason(detail),
            contact_email=branding.contact_email,
            portal_link=branding.portal_url,
            amount_overdue=self._overdue(detail),
            payment_link=self.links(detail.payment_token),
        )

    def _overdue(self, detail: InvoiceDetail) -> Money:
        """All that the customer owes and should have paid by the day the letter was decided, in the invoice's currency."""
        currency = detail.invoice.total.currency
        late = [
            found.invoice.amount_due
            for found in invoices.page(self.session, after=None, limit=1000, state="OPEN", customer_id=self.message.customer_id)
            if found.invoice.due_on < self.decided_on and found.invoice.amount_due.currency == currency
        ]
        return total(late, currency)

    def _suspends_on(self, detail: InvoiceDetail) -> date | None:
        zone = self.tenant.time_zone
        plan = plan_steps(detail.policy, detail.invoice.due_on, zone, detail.issued_at)
        days = [local_day(step.at, zone) for step in plan if step.action is Action.SUSPEND]
        return days[0] if days else None
