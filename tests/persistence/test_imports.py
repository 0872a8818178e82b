"""Imports against the real database: all or nothing, harmless twice, and never into another business."""

import threading
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.customer_import import ImportFile
from domain.errors import InvalidInputError
from domain.ids import Prefix
from persistence import imports
from persistence.contacts import email_address, phone_rule
from persistence.database import Database
from persistence.import_plan import ImportPlan, ImportResult
from persistence.imports import ImportOutcome
from persistence.models import AuditRow, ChargeRow, CustomerRow, PlanRow, SubscriptionRow
from tests import factories
from tests.factories import NOW

DATA = Path(__file__).parents[2] / "dev" / "data"
PLANS = """code,name,price,currency,interval_months,tax_percent,prorated
POS,POS Terminal,15.00,USD,1,15.5,yes
SUPPORT,Support,10.00,USD,1,15.5,no
"""
CUSTOMERS = """reference,name,email,phone,plan,quantity,starts_on,ends_on
C1,Moyo Hardware,Accounts@Moyo.EXAMPLE,+263 77 123 4567,POS,3,2026-01-01,
C1,Moyo Hardware,Accounts@Moyo.EXAMPLE,0771234567,SUPPORT,1,2026-01-01,2026-12-31
C2,Ncube Butchery,,,,,,
"""
CHARGES = """customer_reference,description,quantity,unit_price,currency,tax_percent,charge_on
C1,Installation,1,50.00,USD,15.5,2026-11-02
"""
ALL = {ImportFile.PLANS: PLANS, ImportFile.CUSTOMERS: CUSTOMERS, ImportFile.CHARGES: CHARGES}
TABLES = (PlanRow, CustomerRow, SubscriptionRow, ChargeRow, AuditRow)


def run(database: Database, tenant: Tenant, files: Mapping[ImportFile, str], *, dry_run: bool = False) -> ImportOutcome:
    with database.tenant(tenant.id) as session:
        contents = {file: content.encode() for file, content in files.items()}
        return imports.run(session, contents, actor="rudo@cvt.example", now=NOW, dry_run=dry_run)


def imported(outcome: ImportOutcome) -> ImportResult:
    assert not outcome.problems
    assert outcome.result is not None
    return outcome.result


def counts(database: Database, tenant: Tenant) -> list[int | None]:
    with database.tenant(tenant.id) as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in TABLES]


def stored(session: Session, reference: str) -> CustomerRow:
    return session.scalars(select(CustomerRow).where(CustomerRow.reference == reference)).one()


def audited(database: Database, tenant: Tenant) -> list[tuple[str, str, dict[str, Any]]]:
    with database.tenant(tenant.id) as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
        return [(row.action, row.resource_id, row.details) for row in rows]


def test_plans_customers_and_charges_come_in_together(database: Database, tenant: Tenant) -> None:
    result = imported(run(database, tenant, ALL))
    assert (result.plans_added, result.customers_added, result.subscriptions_added, result.charges_added) == (2, 2, 2, 1)
    with database.tenant(tenant.id) as session:
        customer = stored(session, "C1")
        assert (customer.email, customer.phone, customer.created_at) == ("Accounts@moyo.example", "0771234567", NOW)
        rows = session.execute(
            select(PlanRow.code, PlanRow.price, SubscriptionRow.quantity, SubscriptionRow.starts_on, SubscriptionRow.ends_on)
            .join(PlanRow, PlanRow.id == SubscriptionRow.plan_id)
            .where(SubscriptionRow.customer_id == customer.id)
            .order_by(PlanRow.code)
        )
        first = date(2026, 1, 1)
        assert [tuple(row) for row in rows] == [
            ("POS", 1500, 3, first, None),
            ("SUPPORT", 1000, 1, first, date(2026, 12, 31)),
        ]
        charge = session.scalars(select(ChargeRow).where(ChargeRow.customer_id == customer.id)).one()
        assert (charge.unit_price, charge.currency, charge.tax_basis_points) == (5000, "USD", 1550)


