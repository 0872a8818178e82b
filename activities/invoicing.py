"""Invoicing: issues a billing run's invoices batch by batch, and starts the lifecycle of each."""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from domain.billing import Billable, RunTotals, draft_invoices
from domain.calendar import due_day, local_day
from domain.customer import Tenant
from domain.dunning import PlannedStep, plan_steps
from domain.errors import CannotBillError, InvalidInputError
from domain.invoice import InvoiceDraft, InvoiceState
from domain.letters import Letter
from domain.money import Money
from persistence import audit, billing_runs, customers, invoices, issuing, messages, tenants
from persistence.billing_runs import BillingRunState
from persistence.database import Database, check_constraints_now
from persistence.messages import Claim

# 144 bits: nobody guesses a payment link.
_TOKEN_BYTES = 18
_LIFECYCLES_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Which run, and the workflow's time (UTC)."""

    tenant_id: str
    run_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """The next `size` customers of a run."""

    tenant_id: str
    run_id: str
    size: int
    now: datetime


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands after a batch; `done` when no customer is left."""

    customers_total: int
    totals: RunTotals
    done: bool


@dataclass(frozen=True, slots=True)
class LifecycleStart:
    """All that an invoice's lifecycle needs to know: ids, amounts and dates, nothing personal.

    Attributes:
        issued_message_id: the claimed letter *Invoice Issued*; None when the customer cannot be written to.
        plan: the dunning policy's steps, dated for this invoice.
        state: PAID when money was recorded before the lifecycle began: then it only mails the invoice.
    """

    tenant_id: str
    invoice_id: str
    customer_id: str
    number: str
    total: Money
    due_on: str
    issued_message_id: str | None
    plan: tuple[PlannedStep, ...]
    state: InvoiceState = InvoiceState.OPEN


class LifecycleStarter(Protocol):
    """Starts an invoice's lifecycle workflow; harmless when it runs or ran already."""

    async def start_lifecycle(self, start: LifecycleStart) -> None: ...


class Invoicing:
    """Args: lifecycles: the door to Temporal, handed in so that activities know no workflow."""

    def __init__(self, database: Database, lifecycles: LifecycleStarter) -> None:
        self._database = database
        self._lifecycles = lifecycles

    @activity.defn(name="invoicing.issue_batch")
    @translated
    def issue_batch(self, request: BatchRequest) -> RunProgress:
        """Issue the invoices of the run's next customers in one transaction.

        The run's row is locked and carries the cursor: a batch that ran before its answer was lost is not run again, the
        next one is. A customer who cannot be billed is parked, and the others go on.
        """
        with self._database.tenant(request.tenant_id) as session:
            run, cursor = billing_runs.lock_cursor(session, request.run_id)
            batch = customers.billables_after(session, cursor, request.size)
            if run.status != "RUNNING" or not batch:
                return RunProgress(run.customers_total, run.totals, done=True)
            done = _Batch(session, run, tenants.current(session), request.now)
            done.bill(batch)
            state = billing_runs.advance(session, run.id, batch[-1].customer_id, done.totals, done.amounts)
            return RunProgress(state.customers_total, state.totals, done=len(batch) < request.size)

    @activity.defn(name="invoicing.start_lifecycles")
    async def start_lifecycles(self, request: RunRequest) -> int:
        """Start the lifecycle of every invoice of the tenant that has none yet; how many were started.

        Asks the database what is missing instead of being told, so that nothing is forgotten after a crash.
        """
        started = 0
        after = ""
        while page := await asyncio.to_thread(self._starts_after, request.tenant_id, after):
            await asyncio.gather(*(self._lifecycles.start_lifecycle(start) for start in page))
            after = page[-1].invoice_id
            await asyncio.to_thread(self._mark_started, request, [start.invoice_id for start in page])
            started += len(page)
            activity.heartbeat(started)
        return started

    @activity.defn(name="invoicing.complete_run")
    @translated
    def complete_run(self, request: RunRequest) -> RunProgress:
        """Mark the run as completed."""
        with self._database.tenant(request.tenant_id) as session:
            run = billing_runs.complete(session, request.run_id, request.now)
            return RunProgress(run.customers_total, run.totals, done=True)

    def _starts_after(self, tenant_id: str, after: str) -> list[LifecycleStart]:
        with self._database.tenant(tenant_id) as session:
            zone = tenants.current(session).time_zone
            return [
                _lifecycle_start(session, tenant_id, zone, detail)
                for detail in invoices.without_lifecycle(session, after=after, limit=_LIFECYCLES_A_PAGE)
            ]

    def _mark_started(self, request: RunRequest, invoice_ids: list[str]) -> None:
        with self._database.tenant(request.tenant_id) as session:
            invoices.mark_lifecycles_started(session, invoice_ids, request.now)


