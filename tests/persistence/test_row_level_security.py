"""One business never sees another: row-level security stands behind every query, and keys cannot reach across (pains 23)."""

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, func, select, text, tuple_

from domain.errors import NotFoundError
from persistence import audit, customers, invoices, payments, tenants
from persistence.database import TENANT_ROLE, Database
from persistence.models import Base, SubscriptionRow
from tests import factories
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import NO_RIGHT, UNKNOWN_SETTING, refused_by, refused_with

TABLES = list(Base.metadata.sorted_tables)
# Read before it is known whose request it is, so they carry no tenant or are for the system session alone.
SYSTEM_ONLY = {"webhooks", "staff_tokens", "idempotency_keys"}
READ_ONLY = {"tenants", "gateway_accounts"}
SCOPED = [table for table in TABLES if table.name not in SYSTEM_ONLY | READ_ONLY]
VISIBLE = [table for table in TABLES if table.name not in SYSTEM_ONLY]
APPEND_ONLY = {
    "invoice_lines", "allocations", "ledger_entries", "ledger_postings", "audit_log", "dunning_policies", "credit_notes",
}  # fmt: skip
CROSSING_KEYS = [
    (table, key)
    for table in SCOPED
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    if len(key.columns) > 1
]

every_scoped_table = pytest.mark.parametrize("table", SCOPED, ids=lambda table: table.name)
every_visible_table = pytest.mark.parametrize("table", VISIBLE, ids=lambda table: table.name)


def owner(table: Table) -> str:
    return "id" if table.name == "tenants" else "tenant_id"


@every_visible_table
def test_a_business_sees_its_own_rows_and_none_of_another(
    database: Database, ours: Furnished, theirs: Furnished, table: Table
) -> None:
    with database.tenant(ours.tenant.id) as session:
        seen = set(session.scalars(select(table.c[owner(table)]).distinct()))
    assert seen == {ours.tenant.id}


@every_scoped_table
def test_a_row_cannot_be_written_for_another_business(
    database: Database, ours: Furnished, theirs: Furnished, table: Table
) -> None:
    with database.system() as system:
        row = system.execute(select(table).where(table.c.tenant_id == theirs.tenant.id).limit(1)).mappings().one()
    with refused_with(NO_RIGHT, "row-level security"), database.tenant(ours.tenant.id) as session:
        session.execute(table.insert().values(**row))


@pytest.mark.parametrize("table", [table for table in SCOPED if table.name not in APPEND_ONLY], ids=lambda table: table.name)
def test_an_update_reaches_no_row_of_another_business(
    database: Database, ours: Furnished, theirs: Furnished, table: Table
) -> None:
    with database.tenant(ours.tenant.id) as session:
        changed = session.execute(
            table.update().where(table.c.tenant_id == theirs.tenant.id).values(tenant_id=ours.tenant.id).returning(text("1"))
        )
        assert changed.all() == []


@every_visible_table
def test_nothing_of_a_business_can_be_deleted_in_its_session(database: Database, ours: Furnished, table: Table) -> None:
    with refused_with(NO_RIGHT, f"permission denied for table {table.name}"), database.tenant(ours.tenant.id) as session:
        session.execute(table.delete())


@pytest.mark.parametrize("name", sorted(SYSTEM_ONLY))
def test_tokens_stored_answers_and_the_inbox_are_out_of_a_business_reach(
    database: Database, ours: Furnished, name: str
) -> None:
    with refused_with(NO_RIGHT, f"permission denied for table {name}"), database.tenant(ours.tenant.id) as session:
        session.execute(select(func.count()).select_from(Base.metadata.tables[name]))


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_a_business_cannot_change_its_own_master_data_in_its_session(database: Database, ours: Furnished, name: str) -> None:
    with refused_with(NO_RIGHT, f"permission denied for table {name}"), database.tenant(ours.tenant.id) as session:
        session.execute(Base.metadata.tables[name].update().values(currency="ZAR"))


