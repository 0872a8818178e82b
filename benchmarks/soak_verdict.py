"""The verdict on a soak: what was counted at its end, and everything that is not as it must be."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from temporalio.client import Client

from benchmarks.business import MeasuredBusiness
from benchmarks.soak_letters import Letters, Post, compare, due_letters, read_inbox
from dev.demo_business import until
from domain.invoice import InvoiceState
from domain.letters import Letter
from persistence import checks, dunning_plans, holds, invoices
from persistence.database import Database
from persistence.models import AuditRow, MessageRow

_ONCE_A_CUSTOMER = ("CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a soak.

    Attributes:
        suspended: how many customers were, before they paid.
        due, post: the letters that were due, and those in the inbox.
        faults: what is off, in sentences; empty when the soak passed.
        kills: how often the worker was killed.
        seconds: how long each stage took.
    """

    lives: int
    customers: int
    suspended: int
    active: int
    due: Letters
    post: Post
    faults: tuple[str, ...]
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def table(self) -> Table:
        """What was counted, for people."""
        table = Table("", "due", "in the inbox", title="What was counted")
        due, found = _by_letter(self.due), _by_letter(self.post.letters)
        for letter in Letter:
            if due[letter] or found[letter]:
                table.add_row(letter.value.replace("_", " "), str(due[letter]), str(found[letter]))
        table.add_row("letters", str(self.due.total()), str(self.post.letters.total()), style="bold")
        table.add_row("copies under the same Message-ID", "", str(self.post.copies))
        table.add_section()
        for name, wanted, counted in (
            ("lifecycles", self.lives, self.lives),
            ("customers suspended", self.customers, self.suspended),
            ("customers active at the end", self.customers, self.active),
        ):
            table.add_row(name, str(wanted), str(counted))
        table.add_row("workers killed", "", str(self.kills))
        table.add_row("seconds", "", f"{sum(self.seconds.values()):.0f}")
        return table


async def judge(business: MeasuredBusiness, client: Client, *, suspended: int) -> Verdict:
    """Count everything when the story has ended.

    Args:
        suspended: how many customers were suspended before they paid.
    """
    running = await _left_running(business, client)
    customers = [customer async for customer in business.all("/api/customers")]
    active = sum(customer["billing_status"] == "ACTIVE" for customer in customers)
    addresses = {str(customer["id"]): str(customer["email"]) for customer in customers}
    post = await read_inbox(business.addresses["inbox"], f"{business.slug}.example")
    due, in_books = await asyncio.to_thread(_look_into_books, business, addresses, post)
    faults = [*in_books, *compare(due, post), *running]
    if suspended != len(customers):
        faults.append(f"{suspended} of {len(customers)} customers were suspended before they paid.")
    if active != len(customers):
        faults.append(f"{active} of {len(customers)} customers are ACTIVE after they paid.")
    return Verdict(len(business.invoices), len(customers), suspended, active, due, post, tuple(faults))


async def _left_running(business: MeasuredBusiness, client: Client) -> list[str]:
    """Workflows of the tenant that run still, or did not end well: a moment is given for the last ones to end."""
    own = f"TenantId = '{business.tenant_id}' AND ExecutionStatus"

    async def none_runs() -> bool:
        return not (await client.count_workflows(f"{own} = 'Running'")).count

    try:
        await until(none_runs, "the last workflows to end")
    except TimeoutError:
        left = [workflow.id async for workflow in client.list_workflows(f"{own} = 'Running'", limit=5)]
        return [f"Workflows run on when nothing is left to do, such as {', '.join(left)}."]
    bad = (await client.count_workflows(f"{own} IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')")).count
    return [f"{bad} workflows did not end well."] if bad else []


def _look_into_books(business: MeasuredBusiness, addresses: dict[str, str], post: Post) -> tuple[Letters, list[str]]:
    """The letters that were due, and what the database says that must not be."""
    database = Database(business.addresses["database_url"])
    try:
        with database.system() as system:
            faults = [f"{finding.check}: {', '.join(finding.rows)}" for finding in checks.run(system)]
        with database.tenant(business.tenant_id) as session:
            faults += faults_in_books(session, post, customers=len(addresses))
            return due_letters(session, addresses), faults
    finally:
        database.close()


def faults_in_books(session: Session, post: Post, *, customers: int) -> list[str]:
    """What the bound tenant's rows say that must not be at the end of a soak: unpaid, unclimbed, unsent, not once."""
    return [*_unclimbed(session), *_unlike_log(session, post), *_not_once(session, customers)]


def _unclimbed(session: Session) -> list[str]:
    """Invoices that are not paid, or whose ladder was not climbed step by step."""
    faults = []
    after = None
    while page := invoices.page(session, after=after, limit=500):
        after = page[-1].invoice.id
        for detail in page:
            planned = [step.key for step in dunning_plans.of(session, detail)]
            taken = [step for step, outcome, _ in holds.steps(session, detail.invoice.id) if outcome == "TAKEN"]
            if taken != planned:
                faults.append(f"Invoice {detail.invoice.number} took {taken or 'no steps'}, and its plan is {planned}.")
            if detail.invoice.state is not InvoiceState.PAID:
                faults.append(f"Invoice {detail.invoice.number} is {detail.invoice.state}, not PAID.")
    return faults


def _unlike_log(session: Session, post: Post) -> list[str]:
    """Where the log of messages and the inbox differ."""
    rows = session.execute(select(MessageRow.message_id, MessageRow.status)).all()
    unsent = Counter(status for _, status in rows if status != "SENT")
    faults = [f"{count} letters in the log are {status}, not SENT." for status, count in sorted(unsent.items())]
    logged = {message_id.strip("<>") for message_id, status in rows if status == "SENT"}
    strangers, missing = post.message_ids.keys() - logged, logged - post.message_ids.keys()
    faults += [f"The inbox has {len(strangers)} letters that the log does not know."] if strangers else []
    return faults + ([f"{len(missing)} letters that the log calls SENT are not in the inbox."] if missing else [])


def _not_once(session: Session, customers: int) -> list[str]:
    """Suspensions and their ends that did not happen once a customer."""
    found = session.execute(
        select(AuditRow.action, func.count(), func.count(AuditRow.resource_id.distinct()))
        .where(AuditRow.action.in_(_ONCE_A_CUSTOMER))
        .group_by(AuditRow.action)
    )
    counted = {action: (times, of_customers) for action, times, of_customers in found}
    return [
        f"{action} stands {counted.get(action, (0, 0))[0]} times in the audit log, for {customers} customers."
        for action in _ONCE_A_CUSTOMER
        if counted.get(action) != (customers, customers)
    ]


def _by_letter(letters: Letters) -> Counter[Letter]:
    found: Counter[Letter] = Counter()
    for (_, letter), count in letters.items():
        found[letter] += count
    return found
