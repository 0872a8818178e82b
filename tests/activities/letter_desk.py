"""A customer with several invoices of a business, whose steps are taken and whose letters are sent by hand."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session
from temporalio.exceptions import ApplicationError

from activities.collecting import Collecting, StepRequest
from activities.mailing import Delivery, DeliveryRequest, Mailing
from activities.standing import Standing
from domain.customer import Customer, Tenant
from domain.dunning import PlannedStep
from domain.dunning_policy import DunningPolicy
from domain.invoice import Invoice
from domain.money import Money
from persistence import dunning_plans, holds, invoices, letter_invoices, messages
from persistence.database import Database
from persistence.messages import Message
from persistence.models import InvoiceRow
from tests import factories
from tests.mail.outgoing import plain
from tests.mail.server import Script, serving

PAGE = "https://pay.example/"


@dataclass
class LetterDesk:
    """One customer of a business, and the mail server that takes the customer's letters.

    Attributes:
        post: what the mail server answers, and what it took.
    """

    database: Database
    tenant: Tenant
    post: Script
    mailing: Mailing
    customer: Customer = field(init=False)

    def __post_init__(self) -> None:
        self.customer = factories.make_customer(self.database, self.tenant)

    def session(self) -> AbstractContextManager[Session]:
        return self.database.tenant(self.tenant.id)

    def invoice(self, amount: Money | None = None, *, due_in_days: int = 14, policy: DunningPolicy | None = None) -> Invoice:
        """An open invoice of the customer over 25.00, issued on 1 November, under the business's policy or one of its own."""
        issued = factories.issue_invoice(self.database, self.tenant, self.customer, amount=amount, due_in_days=due_in_days)
        if policy is not None:
            with self.session() as session:
                row = update(InvoiceRow).where(InvoiceRow.id == issued.id)
                session.execute(row.values(dunning_policy=policy.to_data()))
        return issued

    def invoices(self, count: int) -> list[Invoice]:
        return [self.invoice() for _ in range(count)]

    def pay(self, invoice: Invoice, amount: Money | None = None) -> None:
        payment = factories.start_payment(self.database, self.tenant, invoice, amount=amount)
        factories.settle_payment(self.database, self.tenant, payment)

    def step(self, invoice: Invoice, key: str) -> PlannedStep:
        with self.session() as session:
            plan = dunning_plans.of(session, invoices.get(session, invoice.id))
        return next(step for step in plan if step.key == key)

    def take(self, invoice: Invoice, key: str | PlannedStep, *, at: datetime | None = None) -> Standing:
        """Take a step as the lifecycle does, at its time unless told otherwise."""
        step = key if isinstance(key, PlannedStep) else self.step(invoice, key)
        request = StepRequest(self.tenant.id, invoice.id, invoice.customer_id, step.key, step.action, at or step.at)
        return Collecting(self.database).take_step(request)

    def claim(self, invoice: Invoice, key: str, *, at: datetime | None = None) -> Message:
        """Take a step that claims a letter; the letter."""
        message_id = self.take(invoice, key, at=at).message_id
        assert message_id is not None
        return self.message(message_id)

    def is_taken(self, invoice: Invoice, key: str) -> bool:
        with self.session() as session:
            return (key, "TAKEN") in [(step, outcome) for step, outcome, _ in holds.steps(session, invoice.id)]

    def message(self, message_id: str) -> Message:
        with self.session() as session:
            return messages.get(session, message_id)

    def letters(self, invoice: Invoice) -> list[Message]:
        with self.session() as session:
            return messages.of_invoice(session, invoice.id)

    def listed(self, letter: Message) -> set[str]:
        with self.session() as session:
            return set(letter_invoices.of_message(session, letter.id))

    def deliver(self, letter: Message, *, at: datetime | None = None) -> Delivery | None:
        """Try to send a letter at the moment when it was claimed; None when the mail server puts it off."""
        request = DeliveryRequest(self.tenant.id, letter.id, at or letter.queued_at)
        try:
            return self.mailing.deliver(request)
        except ApplicationError as error:
            if error.type != "MailDeferred":
                raise
            return None

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.post.seen]


@contextmanager
def open_desk(database: Database, tenant: Tenant) -> Iterator[LetterDesk]:
    post = Script()
    with serving(post) as port:
        yield LetterDesk(database, tenant, post, Mailing(database, plain(port), lambda code: f"{PAGE}{code}"))
