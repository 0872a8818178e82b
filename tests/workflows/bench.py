"""One tenant's business at the engine: hands on its customers, its gateway, its clocks, and eyes on what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities.invoicing import Invoicing, RunRequest
from domain.calendar import local_day, local_instant
from domain.customer import Customer, Tenant
from domain.dunning_policy import DunningPolicy
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from domain.standing import BillingStatus
from persistence import attempts, audit, customers, holds, invoices, messages, payments, reviews
from persistence.attempts import Attempt
from persistence.columns import new_id
from persistence.database import Database
from persistence.invoices import InvoiceDetail
from persistence.payments import Payment
from tests import factories
from tests.workflows.engine import Engine, wall_clock
from workflows import names
from workflows.billing_run import BillingRun
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.payment import LatePayment, RecordedPayment
from workflows.payment import Payment as PaymentSaga

PATIENCE_SECONDS = 40.0
PAUSE_SECONDS = 0.02

# Paynow's test numbers: what their payers do, and one whose payer never touches the phone.
PAYS_SOON = "0771111111"
DECLINES = "0773333333"
HAS_NO_MONEY = "0774444444"
DOES_NOTHING = "0771234567"
PAYER_PHONES = (PAYS_SOON, DECLINES, HAS_NO_MONEY, DOES_NOTHING)

CUSTOMER_NAME = "Nyaradzo Chikwanha"
CUSTOMER_PHONE = "+263772345678"

Found = TypeVar("Found")
Handle = WorkflowHandle[Any, Any]


async def eventually(look: Callable[[], Found | None], what: str) -> Found:
    """The first thing that `look` finds; how long it takes is nobody's business within reason."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := look()):
            await asyncio.sleep(PAUSE_SECONDS)
    return found