def test_an_import_is_audited_once_with_its_counts(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    ((action, resource, details),) = audited(database, tenant)
    assert (action, resource) == ("CUSTOMERS_IMPORTED", tenant.id)
    assert (details["customers_added"], details["subscriptions_added"], details["unchanged"]) == (2, 2, 0)


def test_importing_the_same_files_twice_changes_nothing(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    before = counts(database, tenant)
    again = run(database, tenant, ALL)
    # Two plans, two customers, two subscriptions and a charge are there already.
    assert imported(again) == ImportResult(customers_added=0, customers_changed=0, subscriptions_added=0, unchanged=7)
    assert not again.changes
    assert counts(database, tenant) == before


def test_a_dry_run_tells_what_would_be_done_and_does_none_of_it(database: Database, tenant: Tenant) -> None:
    before = counts(database, tenant)
    rehearsed = imported(run(database, tenant, ALL, dry_run=True))
    assert counts(database, tenant) == before
    assert rehearsed == imported(run(database, tenant, ALL))


def test_one_bad_row_keeps_everything_out(database: Database, tenant: Tenant) -> None:
    before = counts(database, tenant)
    bad = CUSTOMERS + "C3,Dube,not an address,12,POS,1,2026-01-01,\nC4,Sibanda,,,GOLD,1,2026-01-01,\n"
    outcome = run(database, tenant, {**ALL, ImportFile.CUSTOMERS: bad})
    assert outcome.result is None
    assert [(problem.row, problem.column) for problem in outcome.problems] == [(5, "email"), (5, "phone"), (6, "plan")]
    assert "'12' is not a phone number such as 0712345678 or +263771234567." in outcome.problems[1].message
    assert "there is no plan 'GOLD'" in outcome.problems[2].message
    assert counts(database, tenant) == before


def test_a_plan_with_problems_is_never_applied(database: Database, tenant: Tenant) -> None:
    drawn = ImportPlan()
    drawn.add(CustomerRow, Prefix.CUSTOMER, reference="C1", name="Moyo", email=None, phone=None)
    drawn.refuse(ImportFile.CUSTOMERS, 2, "name", "this is blank; fill it in.")
    with database.tenant(tenant.id) as session:
        with pytest.raises(InvalidInputError, match="row 2: name: this is blank"):
            imports.apply(session, drawn, actor="rudo", now=NOW)
        assert session.scalar(select(func.count()).select_from(CustomerRow)) == 0


def test_a_charge_for_nobody_is_refused(database: Database, tenant: Tenant) -> None:
    outcome = run(database, tenant, {ImportFile.CHARGES: CHARGES})
    assert [(problem.row, problem.column) for problem in outcome.problems] == [(2, "customer_reference")]
    assert "there is no customer 'C1'" in outcome.problems[0].message


def test_a_known_reference_is_updated_and_says_so(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    header = CUSTOMERS.splitlines()[0]
    outcome = run(database, tenant, {ImportFile.CUSTOMERS: f"{header}\nC1,Moyo Tools,tools@moyo.example,,POS,4,2026-01-01,\n"})
    result = imported(outcome)
    assert (result.customers_changed, result.subscriptions_changed, result.customers_added) == (1, 1, 0)
    assert [str(change) for change in outcome.changes] == [
        "customers.csv, row 2: name: Moyo Hardware becomes Moyo Tools",
        "customers.csv, row 2: email: Accounts@moyo.example becomes tools@moyo.example",
        "customers.csv, row 2: quantity: 3 becomes 4",
    ]
    with database.tenant(tenant.id) as session:
        customer = stored(session, "C1")
        assert (customer.name, customer.phone) == ("Moyo Tools", "0771234567")
    changed = {action: details["columns"] for action, _, details in audited(database, tenant) if action.endswith("_CHANGED")}
    assert changed == {"CUSTOMER_CHANGED": ["email", "name"], "SUBSCRIPTION_CHANGED": ["quantity"]}


def test_a_blank_cell_leaves_what_is_stored(database: Database, tenant: Tenant) -> None:
    """Last month's file must not start a subscription again that staff have ended since."""
    run(database, tenant, ALL)
    header = CUSTOMERS.splitlines()[0]
    result = imported(run(database, tenant, {ImportFile.CUSTOMERS: f"{header}\nC1,Moyo Hardware,,,SUPPORT,1,2026-01-01,\n"}))
    assert (result.customers_changed, result.subscriptions_changed, result.unchanged) == (0, 0, 2)
    with database.tenant(tenant.id) as session:
        ends = session.scalars(select(SubscriptionRow.ends_on).where(SubscriptionRow.ends_on.is_not(None))).all()
        assert list(ends) == [date(2026, 12, 31)]
        assert stored(session, "C1").email == "Accounts@moyo.example"


def test_what_the_session_read_before_is_not_stale_after(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    content = CUSTOMERS.replace("Ncube Butchery", "Ncube & Sons").encode()
    with database.tenant(tenant.id) as session:
        before = stored(session, "C2")
        imports.run(session, {ImportFile.CUSTOMERS: content}, actor="rudo", now=NOW)
        assert before.name == "Ncube & Sons"


def test_an_import_never_changes_the_price_of_a_plan(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    outcome = run(database, tenant, {ImportFile.PLANS: PLANS.replace("15.00", "18.00")})
    (problem,) = outcome.problems
    assert str(problem) == (
        "plans.csv, row 2: code: plan 'POS' exists with other terms (USD 15.00 every 1 month(s), tax 15.5 %, prorated), "
        "which its subscribers keep; give the new ones a new code."
    )
    assert imported(run(database, tenant, {ImportFile.PLANS: PLANS.replace("POS Terminal", "Till")})).plans_changed == 1


def test_the_same_reference_at_another_business_is_somebody_else(database: Database, tenant: Tenant) -> None:
    run(database, tenant, ALL)
    other = factories.make_tenant(database)
    assert imported(run(database, other, ALL)).customers_added == 2
    assert run(database, other, {ImportFile.CHARGES: CHARGES.replace("C1", "C9")}).problems
    assert counts(database, tenant) == [2, 2, 2, 1, 1]


def test_two_imports_at_once_add_each_customer_once(database: Database, tenant: Tenant) -> None:
    """The second waits for the first, and then finds nothing left to add."""
    second: list[ImportResult] = []
    thread = threading.Thread(target=lambda: second.append(imported(run(database, tenant, ALL))))
    with database.tenant(tenant.id) as session:
        imports.run(session, {file: content.encode() for file, content in ALL.items()}, actor="rudo", now=NOW)
        thread.start()
        while not _somebody_waits(database):
            assert thread.is_alive()
    thread.join()
    assert [(result.customers_added, result.unchanged) for result in second] == [(0, 7)]


def _somebody_waits(database: Database) -> bool:
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with database.system() as system:
        return bool(system.scalar(waiting))


@pytest.mark.parametrize(
    ("slug", "locale", "expected"),
    [
        ("cvt", "en_ZW", (48, 58, 5, 8)),
        ("crechebooks", "en_ZA", (40, 44, 4, 6)),
    ],
)
def test_the_demo_businesses_can_be_imported(database: Database, slug: str, locale: str, expected: tuple[int, ...]) -> None:
    tenant = factories.make_tenant(database, locale=locale)
    files = {file: (DATA / f"{slug}_{file.value}").read_text(encoding="utf-8") for file in ImportFile}
    result = imported(run(database, tenant, files))
    assert (result.customers_added, result.subscriptions_added, result.plans_added, result.charges_added) == expected
    with database.tenant(tenant.id) as session:
        without = session.scalar(select(func.count()).select_from(CustomerRow).where(CustomerRow.email.is_(None)))
        assert without == (2 if slug == "cvt" else 0)


@pytest.mark.parametrize(
    ("locale", "written", "kept"),
    [
        ("en_ZW", "0771234567", "0771234567"),
        ("en_ZW", "771234567", "0771234567"),  # a spreadsheet took it for a number
        ("en_ZW", "+263 (0)77 123 4567", "0771234567"),
        ("en-ZA", "082 123 4567", "0821234567"),
        ("en_ZW", "+27 82 123 4567", "+27821234567"),
        ("en", "+27 82 123 4567", "+27821234567"),
    ],
)
def test_a_phone_number_is_kept_as_mobile_money_asks_for_it(locale: str, written: str, kept: str) -> None:
    assert phone_rule(locale)(written) == kept


@pytest.mark.parametrize(("locale", "written"), [("en_ZW", "12345"), ("en_ZW", "phone"), ("en", "0821234567"), ("en_ZW", "0")])
def test_what_is_no_phone_number_is_refused_with_an_example(locale: str, written: str) -> None:
    with pytest.raises(InvalidInputError, match=r"is not a phone number such as .*\+263771234567"):
        phone_rule(locale)(written)


def test_an_address_is_checked_without_asking_the_network() -> None:
    assert email_address("Accounts@MOYO.example") == "Accounts@moyo.example"
    with pytest.raises(InvalidInputError, match=r"is not an e-mail address such as name@business\.com"):
        email_address("accounts@moyo")
