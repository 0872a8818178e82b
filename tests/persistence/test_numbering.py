"""Invoice numbers are gapless, whoever issues at the same moment and whatever is rolled back (pains 10)."""

from collections.abc import Callable

from sqlalchemy import select

from domain.customer import Tenant
from domain.invoice import InvoiceDraft
from domain.subscription import Charge
from persistence import checks, invoices
from persistence.database import Database
from persistence.models import InvoiceRow
from tests import factories
from tests.persistence.parallel import at_once

WORKERS = 8
EACH = 6


class RolledBackError(Exception):
    """Something went wrong after the number was taken."""


def issuer(database: Database, tenant: Tenant, run_id: str, charges: list[Charge], worker: int) -> Callable[[], list[str]]:
    """Issues an invoice a charge, each in a transaction; about a third of them are rolled back after the number was taken."""

    def issue() -> list[str]:
        kept = []
        for turn, charge in enumerate(charges):
            try:
                with database.tenant(tenant.id) as session:
                    terms = factories.issue_terms(tenant, factories.make_run(database, tenant))
                    number = invoices.issue(session, factories.charge_draft(charge), terms).number
                    if (worker + turn * turn) % 3 == 0:
                        raise RolledBackError
                    kept.append(number)
            except RolledBackError:
                continue
        return kept

    return issue


def test_numbers_are_gapless_under_parallel_issues_and_rollbacks(database: Database, tenant: Tenant) -> None:
    run = factories.make_run(database, tenant)
    charges = [
        [factories.make_charge(database, tenant, factories.make_customer(database, tenant)) for _ in range(EACH)]
        for _ in range(WORKERS)
    ]

    kept = at_once([issuer(database, tenant, run.id, charges[worker], worker) for worker in range(WORKERS)])

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
    drafts = [
        factories.charge_draft(factories.make_charge(database, tenant, factories.make_customer(database, tenant)))
        for _ in range(3)
    ]

    def issue(draft: InvoiceDraft, *, fails: bool) -> None:
        with database_session.begin_nested():
            invoices.issue(database_session, draft, factories.issue_terms(tenant, run))
            if fails:
                raise RolledBackError

    with database.tenant(tenant.id) as database_session:
        issue(drafts[0], fails=False)
        try:
            issue(drafts[1], fails=True)
        except RolledBackError:
            pass
        issue(drafts[2], fails=False)

    with database.tenant(tenant.id) as session:
        found = [(detail.invoice.number, detail.invoice.customer_id) for detail in invoices.page(session, after=None, limit=9)]
    assert found == [("CVT-000001", drafts[0].customer_id), ("CVT-000002", drafts[2].customer_id)]
