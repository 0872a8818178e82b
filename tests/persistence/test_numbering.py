"""Invoice numbers are gapless, whoever issues at the same moment and whatever is rolled back (pains 10)."""

from contextlib import suppress
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.invoice import InvoiceDraft
from persistence import billing_runs, checks, invoices, issuing
from persistence.database import Database
from persistence.issuing import Issue
from persistence.models import InvoiceRow
from tests import factories
from tests.factories import NOW, PERIOD
from tests.persistence.parallel import at_once

WORKERS = 8
EACH = 6


class RolledBackError(Exception):
    """Something went wrong after the number was taken."""


def issue(session: Session, terms: Issue, draft: InvoiceDraft, *, fails: bool) -> str:
    number = issuing.issue(session, draft, terms).number
    if fails:
        raise RolledBackError
    return number


def issue_all(database: Database, tenant: Tenant, drafts: list[InvoiceDraft], worker: int) -> list[str]:
    """Issue each draft in its own transaction, about a third of which fail after the number was taken; the numbers kept."""
    kept = []
    for turn, draft in enumerate(drafts):
        with suppress(RolledBackError):
            with database.tenant(tenant.id) as session:
                run, _ = billing_runs.create(session, PERIOD, dry_run=False, started_by="rudo", now=NOW, customers_total=1)
                terms = factories.issue_terms(tenant, run)
                number = issue(session, terms, draft, fails=(worker + turn * turn) % 3 == 0)
            kept.append(number)
    return kept


def make_draft(database: Database, tenant: Tenant) -> InvoiceDraft:
    return factories.charge_draft(factories.make_charge(database, tenant, factories.make_customer(database, tenant)))


def test_numbers_are_gapless_under_parallel_issues_and_rollbacks(database: Database, tenant: Tenant) -> None:
    factories.make_run(database, tenant)
    drafts = [[make_draft(database, tenant) for _ in range(EACH)] for _ in range(WORKERS)]

    kept = at_once([partial(issue_all, database, tenant, drafts[worker], worker) for worker in range(WORKERS)])

    numbers = sorted(number for numbers in kept for number in numbers)
    assert 0 < len(numbers) < WORKERS * EACH
    assert numbers == [f"CVT-{sequence:06d}" for sequence in range(1, len(numbers) + 1)]
    with database.tenant(tenant.id) as session:
        assert sorted(session.scalars(select(InvoiceRow.number))) == numbers
        assert checks.run(session) == []


def test_every_business_counts_for_itself(database: Database, tenant: Tenant) -> None:
    other = factories.make_tenant(database, invoice_prefix="LA-")
    issued = [factories.issue_invoice(database, of).number for of in (tenant, other, tenant, other)]
    assert issued == ["CVT-000001", "LA-000001", "CVT-000002", "LA-000002"]


def test_one_customers_failure_gives_its_number_back_within_a_batch(database: Database, tenant: Tenant) -> None:
    """A savepoint a customer: what goes wrong with one leaves no gap before the next."""
    run = factories.make_run(database, tenant)
    drafts = [make_draft(database, tenant) for _ in range(3)]

    with database.tenant(tenant.id) as session:
        for draft in drafts:
            with suppress(RolledBackError), session.begin_nested():
                issue(session, factories.issue_terms(tenant, run), draft, fails=draft is drafts[1])

    with database.tenant(tenant.id) as session:
        found = [(detail.invoice.number, detail.invoice.customer_id) for detail in invoices.page(session, after=None, limit=9)]
    assert found == [("CVT-000001", drafts[0].customer_id), ("CVT-000002", drafts[2].customer_id)]
