"""A business in Harare, a customer, and what happens between them: each deed done as the house does it, at its hour."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from activities import settlement
from activities.collecting import Collecting, LookRequest, StepRequest
from activities.customer_moving import CustomerMoveRequest, CustomerMoving
from activities.moving import MoveRequest, Moving
from domain.customer import Customer, Tenant
from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.dunning_policy import default_policy
from domain.happenings import Event
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.letters import Letter
from domain.moves import Move, MoveKind
from domain.payment import Outcome, PaymentMethod
from domain.payment_link import LinkType, PaymentLink
from domain.standing import HoldReason
from domain.timeline import Position
from persistence import audit, customer_moves, dunning_plans, invoices, links, messages, moves, timeline
from persistence.columns import new_id
from persistence.database import Database
from persistence.messages import Claim, Message
from persistence.payments import Payment
from persistence.timeline_rows import About
from tests import factories
from tests.factories import usd
from tests.reversals import reverse_payment

RUDO = "Rudo"
HARARE = timedelta(hours=2)
LONG_AFTER = datetime(2027, 12, 31, tzinfo=UTC)


def at(text: str) -> datetime:
    """`2026-08-07 09:00` by the clocks of Harare, which are never changed."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - HARARE


@dataclass
class Story:
    """One business with the default policy, or `policy`, and one customer."""

    database: Database
    tenant: Tenant
    customer: Customer
    reason: str = "Mr Moyo rang."

    @classmethod
    def of(cls, database: Database, *, email: str | None = "accounts@acacia.example", **policy: object) -> "Story":
        tenant = factories.make_tenant(database, dunning_policy={**default_policy().to_data(), **policy})
        return cls(database, tenant, factories.make_customer(database, tenant, email=email))

    def issue(self, when: str, *, amount: str = "100", due_in_days: int = 14) -> Invoice:
        return factories.issue_invoice(
            self.database, self.tenant, self.customer, amount=usd(amount), issued_at=at(when), due_in_days=due_in_days
        )

    def take(self, when: str, invoice: Invoice, key: str) -> None:
        """Have a step of the plan taken, if it may be."""
        request = StepRequest(self.tenant.id, invoice.id, self.customer.id, key, dunning_plans.action_of(key), at(when))
        Collecting(self.database).take_step(request)

    def resume(self, when: str, invoice: Invoice) -> None:
        """What the lifecycle does when a pause is over."""
        Collecting(self.database).resume(LookRequest(self.tenant.id, invoice.id, self.customer.id, at(when)))

    def claim(self, when: str, letter: Letter, invoice: Invoice, step: str) -> None:
        with self.database.tenant(self.tenant.id) as session:
            messages.claim(session, Claim(letter, "Invoice", invoice.id, step, self.customer.id, invoice.id), at(when))

    def send_all(self, when: str) -> None:
        """Have the mail server take whatever is queued."""
        with self.database.tenant(self.tenant.id) as session:
            for message in messages.page(session, after=None, limit=200, status="QUEUED"):
                messages.mark_sent(session, message.id, message.letter.value, at(when))

    def last_letter(self) -> Message:
        with self.database.tenant(self.tenant.id) as session:
            return messages.page(session, after=None, limit=1)[0]

    def move(self, when: str, invoice: Invoice, kind: MoveKind, day: date | None = None) -> None:
        move = Move(new_id(Prefix.STAFF_MOVE), kind, day)
        with self.database.tenant(self.tenant.id) as session:
            moves.request(
                session, move, invoice_id=invoice.id, customer_id=self.customer.id, reason=self.reason, actor=RUDO, now=at(when)
            )
        Moving(self.database).make(MoveRequest(self.tenant.id, invoice.id, self.customer.id, move, at(when)))

    def move_customer(
        self,
        when: str,
        kind: CustomerMoveKind,
        *,
        hold_reason: HoldReason | None = None,
        hold_id: str | None = None,
        day: date | None = None,
    ) -> str | None:
        """The sentence that refuses it, if one does."""
        move = CustomerMove(new_id(Prefix.STAFF_MOVE), kind, hold_reason, hold_id, day)
        with self.database.tenant(self.tenant.id) as session:
            customer_moves.request(session, move, customer_id=self.customer.id, reason=self.reason, actor=RUDO, now=at(when))
        request = CustomerMoveRequest(self.tenant.id, self.customer.id, move, at(when))
        return CustomerMoving(self.database).make(request).refusal

    def begin(
        self,
        when: str,
        invoice: Invoice,
        amount: str,
        method: PaymentMethod = PaymentMethod.PAYNOW_ECOCASH,
        *,
        linked: bool = True,
    ) -> Payment:
        return factories.start_payment(
            self.database, self.tenant, invoice, amount=usd(amount), method=method, linked=linked, now=at(when)
        )

    def settle(self, when: str, payment: Payment) -> None:
        factories.settle_payment(self.database, self.tenant, payment, at(when))

    def pay(
        self, when: str, invoice: Invoice, amount: str, method: PaymentMethod = PaymentMethod.CASH, *, linked: bool = True
    ) -> Payment:
        payment = self.begin(when, invoice, amount, method, linked=linked)
        self.settle(when, payment)
        return payment

    def fail(self, when: str, payment: Payment, why: str) -> None:
        with self.database.tenant(self.tenant.id) as session:
            settlement.fail(
                session, settlement.lock_all(session, payment.id), Outcome.DECLINED, why, at(when), tells_payer=False
            )

    def reverse(self, when: str, payment: Payment) -> None:
        reverse_payment(self.database, self.tenant, payment, at(when))

    def make_link(self, when: str, invoice: Invoice, amount: str, days: int = 7) -> PaymentLink:
        with self.database.tenant(self.tenant.id) as session:
            return links.create(
                session,
                link_type=LinkType.CUSTOM,
                customer_id=self.customer.id,
                invoice_id=invoice.id,
                amount=usd(amount),
                currency="USD",
                description="First instalment",
                expires_at=at(when) + timedelta(days=days),
                actor=RUDO,
                now=at(when),
            )

    @staticmethod
    def record(session: Session, when: str, action: str, resource_type: str, resource_id: str, **details: Any) -> None:
        audit.record(session, at(when), RUDO, action, resource_type, resource_id, **details)

    def about(self, invoice: Invoice | None = None) -> About:
        if invoice is None:
            return About(self.customer.id)
        with self.database.tenant(self.tenant.id) as session:
            return About(self.customer.id, invoices.get(session, invoice.id))

    def events(
        self,
        invoice: Invoice | None = None,
        *,
        after: Position | None = None,
        limit: int = 500,
        now: datetime = LONG_AFTER,
    ) -> list[Event]:
        about = self.about(invoice)
        with self.database.tenant(self.tenant.id) as session:
            return timeline.page(session, about, after=after, limit=limit, now=now)
