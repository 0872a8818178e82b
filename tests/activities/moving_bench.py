"""Staff who move an invoice: each move stored as the API stores it and made as the lifecycle has it made."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.collecting import Collecting, StepRequest
from activities.moving import MoveRequest, Moving
from activities.standing import Standing
from domain.customer import Customer, Tenant
from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.ledger import Account
from domain.money import Money
from domain.moves import Move, MoveKind
from domain.payment import PaymentMethod
from domain.standing import HoldReason
from persistence import audit, checks, dunning_plans, holds, invoices, ledger, messages, moves
from persistence.columns import new_id
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.moves import StaffMove
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd

REASON = "Mr Moyo promised to pay when the school fees are in."
ACTOR = "Rudo"
LATER = NOW + timedelta(days=3)


@dataclass
class MovingBench:
    """A business with a customer and one invoice over USD 100.00 (due on 15 November 2026), and staff."""

    database: Database
    tenant: Tenant
    customer: Customer
    invoice: Invoice

    @classmethod
    def of(cls, database: Database, tenant: Tenant) -> "MovingBench":
        customer = factories.make_customer(database, tenant)
        invoice = factories.issue_invoice(database, tenant, customer, amount=usd("100"), tax_basis_points=1500)
        return cls(database, tenant, customer, invoice)

    def ask(self, kind: MoveKind, day: date | None = None, *, invoice: Invoice | None = None, now: datetime = NOW) -> Move:
        move = Move(new_id(Prefix.STAFF_MOVE), kind, day)
        on = invoice or self.invoice
        with self.database.tenant(self.tenant.id) as session:
            moves.request(session, move, invoice_id=on.id, customer_id=on.customer_id, reason=REASON, actor=ACTOR, now=now)
        return move

    def make(self, move: Move, *, invoice: Invoice | None = None, now: datetime = LATER) -> Standing:
        on = invoice or self.invoice
        return Moving(self.database).make(MoveRequest(self.tenant.id, on.id, on.customer_id, move, now))

    def move(
        self, kind: MoveKind, day: date | None = None, *, invoice: Invoice | None = None, now: datetime = LATER
    ) -> Standing:
        return self.make(self.ask(kind, day, invoice=invoice, now=now), invoice=invoice, now=now)

    def refused(self, kind: MoveKind, day: date | None = None, *, now: datetime = LATER) -> ApplicationError:
        """What the workflow is told of a move that is refused; its row says the same."""
        move = self.ask(kind, day)
        with pytest.raises(ApplicationError) as told:
            self.make(move, now=now)
        assert told.value.non_retryable
        assert (self.row(move).status, self.row(move).refusal) == ("REFUSED", told.value.message)
        return told.value

    def take(self, key: str, action: Action, *, invoice: Invoice | None = None, now: datetime = NOW) -> Standing:
        on = invoice or self.invoice
        return Collecting(self.database).take_step(StepRequest(self.tenant.id, on.id, on.customer_id, key, action, now))

    def suspend(self, *, key: str = "4-suspend", invoice: Invoice | None = None, now: datetime = NOW) -> Standing:
        return self.take(key, Action.SUSPEND, invoice=invoice, now=now)

    def pay(self, amount: str, *, invoice: Invoice | None = None, method: PaymentMethod = PaymentMethod.CASH) -> Payment:
        payment = factories.start_payment(
            self.database, self.tenant, invoice or self.invoice, amount=usd(amount), method=method
        )
        return factories.settle_payment(self.database, self.tenant, payment)

    def row(self, move: Move) -> StaffMove:
        with self.database.tenant(self.tenant.id) as session:
            return moves.get(session, move.id)

    def detail(self, invoice: Invoice | None = None) -> InvoiceDetail:
        with self.database.tenant(self.tenant.id) as session:
            return invoices.get(session, (invoice or self.invoice).id)

    def plan(self) -> tuple[PlannedStep, ...]:
        with self.database.tenant(self.tenant.id) as session:
            return dunning_plans.of(session, invoices.get(session, self.invoice.id))

    def held(self) -> list[HoldReason]:
        with self.database.tenant(self.tenant.id) as session:
            return list(holds.standing(session, self.customer.id))

    def letters(self) -> list[str]:
        """What the customer was written about being suspended and being back."""
        with self.database.tenant(self.tenant.id) as session:
            return [found.letter.value for found in messages.of_entity(session, "Customer", self.customer.id)]

    def audited(self, action: str, invoice: Invoice | None = None) -> tuple[str, dict[str, object]]:
        with self.database.tenant(self.tenant.id) as session:
            found = audit.last_of(session, action, (invoice or self.invoice).id)
        assert found is not None, f"no {action} is on record"
        return found

    def balances(self) -> dict[Account, Money]:
        """What the business's accounts hold in USD; those at zero are left out."""
        with self.database.tenant(self.tenant.id) as session:
            assert checks.run(session) == []
            return {account: amount for (account, _), amount in ledger.balances(session).items() if amount}
