"""A tenant in rand with one pending card payment, to which a gateway says this and that."""

from datetime import timedelta

from activities.gateway_word import Word, act
from activities.settlement import Confirmation
from domain.customer import Tenant
from domain.invoice import Invoice, InvoiceState
from domain.ledger import Account
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import PaymentState
from persistence import attempts, checks, invoices, ledger, payments, reviews
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, zar

HUNDRED = zar("100.00")


class Till:
    """A tenant in rand with an invoice over R100 and a pending payment of it by card."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenant: Tenant = factories.make_tenant(database, currency="ZAR", time_zone="Africa/Johannesburg")
        self.customer = factories.make_customer(database, self.tenant)
        self.invoice: Invoice = factories.issue_invoice(database, self.tenant, self.customer, amount=HUNDRED)
        self.payment: Payment = factories.start_payment(database, self.tenant, self.invoice, method=PaymentMethod.YOCO)
        self.attempt: Attempt = factories.make_attempt(database, self.tenant, self.payment, gateway="yoco")

    def says(self, state: PaymentState, *, is_last: bool = False, after: timedelta = timedelta(0)) -> Confirmation:
        with self.database.tenant(self.tenant.id) as session:
            attempt = attempts.get(session, self.attempt.id)
            return act(session, Word(attempt, state, NOW + after, is_last))

    def paid(self, amount: Money = HUNDRED, reference: str = "p_1", fee: Money | None = None) -> PaymentState:
        return PaymentState(Outcome.PAID, self.attempt.id, reference, "succeeded", amount, fee)

    def payments(self) -> list[Payment]:
        with self.database.tenant(self.tenant.id) as session:
            return payments.page(session, after=None, limit=50)

    def stored(self) -> Attempt:
        with self.database.tenant(self.tenant.id) as session:
            return attempts.get(session, self.attempt.id)

    def balance(self, account: Account) -> Money:
        with self.database.tenant(self.tenant.id) as session:
            return ledger.balances(session).get((account, "ZAR"), zar("0"))

    def questions(self) -> list[tuple[str, Money | None]]:
        with self.database.tenant(self.tenant.id) as session:
            return [(review.reason, review.amount) for review in reviews.unresolved(session, after=None, limit=50)]

    def invoice_state(self) -> InvoiceState:
        with self.database.tenant(self.tenant.id) as session:
            return invoices.get(session, self.invoice.id).invoice.state

    def books_hold(self) -> None:
        with self.database.tenant(self.tenant.id) as session:
            assert checks.run(session) == []
