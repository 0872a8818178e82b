"""Invoicing: issues a billing run's invoices batch by batch, and starts the lifecycle of each."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.lifecycles import LifecycleStart, LifecycleStarter, first_start, issued_letter
from activities.settlement import money_account, settle
from domain.billing import Billable, RunTotals, draft_invoices, has_something_due, why_withheld
from domain.calendar import due_day, local_day
from domain.customer import Tenant
from domain.errors import CannotBillError, InvalidInputError
from domain.invoice import Invoice, InvoiceDraft
from domain.money import Money
from domain.payment import PaymentMethod, Settlement
from domain.standing import HoldReason
from persistence import (
    audit,
    billing_runs,
    customers,
    dunning_policies,
    holds,
    invoices,
    issuing,
    ledger,
    links,
    messages,
    payments,
    tenants,
)
from persistence.billing_runs import BillingRunState
from persistence.database import Database, check_constraints_now
from persistence.dunning_policies import StoredPolicy
from public_holidays import plan_of_new_invoice

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
        next one is. A customer who cannot be billed is parked, one whose standing forbids it is not billed, and the others
        go on.
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
            return [
                first_start(session, tenant_id, detail)
                for detail in invoices.without_lifecycle(session, after=after, limit=_LIFECYCLES_A_PAGE)
            ]

    def _mark_started(self, request: RunRequest, invoice_ids: list[str]) -> None:
        with self._database.tenant(request.tenant_id) as session:
            invoices.mark_lifecycles_started(session, invoice_ids, request.now)


class _Batch:
    """One batch while it is billed: what was done, and the gross per currency."""

    def __init__(self, session: Session, run: BillingRunState, tenant: Tenant, now: datetime) -> None:
        self._session, self._run, self._tenant, self._now = session, run, tenant, now
        self._credits: Mapping[tuple[str, str], Money] = {}
        self._policies: Mapping[str, StoredPolicy] = {}
        self._holds: Mapping[str, Collection[HoldReason]] = {}
        self.totals = RunTotals()
        self.amounts: Counter[str] = Counter()

    def bill(self, batch: list[Billable]) -> None:
        ids = [billable.customer_id for billable in batch]
        if tenants.allocation_policy(self._session).applies_credit:
            self._credits = ledger.credits_of(self._session, ids)
        self._policies = dunning_policies.of_customers(self._session, ids)
        self._holds = holds.reasons_of(self._session, ids)
        billed = customers.billed_subscriptions(self._session, ids, self._run.period.first_day)
        for billable in batch:
            self._bill_one(_without_billed(billable, billed))

    def _bill_one(self, billable: Billable) -> None:
        withheld = self._why_withheld(billable)
        if withheld is not None:
            self._withhold(billable.customer_id, withheld)
            return
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

    def _why_withheld(self, billable: Billable) -> str | None:
        """Why a customer who owes something for the period is not billed; None when they are."""
        if not has_something_due(billable, self._run.period):
            return None
        return why_withheld(
            self._holds.get(billable.customer_id, ()),
            bills_while_suspended=self._policies[billable.customer_id].in_force.bills_while_suspended,
        )

    def _withhold(self, customer_id: str, reason: str) -> None:
        self.totals += RunTotals(customers=1, withheld=1)
        if self._run.dry_run:
            return
        audit.record(
            self._session, self._now, audit.SYSTEM, "INVOICE_WITHHELD", "Customer", customer_id,
            period=str(self._run.period), run_id=self._run.id, reason=reason,
        )  # fmt: skip

    def _issue(self, draft: InvoiceDraft) -> None:
        has_credit = (draft.customer_id, draft.currency) in self._credits
        if has_credit:
            customers.lock(self._session, draft.customer_id)
        issued_on = local_day(self._now, self._tenant.time_zone)
        due_on = due_day(issued_on, self._tenant.payment_terms_days)
        policy = self._policies[draft.customer_id]
        invoice = issuing.issue(
            self._session,
            draft,
            issuing.Issue(
                run_id=self._run.id,
                period=self._run.period,
                prefix=self._tenant.invoice_prefix,
                payment_token=links.new_code(),
                issued_at=self._now,
                issued_on=issued_on,
                due_on=due_on,
                policy=policy.in_force,
                policy_id=policy.id,
                plan=plan_of_new_invoice(policy.in_force, self._tenant, due_on, self._now),
            ),
        )
        messages.claim(self._session, issued_letter(invoice.id, invoice.customer_id), self._now)
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
        if has_credit:
            self._apply_credit(invoice)

    def _apply_credit(self, invoice: Invoice) -> None:
        """Pay a new invoice from its customer's credit (pains 12); the letter that brings the invoice tells it."""
        credit = ledger.credit_of(self._session, invoice.customer_id, invoice.total.currency)
        amount = min(credit, invoice.total)
        if not amount:
            return
        payment = payments.start(
            self._session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=PaymentMethod.CREDIT,
            amount=amount,
            actor=audit.SYSTEM,
            now=self._now,
        )
        received = Settlement(payment.id, amount)
        settle(self._session, payment, received, money_account(payment), audit.SYSTEM, self._now, tells_payer=False)


def _without_billed(billable: Billable, billed: set[str]) -> Billable:
    left = tuple(item for item in billable.subscriptions if item.id not in billed)
    return Billable(billable.customer_id, billable.email, left, billable.charges)


def _reason(error: Exception) -> str:
    if isinstance(error, IntegrityError | DataError):
        return f"The database refused the invoice: {str(error.orig).splitlines()[0]}"
    return str(error)