def test_every_table_that_a_business_may_touch_has_a_policy(database: Database) -> None:
    query = text("""
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
            AND has_any_column_privilege(:role, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
            AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))""")
    with database.system() as system:
        assert system.scalars(query, {"role": TENANT_ROLE}).all() == []


def test_every_table_with_a_tenant_is_known_to_these_tests() -> None:
    assert {table.name for table in SCOPED} == {
        table.name for table in TABLES if "tenant_id" in table.c
    } - SYSTEM_ONLY - READ_ONLY


@pytest.mark.parametrize(("table", "key"), CROSSING_KEYS, ids=[f"{table.name}-{key.name}" for table, key in CROSSING_KEYS])
def test_a_reference_cannot_lead_to_another_business(
    database: Database, ours: Furnished, theirs: Furnished, table: Table, key: ForeignKeyConstraint
) -> None:
    """Row-level security does not bind foreign keys, so the owner of the tables tries, with the guards of changes asleep."""
    column = list(key.columns)[1]
    target = key.referred_table
    with refused_by(str(key.name)), database.system() as system:
        system.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
        # Their bystander's, which nothing refers to yet.
        their_id = system.scalar(select(func.min(target.c.id)).where(target.c.tenant_id == theirs.tenant.id))
        newest = select(*table.primary_key).where(table.c.tenant_id == ours.tenant.id, column.is_not(None))
        newest = newest.order_by(*(part.desc() for part in table.primary_key)).limit(1)
        system.execute(table.update().where(tuple_(*table.primary_key).in_(newest)).values({column.name: their_id}))


def test_a_subscription_for_another_business_customer_is_refused(
    database: Database, ours: Furnished, theirs: Furnished
) -> None:
    plan = factories.make_plan(database, ours.tenant)
    with refused_by("fk_subscriptions_tenant_id_customer_id"), database.tenant(ours.tenant.id) as session:
        session.add(
            SubscriptionRow(customer_id=theirs.customer.id, plan_id=plan.id, quantity=1, starts_on=factories.PERIOD.first_day)
        )


def test_another_business_things_look_as_if_there_were_none(database: Database, ours: Furnished, theirs: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        for ask, identity in (
            (customers.get, theirs.customer.id),
            (customers.lock, theirs.customer.id),
            (invoices.get, theirs.paid.id),
            (invoices.lock_one, theirs.unpaid.id),
            (payments.get, theirs.payment.id),
            (payments.lock, theirs.pending.id),
        ):
            with pytest.raises(NotFoundError, match=identity):
                ask(session, identity)


def test_the_session_knows_whose_it_is(database: Database, ours: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        assert tenants.current(session) == ours.tenant


@every_visible_table
def test_a_session_that_was_bound_to_nobody_fails(database: Database, ours: Furnished, table: Table) -> None:
    database.engine.dispose()  # a connection that has never been bound
    with refused_with(UNKNOWN_SETTING, "dunlin.tenant_id"), database.system() as system:
        system.execute(text(f"SET LOCAL ROLE {TENANT_ROLE}"))
        system.execute(select(func.count()).select_from(table))


@every_visible_table
def test_a_binding_does_not_outlive_its_transaction(database: Database, ours: Furnished, table: Table) -> None:
    with database.engine.connect() as connection:
        bind = text("SELECT set_config('dunlin.tenant_id', :tenant, true), set_config('role', :role, true)")
        connection.execute(bind, {"tenant": ours.tenant.id, "role": TENANT_ROLE})
        connection.commit()
        connection.execute(text(f"SET LOCAL ROLE {TENANT_ROLE}"))
        assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_a_session_bound_to_nobody_writes_nothing(database: Database) -> None:
    with refused_by("fk_audit_log_tenant_id"), database.tenant("") as session:
        audit.record(session, factories.NOW, audit.SYSTEM, "INVOICE_ISSUED", "Invoice", "inv_none")