@dataclass
class Bench:
    """A tenant with an account at Paynow.

    Attributes:
        seen: the workflows that this test made, by id; their histories are replayed at its end.
    """

    engine: Engine
    database: Database
    tenant: Tenant
    seen: dict[str, Handle] = field(default_factory=dict)

    def customer(self) -> Customer:
        """A customer with an address, a name and a phone that no history may hold."""
        address = f"{new_id(Prefix.CUSTOMER)}@acacia.example"
        return factories.make_customer(self.database, self.tenant, name=CUSTOMER_NAME, email=address, phone=CUSTOMER_PHONE)

    def invoice(self, customer: Customer, amount: str = "25.00", *, due_in_days: int = 14) -> Invoice:
        """An invoice issued now, in the server's time."""
        return factories.issue_invoice(
            self.database,
            self.tenant,
            customer,
            amount=factories.usd(amount),
            issued_at=wall_clock(),
            due_in_days=due_in_days,
        )

    async def begin_lifecycles(self) -> None:
        """Start the lifecycle of every invoice that has none, as a billing run does."""
        invoicing = Invoicing(self.database, self.engine.workflows)
        request = RunRequest(self.tenant.id, "run", wall_clock())
        await ActivityEnvironment().run(invoicing.start_lifecycles, request)

    async def invoice_with_lifecycle(self, amount: str = "25.00") -> tuple[Customer, Invoice, Handle]:
        customer = self.customer()
        invoice = self.invoice(customer, amount)
        await self.begin_lifecycles()
        return customer, invoice, self.lifecycle(invoice)

    def lifecycle(self, invoice: Invoice) -> Handle:
        return self._seen(names.invoice_lifecycle_id(invoice.id), InvoiceLifecycle.run)

    def saga(self, payment: Payment) -> Handle:
        return self._seen(names.payment_workflow_id(payment.id), PaymentSaga.run)

    def recorded(self, payment: Payment) -> Handle:
        return self._seen(names.payment_workflow_id(payment.id), RecordedPayment.run)

    def late_look(self, payment: Payment, cause: str) -> Handle:
        return self._seen(names.late_payment_id(payment.id, cause), LatePayment.run)

    def run(self, workflow_id: str) -> Handle:
        return self._seen(workflow_id, BillingRun.run)

    def _seen(self, workflow_id: str, run: Callable[..., Awaitable[object]]) -> Handle:
        return self.seen.setdefault(workflow_id, self.engine.client.get_workflow_handle_for(run, workflow_id))

    def payment(
        self,
        invoice: Invoice,
        amount: str | None = None,
        *,
        phone: str = DOES_NOTHING,
        begun_at: datetime | None = None,
    ) -> Payment:
        """A pending payment by EcoCash of all that is due, unless told otherwise."""
        with self.database.tenant(self.tenant.id) as session:
            return payments.start(
                session,
                customer_id=invoice.customer_id,
                invoice_id=invoice.id,
                method=PaymentMethod.PAYNOW_ECOCASH,
                amount=factories.usd(amount) if amount else invoice.amount_due,
                payer_phone=phone,
                actor=audit.PAYER,
                now=begun_at or wall_clock(),
            )

    async def checkout(self, payment: Payment) -> Outcome:
        """Open the checkout as the payer's page does."""
        self.saga(payment)
        return await self.engine.workflows.open_checkout(
            self.tenant.id,
            payment.id,
            payment.method,
            invoice_id=payment.invoice_id,
            currency=payment.amount.currency,
        )

    async def tell(self, payment: Payment, update: str = "whk_1") -> None:
        """Tell the payment that the gateway has news, as the webhook's door does once the update is stored."""
        await self.engine.workflows.tell_payment(self.tenant.id, payment.id, update)

    async def pay(self, invoice: Invoice, amount: str | None = None) -> Payment:
        """A payment from checkout to its end, told by the gateway; the lifecycle has heard of it."""
        payment = self.payment(invoice, amount)
        await self.checkout(payment)
        self.at_gateway(payment, "Paid")
        await self.tell(payment)
        await self.ended(self.saga(payment))
        return payment

    async def ended(self, handle: Handle) -> Any:
        """The result of a workflow, once it has one. Asked for again and again: a wait that is cut off hangs at exit."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.is_running(handle):
                await asyncio.sleep(PAUSE_SECONDS)
        return await handle.result()

    async def is_running(self, handle: Handle) -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING

    async def forward(self, handle: Handle, to: datetime | timedelta) -> None:
        await self.engine.forward(handle, to)

    def hour_after_step(self, invoice: Invoice, days: int) -> datetime:
        """10:00 in Harare, `days` after the due day: the policy's steps are taken at 9."""
        return local_instant(invoice.due_on + timedelta(days=days), time(10, 0), self.tenant.time_zone)

    # What stands at the gateway.

    def at_gateway(self, payment: Payment, status: str) -> None:
        """Bring the payment into a status at Paynow, whatever its payer does."""
        path = f"/transactions/{quote(self.attempt(payment).id)}/status"
        self.engine.paynow.post(path, json={"status": status}).raise_for_status()

    def arm(self, operation: str, kind: str, times: int = 1) -> None:
        """Let a fault strike the simulator's next messages."""
        order = {"operation": operation, "kind": kind, "times": times}
        self.engine.paynow.post("/faults", json=order).raise_for_status()

    def disarm(self) -> None:
        self.engine.paynow.delete("/faults").raise_for_status()

    def transactions(self, payment: Payment) -> list[dict[str, Any]]:
        """What Paynow made of this payment; more than one would be a second charge."""
        reference = self.attempt(payment).id
        shown = self.engine.paynow.get("/transactions").json()["transactions"]
        return [transaction for transaction in shown if transaction["reference"] == reference]

    async def until_at_gateway(self, payment: Payment, status: str) -> None:
        """Wait until the payer behind a test number has acted."""
        await eventually(
            lambda: any(found["status"] == status for found in self.transactions(payment)),
            f"{status} at the gateway",
        )

    # What stands in the books.

    def attempt(self, payment: Payment) -> Attempt:
        with self.database.tenant(self.tenant.id) as session:
            attempt = attempts.last(session, payment.id)
        assert attempt is not None
        return attempt

    def now_of(self, payment: Payment) -> Payment:
        with self.database.tenant(self.tenant.id) as session:
            return payments.get(session, payment.id)

    def detail(self, invoice: Invoice) -> InvoiceDetail:
        with self.database.tenant(self.tenant.id) as session:
            return invoices.get(session, invoice.id)

    def due(self, invoice: Invoice) -> Money:
        return self.detail(invoice).invoice.amount_due

    def letters(self, invoice: Invoice) -> list[str]:
        """The message log of an invoice in order: `payment_reminder SENT`."""
        with self.database.tenant(self.tenant.id) as session:
            return [f"{found.letter.value} {found.status}" for found in messages.of_invoice(session, invoice.id)]

    async def letters_are(self, invoice: Invoice, *expected: str) -> None:
        """The message log comes to hold exactly these letters; how long a mail takes does not matter."""
        wanted = list(expected)
        try:
            await eventually(lambda: self.letters(invoice) == wanted, "these letters")
        except TimeoutError:
            assert self.letters(invoice) == wanted  # says what differs

    def inbox(self, customer: Customer) -> list[str]:
        """The subjects of what the customer got."""
        return [str(mail["Subject"]) for mail in self.engine.letters.seen if (customer.email or "?") in str(mail["To"])]

    def steps(self, invoice: Invoice) -> list[tuple[str, str]]:
        with self.database.tenant(self.tenant.id) as session:
            return [(step, outcome) for step, outcome, _ in holds.steps(session, invoice.id)]

    def standing(self, customer: Customer, at: datetime) -> BillingStatus:
        with self.database.tenant(self.tenant.id) as session:
            return customers.standing(session, customer.id, local_day(at, self.tenant.time_zone)).billing_status

    def audited(self, resource_id: str) -> list[str]:
        with self.database.tenant(self.tenant.id) as session:
            query = text("SELECT action FROM audit_log WHERE resource_id = :id ORDER BY id")
            return list(session.scalars(query, {"id": resource_id}))

    def ledger_entries(self, cause: str) -> int:
        with self.database.tenant(self.tenant.id) as session:
            query = text("SELECT count(*) FROM ledger_entries WHERE cause_id = :id")
            return int(session.scalar(query, {"id": cause}) or 0)

    def reviews(self, payment: Payment) -> list[str]:
        """The reasons for which a person must look at this payment."""
        with self.database.tenant(self.tenant.id) as session:
            open_questions = reviews.unresolved(session, after=None, limit=1000)
        return [found.reason for found in open_questions if found.payment_id == payment.id]

    # What stands in Temporal.

    async def events(self, handle: Handle) -> int:
        return len((await handle.fetch_history()).events)

    async def activities_of(self, handle: Handle) -> list[str]:
        """The activities that a workflow asked for, in order."""
        return [
            event.activity_task_scheduled_event_attributes.activity_type.name
            for event in (await handle.fetch_history()).events
            if event.HasField("activity_task_scheduled_event_attributes")
        ]

    async def timers_of(self, handle: Handle) -> list[timedelta]:
        """How long a workflow meant to wait, each time."""
        return [
            event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            for event in (await handle.fetch_history()).events
            if event.HasField("timer_started_event_attributes")
        ]


def policy(*steps: tuple[str, str]) -> dict[str, Any]:
    """A dunning policy as a tenant's row keeps it: `policy(("P1D", "final_warning"), ("P7D", "suspend"))`."""
    data = {"send_at": "09:00", "steps": [{"offset": offset, "action": action} for offset, action in steps]}
    return DunningPolicy.from_data(data).to_data()
