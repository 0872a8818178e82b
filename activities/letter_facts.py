"""The facts of a letter, read when it is sent, so that no letter tells an amount that has changed since it was claimed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from activities.chasing_facts import chasing_facts, still_asked_for
from activities.outstanding_link import link_for_all
from domain.calendar import local_day
from domain.customer import Customer, Tenant
from domain.errors import InvariantError
from domain.invoice import InvoiceState
from domain.letters import (
    Facts,
    InvoiceIssuedFacts,
    Letter,
    PaidPart,
    PaymentConfirmationFacts,
    PaymentFailedFacts,
    PaymentLinkFacts,
    ReactivationConfirmationFacts,
    SuspensionNoticeFacts,
)
from domain.money import Money, total
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus
from domain.standing import HoldReason
from persistence import chasing, customers, holds, invoices, link_details, payments, tenants
from persistence.invoices import InvoiceDetail
from persistence.link_details import LinkDetail
from persistence.messages import Message
from persistence.payments import Payment

# Makes the address of the page on which is paid from a payment link's code (an invoice's payment token is its own link's).
LinkMaker = Callable[[str], str]

_TOLD_WHILE = {Letter.PAYMENT_CONFIRMATION: PaymentStatus.SETTLED, Letter.PAYMENT_FAILED: PaymentStatus.FAILED}


def is_wanted(session: Session, message: Message, now: datetime) -> bool:
    """Whether a letter still makes sense at `now` (requirements L8).

    Nobody is chased for what is closed or set aside by now, nor sent an invoice that is void, nor told of a suspension that
    has ended, of a failure that turned out paid, of money that was recorded by mistake, of a link that takes no money, or of
    being back when another hold was placed.
    """
    if message.letter is Letter.SUSPENSION_NOTICE:
        return any(message.key.endswith(f"/{hold_id}") for hold_id in holds.standing(session, message.customer_id).values())
    if message.letter is Letter.REACTIVATION_CONFIRMATION:
        return not holds.standing(session, message.customer_id)
    if message.letter is Letter.PAYMENT_LINK:
        detail = link_details.get(session, message.entity_id)
        return detail.link.status_at(now) is LinkStatus.ACTIVE and bool(detail.asked)
    if message.letter in _TOLD_WHILE and message.payment_id is not None:
        return payments.get(session, message.payment_id).status is _TOLD_WHILE[message.letter]
    if message.letter is Letter.INVOICE_ISSUED and message.invoice_id is not None:
        return invoices.get(session, message.invoice_id).invoice.state is not InvoiceState.VOID
    return not message.letter.chases or message.invoice_id is None or bool(still_asked_for(session, message, now))


def _purpose(paid_by: LinkDetail | None) -> str | None:
    """What the link said that it is for; nothing where it said no more than the invoice does."""
    if paid_by is None or (paid_by.invoice_number and not paid_by.link.description):
        return None
    return paid_by.purpose


def letter_facts(session: Session, message: Message, links: LinkMaker, now: datetime) -> Facts:
    """What the letter tells, as of `now` (UTC)."""
    if message.letter.chases:
        return chasing_facts(session, message, links, now)
    known = _Known(session, message, links, now)
    if message.letter in {Letter.PAYMENT_CONFIRMATION, Letter.PAYMENT_FAILED}:
        return known.payment_letter()
    if message.letter in {Letter.SUSPENSION_NOTICE, Letter.REACTIVATION_CONFIRMATION}:
        return known.account_letter()
    if message.letter is Letter.PAYMENT_LINK:
        return known.link_letter()
    return known.issued_letter()


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be looked up about one message."""

    session: Session
    message: Message
    links: LinkMaker
    now: datetime

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

    def issued_letter(self) -> Facts:
        detail = self.detail()
        invoice = detail.invoice
        return InvoiceIssuedFacts(
            customer_name=self.customer.name,
            invoice_number=invoice.number,
            amount=invoice.amount_due,
            due_on=invoice.due_on,
            payment_link=self.links(detail.payment_token),
            total=invoice.total,
            paid_from_credit=invoices.paid_by(self.session, invoice, PaymentMethod.CREDIT),
        )

    def payment_letter(self) -> Facts:
        if self.message.payment_id is None:
            raise InvariantError(f"Letter {self.message.id} ({self.message.letter}) is about no payment.")
        payment = payments.get(self.session, self.message.payment_id)
        linked = self.detail() if self.message.invoice_id else None
        paid_by = link_details.get(self.session, payment.link_id) if payment.link_id else None
        if self.message.letter is Letter.PAYMENT_FAILED:
            return PaymentFailedFacts(
                customer_name=self.customer.name,
                reference=payment.id,
                amount=payment.amount,
                reason=payment.failure_reason or "The payment was not completed.",
                payment_link=self._try_again(linked, paid_by),
                invoice_number=linked.invoice.number if linked else None,
                purpose=_purpose(paid_by),
            )
        parts = self._parts(payment)
        number, still_due = (parts[0].invoice_number, parts[0].amount_still_due) if len(parts) == 1 else (None, None)
        if linked:
            number, still_due = linked.invoice.number, linked.invoice.amount_due
        return PaymentConfirmationFacts(
            customer_name=self.customer.name,
            reference=payment.id,
            amount=payment.amount,
            payment_on=self._received_on(payment),
            method_name=payment.method.human_name,
            invoice_number=number,
            amount_still_due=still_due,
            credit=payment.credited,
            purpose=_purpose(paid_by),
            parts=parts if len(parts) > 1 else (),
        )

    def _received_on(self, payment: Payment) -> date:
        """The day that staff say the money came, else that on which the gateway said so."""
        return payment.received_on or local_day(payment.settled_at or self.message.queued_at, self.tenant.time_zone)

    def _try_again(self, linked: InvoiceDetail | None, paid_by: LinkDetail | None) -> str:
        """The link that was tried, while it takes money; else the invoice's own, or the tried one's page, which says why."""
        if linked and (paid_by is None or paid_by.link.status is not LinkStatus.ACTIVE):
            return self.links(linked.payment_token)
        return self.links(paid_by.link.code) if paid_by else tenants.branding(self.session).portal_url

    def _parts(self, payment: Payment) -> tuple[PaidPart, ...]:
        """What the payment went to, oldest invoice first."""
        paid = [
            (invoices.get(self.session, invoice_id).invoice, amount)
            for invoice_id, amount in payments.allocations(self.session, payment.id)
        ]
        paid.sort(key=lambda part: (part[0].due_on, part[0].number))
        return tuple(PaidPart(invoice.number, amount, invoice.amount_due) for invoice, amount in paid)

    def link_letter(self) -> Facts:
        detail = link_details.get(self.session, self.message.entity_id)
        ends = detail.link.expires_at
        return PaymentLinkFacts(
            customer_name=detail.customer.name,
            description=detail.purpose,
            amount=detail.asked,
            payment_link=self.links(detail.link.code),
            expires_on=local_day(ends, self.tenant.time_zone) if ends else None,
        )

    def account_letter(self) -> Facts:
        if self.message.letter is Letter.REACTIVATION_CONFIRMATION:
            return ReactivationConfirmationFacts(customer_name=self.customer.name)
        branding = tenants.branding(self.session)
        hold = holds.get(self.session, self.message.key.rpartition("/")[2])
        # A hold of staff's is over no invoice: nothing is asked for by it.
        detail = self.detail() if hold.reason is HoldReason.OVERDUE else None
        return SuspensionNoticeFacts(
            customer_name=self.customer.name,
            reason=self._suspension_reason() if detail else hold.reason.in_words,
            contact_email=branding.contact_email,
            portal_link=branding.portal_url,
            amount_overdue=self._overdue(detail) if detail else None,
            payment_link=self._link_out_of_suspension(detail) if detail else None,
        )

    def _suspending(self) -> list[InvoiceDetail]:
        """What suspends the customer now, oldest first: all of it must be paid (or most, as the policy says)."""
        found = [
            detail
            for detail in invoices.suspending(self.session, self.message.customer_id)
            if chasing.set_aside_now(self.session, detail, self.now) is None
        ]
        return sorted(found, key=lambda detail: (detail.invoice.due_on, detail.invoice.number))

    def _suspension_reason(self) -> str:
        numbers = [detail.invoice.number for detail in self._suspending()]
        if len(numbers) > 1:
            return f"Invoices {', '.join(numbers[:-1])} and {numbers[-1]} are still unpaid after our final warning."
        return f"Invoice {numbers[0]} is still unpaid after our final warning." if numbers else HoldReason.OVERDUE.in_words

    def _link_out_of_suspension(self, detail: InvoiceDetail) -> str:
        """Where to pay what lets the customer back in: the one invoice, or all that is owed where several suspend."""
        suspending = self._suspending()
        if len(suspending) <= 1:
            return self.links((suspending or [detail])[0].payment_token)
        everything = link_for_all(self.session, self.message.customer_id, detail.invoice.total.currency, self.now)
        return self.links(everything.code)

    def _overdue(self, detail: InvoiceDetail) -> Money:
        """All that the customer owes and should have paid by the day the letter was decided, in the invoice's currency."""
        currency = detail.invoice.total.currency
        late = [
            found.invoice.amount_due
            for found in invoices.page(self.session, after=None, limit=1000, state="OPEN", customer_id=self.message.customer_id)
            if found.invoice.due_on < self.decided_on and found.invoice.amount_due.currency == currency
        ]
        return total(late, currency)
