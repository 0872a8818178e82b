"""What the database itself holds about invoices and the ledger: sums agree, facts stay, nothing is billed or posted twice."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.errors import InvariantError
from domain.invoice import InvoiceDraft
from domain.money import Money
from persistence import invoices, issuing
from persistence.database import Database
from persistence.models import InvoiceLineRow, InvoiceRow, LedgerEntryRow, LedgerPostingRow
from tests import factories
from tests.factories import NOW, PERIOD, usd
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import NO_RIGHT, refused_by, refused_with

APPEND_ONLY = ["invoice_lines", "allocations", "ledger_entries", "ledger_postings", "audit_log"]


def update(session: Session, invoice_id: str, assignment: str) -> None:
    session.execute(text(f"UPDATE invoices SET {assignment} WHERE id = :id"), {"id": invoice_id})


def post(session: Session, *amounts: Money, cause_id: str = "a test") -> None:
    entry = LedgerEntryRow(cause="test", cause_id=cause_id, posted_at=NOW)
    session.add(entry)
    session.flush()
    append(session, entry.id, *amounts)


def append(session: Session, entry_id: str, *amounts: Money) -> None:
    session.add_all(
        LedgerPostingRow(entry_id=entry_id, account="bank", amount=amount.minor, currency=amount.currency) for amount in amounts
    )


@pytest.mark.parametrize(
    "assignment",
    [
        "series = 'credit_note'",
        "sequence = sequence + 100",
        "number = 'CVT-999999'",
        "currency = 'ZAR'",
        "net = net + 1, total = total + 1",
        "tax = tax + 1, total = total + 1",
        "issued_on = issued_on - 1",
    ],
)
def test_what_an_invoice_says_never_changes(database: Database, ours: Furnished, assignment: str) -> None:
    with refused_by("invoices_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.unpaid.id, assignment)


def test_an_invoice_never_becomes_another_customers(database: Database, ours: Furnished) -> None:
    other = factories.make_customer(database, ours.tenant)
    with refused_by("invoices_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.unpaid.id, f"customer_id = '{other.id}'")


@pytest.mark.parametrize("assignment", ["state = 'VOID'", "state = 'WRITTEN_OFF'"])
def test_a_closed_invoice_stays_as_it_was_closed(database: Database, ours: Furnished, assignment: str) -> None:
    with refused_by("invoices_closed_stays_closed"), database.tenant(ours.tenant.id) as session:
        update(session, ours.paid.id, assignment)


def test_a_paid_invoice_opens_again_with_the_ledger_only(database: Database, ours: Furnished) -> None:
    """A reversal of its payment opens it; nothing else does."""
    with refused_by("invoices_agree_with_ledger"), database.tenant(ours.tenant.id) as session:
        update(session, ours.paid.id, "state = 'OPEN', amount_due = 1, closed_at = NULL")


@pytest.mark.parametrize(
    "assignment",
    [
        "amount_due = amount_due - 1",
        "amount_due = 0, state = 'PAID', closed_at = now()",
    ],
)
def test_what_is_due_moves_with_the_ledger_only(database: Database, ours: Furnished, assignment: str) -> None:
    with refused_by("invoices_agree_with_ledger"), database.tenant(ours.tenant.id) as session:
        update(session, ours.unpaid.id, assignment)


def test_an_invoice_without_lines_is_refused(database: Database, ours: Furnished) -> None:
    run = factories.make_run(database, ours.tenant, dry_run=True)
    its_own = {"id": "inv_copy", "sequence": 999, "payment_token": "copy", "run_id": run.id}
    with refused_by("invoices_lines_make_totals"), database.tenant(ours.tenant.id) as session:
        row = session.execute(select(InvoiceRow.__table__).where(InvoiceRow.id == ours.unpaid.id)).mappings().one()
        session.add(InvoiceRow(**{**row, **its_own}))


def test_a_line_cannot_be_added_to_an_invoice_that_was_issued(database: Database, ours: Furnished) -> None:
    charge = factories.make_charge(database, ours.tenant, ours.customer)
    facts = {"description": "afterthought", "quantity": 1, "unit_price": 100, "tax_basis_points": 0, "charge_id": charge.id}
    with refused_by("invoices_lines_make_totals"), database.tenant(ours.tenant.id) as session:
        session.add(InvoiceLineRow(invoice_id=ours.unpaid.id, position=99, net=100, tax=0, gross=100, **facts))


def test_a_payment_link_never_changes(database: Database, ours: Furnished) -> None:
    with refused_by("invoices_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.unpaid.id, "payment_token = 'mine'")


def test_lines_that_do_not_make_the_total_are_refused(database: Database, tenant: Tenant) -> None:
    """One cent between a line and the total is the classic of pains 11."""
    charge = factories.make_charge(database, tenant, factories.make_customer(database, tenant), unit_price=usd("25"))
    draft = factories.charge_draft(charge)

    class OffByOneCent(InvoiceDraft):
        @property
        def net(self) -> Money:
            return usd("25.01")

        @property
        def gross(self) -> Money:
            return usd("25.01")

    terms = factories.issue_terms(tenant, factories.make_run(database, tenant))
    with refused_by("invoices_lines_make_totals"), database.tenant(tenant.id) as session:
        issuing.issue(session, OffByOneCent(draft.customer_id, draft.currency, draft.lines), terms)


def test_a_month_of_a_subscription_is_billed_once(database: Database, ours: Furnished) -> None:
    customer = ours.customer
    charge = factories.make_charge(database, ours.tenant, customer)
    subscription = factories.make_subscription(database, ours.tenant, customer, factories.make_plan(database, ours.tenant))
    once = factories.charge_draft(charge)
    line = replace(once.lines[0], charge_id=None, subscription_id=subscription.id, period_start=PERIOD.first_day)
    with refused_by("uq_invoice_lines_subscription_id_period_start"), database.tenant(ours.tenant.id) as session:
        for period in ("first", "second"):
            run = factories.make_run(database, ours.tenant, dry_run=True)
            terms = replace(factories.issue_terms(ours.tenant, run), payment_token=f"{run.id}-{period}")
            issuing.issue(session, replace(once, lines=(line,)), terms)


def test_a_charge_is_billed_once(database: Database, ours: Furnished) -> None:
    draft = factories.charge_draft(factories.make_charge(database, ours.tenant, ours.customer))
    with refused_by("uq_invoice_lines_charge_id"), database.tenant(ours.tenant.id) as session:
        for _ in range(2):
            run = factories.make_run(database, ours.tenant, dry_run=True)
            issuing.issue(session, draft, factories.issue_terms(ours.tenant, run))


def test_a_customer_gets_one_invoice_a_currency_of_one_run(database: Database, ours: Furnished) -> None:
    run = factories.make_run(database, ours.tenant, dry_run=True)
    charges = [factories.make_charge(database, ours.tenant, ours.customer) for _ in range(2)]
    with refused_by("uq_invoices_tenant_id_customer_id_currency_run_id"), database.tenant(ours.tenant.id) as session:
        for charge in charges:
            issuing.issue(session, factories.charge_draft(charge), factories.issue_terms(ours.tenant, run))


@pytest.mark.parametrize("amount", ["0", "0.01"])
def test_owing_again_what_was_never_paid_is_refused_by_the_rules_already(
    database: Database, ours: Furnished, amount: str
) -> None:
    with pytest.raises(InvariantError, match=ours.unpaid.id), database.tenant(ours.tenant.id) as session:
        invoices.unpay(session, ours.unpaid, usd(amount))


def test_paying_more_than_is_due_is_refused_by_the_rules_already(database: Database, ours: Furnished) -> None:
    with pytest.raises(InvariantError, match=ours.unpaid.id), database.tenant(ours.tenant.id) as session:
        invoices.pay(session, ours.unpaid, ours.unpaid.amount_due + usd("0.01"), NOW)


@pytest.mark.parametrize(
    "amounts",
    [(usd("1"),), (usd("1"), usd("-1.01")), (usd("1"), Money(-100, "ZAR"))],
    ids=["one side only", "a cent too much", "two currencies"],
)
def test_an_entry_that_does_not_sum_to_zero_in_each_currency_is_refused(
    database: Database, ours: Furnished, amounts: tuple[Money, ...]
) -> None:
    with refused_by("ledger_entries_sum_to_zero"), database.tenant(ours.tenant.id) as session:
        post(session, *amounts)


def test_an_entry_without_postings_is_refused(database: Database, ours: Furnished) -> None:
    with refused_by("ledger_entries_sum_to_zero"), database.tenant(ours.tenant.id) as session:
        post(session)


def test_a_posting_added_later_must_keep_the_sum(database: Database, ours: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        entry_id = session.scalars(text("SELECT id FROM ledger_entries LIMIT 1").columns(LedgerEntryRow.id)).one()
    with refused_by("ledger_entries_sum_to_zero"), database.tenant(ours.tenant.id) as session:
        append(session, entry_id, usd("1"))


def test_one_cause_is_posted_once(database: Database, ours: Furnished) -> None:
    with refused_by("uq_ledger_entries_tenant_id_cause_cause_id"), database.tenant(ours.tenant.id) as session:
        post(session, usd("1"), usd("-1"), cause_id="twice")
        post(session, usd("1"), usd("-1"), cause_id="twice")


@pytest.mark.parametrize("statement", ["UPDATE {table} SET tenant_id = tenant_id", "DELETE FROM {table}"])
@pytest.mark.parametrize("table", APPEND_ONLY)
class TestWhatIsWrittenStays:
    def test_even_the_owner_of_the_tables_can_only_add(
        self, database: Database, ours: Furnished, table: str, statement: str
    ) -> None:
        with refused_by(f"{table}_append_only"), database.system() as system:
            system.execute(text(f"{statement.format(table=table)} WHERE tenant_id = :t"), {"t": ours.tenant.id})

    def test_a_business_has_not_even_the_right_to_try(
        self, database: Database, ours: Furnished, table: str, statement: str
    ) -> None:
        with refused_with(NO_RIGHT, f"permission denied for table {table}"), database.tenant(ours.tenant.id) as session:
            session.execute(text(statement.format(table=table)))