class _Batch:
    """One batch while it is billed: what was done, and the gross per currency."""

    def __init__(self, session: Session, run: BillingRunState, tenant: Tenant, now: datetime) -> None:
        self._session, self._run, self._tenant, self._now = session, run, tenant, now
        self.totals = RunTotals()
        self.amounts: Counter[str] = Counter()

    def bill(self, batch: list[Billable]) -> None:
        ids = [billable.customer_id for billable in batch]
        billed = customers.billed_subscriptions(self._session, ids, self._run.period.first_day)
        for billable in batch:
            self._bill_one(_without_billed(billable, billed))

    def _bill_one(self, billable: Billable) -> None:
        try:
            drafts = draft_invoices(billable, self._run.period, prices_include_tax=self._tenant.prices_include_tax)
            if not self._run.dry_run:
                # A savepoint a customer: what goes wrong with one undoes that one, its number included.
                with self._session.begin_nested():
                    for draft in drafts:
                        self._issue(draft)
                    check_constraints_now(self._session)
        except (CannotBillError, InvalidInputError, IntegrityError, DataError) as error:
            billing_runs.park(self._session, self._run.id, billable.customer_id, _reason(error), self._now)
            self.totals += RunTotals(customers=1, parked=1)
            return
        self.amounts.update({draft.currency: draft.gross.minor for draft in drafts})
        self.totals += RunTotals(customers=1, issued=len(drafts), nothing_due=0 if drafts else 1)

    def _issue(self, draft: InvoiceDraft) -> None:
        issued_on = local_day(self._now, self._tenant.time_zone)
        invoice = issuing.issue(
            self._session,
            draft,
            issuing.Issue(
                run_id=self._run.id,
                period=self._run.period,
                prefix=self._tenant.invoice_prefix,
                payment_token=secrets.token_urlsafe(_TOKEN_BYTES),
                issued_at=self._now,
                issued_on=issued_on,
                due_on=due_day(issued_on, self._tenant.payment_terms_days),
                policy=self._tenant.dunning_policy,
            ),
        )
        messages.claim(self._session, _issued_letter(invoice.id, invoice.customer_id), self._now)
        audit.record(
            self._session,
            self._now,
            self._run.started_by,
            "INVOICE_ISSUED",
            "Invoice",
            invoice.id,
            number=invoice.number,
            total=str(invoice.total),
            run_id=self._run.id,
        )


def _without_billed(billable: Billable, billed: set[str]) -> Billable:
    left = tuple(item for item in billable.subscriptions if item.id not in billed)
    return Billable(billable.customer_id, billable.email, left, billable.charges)


def _reason(error: Exception) -> str:
    if isinstance(error, IntegrityError | DataError):
        return f"The database refused the invoice: {str(error.orig).splitlines()[0]}"
    return str(error)


def _issued_letter(invoice_id: str, customer_id: str) -> Claim:
    return Claim(Letter.INVOICE_ISSUED, "Invoice", invoice_id, "issued", customer_id, invoice_id=invoice_id)


def _lifecycle_start(session: Session, tenant_id: str, zone: str, detail: invoices.InvoiceDetail) -> LifecycleStart:
    invoice = detail.invoice
    letter = messages.claim(session, _issued_letter(invoice.id, invoice.customer_id), detail.issued_at)
    return LifecycleStart(
        tenant_id=tenant_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        number=invoice.number,
        total=invoice.total,
        due_on=invoice.due_on.isoformat(),
        issued_message_id=letter,
        plan=plan_steps(detail.policy, invoice.due_on, zone, detail.issued_at),
        state=invoice.state,
    )
