"""Migrations go up and down and up again, what they build is what the models say, and what was there stays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from domain.dunning_policy import DunningPolicy, default_policy
from persistence import audit, dunning_policies, migrate
from persistence.database import Database
from persistence.models import Base
from tests import databases
from tests.factories import NOW
from tests.persistence.parallel import at_once

CONSTRAINTS = """
    SELECT conrelid::regclass || '.' || conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u', 'f', 'c')
        AND conrelid::regclass::text <> 'alembic_version'"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
COLUMNS = """
    SELECT table_name || '.' || column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '') || ' '
        || is_nullable || ' ' || coalesce(column_default, '') FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name <> 'alembic_version'"""
OBJECTS = """
    SELECT 'table ' || relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S', 'v')
    UNION SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"""


@pytest.fixture
def empty(database_server: str) -> Iterator[Database]:
    with databases.fresh_database(database_server, "migrations") as url:
        database = Database(url, connections=4)
        yield database
        database.close()


@pytest.fixture
def from_models(database_server: str) -> Iterator[Connection]:
    """A database that was made from the models, without any migration."""
    with databases.fresh_database(database_server, "models") as url:
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


def facts(connection: Connection, query: str) -> set[str]:
    return set(connection.scalars(text(query)))


def test_up_down_and_up_again_leaves_nothing_and_breaks_nothing(empty: Database) -> None:
    assert not empty.is_ready()
    migrate.upgrade(empty.engine)
    with empty.engine.connect() as connection:
        built = facts(connection, OBJECTS)
    assert empty.is_ready()

    migrate.downgrade(empty.engine)
    with empty.engine.connect() as connection:
        assert facts(connection, OBJECTS) == {"table alembic_version"}

    migrate.upgrade(empty.engine)
    with empty.engine.connect() as connection:
        assert facts(connection, OBJECTS) == built


def test_upgrading_what_is_up_to_date_changes_nothing(database: Database) -> None:
    migrate.upgrade(database.engine)
    with database.engine.connect() as connection:
        assert migrate.differences(connection) == []


def test_two_deployments_may_migrate_at_once(empty: Database) -> None:
    at_once([lambda: migrate.upgrade(empty.engine)] * 2)
    with empty.engine.connect() as connection:
        assert migrate.differences(connection) == []


@pytest.mark.parametrize("query", [CONSTRAINTS, INDEXES, COLUMNS], ids=["constraints", "indexes", "columns"])
def test_migrations_build_what_the_models_say(database: Database, from_models: Connection, query: str) -> None:
    """Alembic compares no checks, no predicates and no defaults; here the two databases are asked for their own words."""
    with database.engine.connect() as connection:
        assert facts(connection, query) == facts(from_models, query)


# What a business had before 0005: no country, and its policy in a column.
OLD_POLICY = {"send_at": "14:00", "steps": [{"offset": "P7D", "action": "overdue_notice"}]}
INSERT_OLD_TENANT = """
    INSERT INTO tenants (id, slug, name, currency, time_zone, payment_terms_days, prices_include_tax, invoice_prefix,
        sender_email, contact_email, address_line, colour, portal_url, locale, dunning_policy, created_at)
    VALUES (:id, :slug, 'Acacia', 'USD', 'Africa/Harare', 14, false, 'A-', 'a@a.example', 'b@a.example', 'Harare', '#1e3a5f',
        'https://a.example', :locale, cast(:policy AS jsonb), :now)"""
ZW, ZA, PLAIN = (f"ten_{number:026}" for number in (1, 2, 3))


@pytest.fixture
def old_businesses(empty: Database) -> Database:
    """A database of the release before policies had versions, with three businesses in it."""
    migrate.upgrade(empty.engine, "0004")
    with empty.system() as system:
        for identity, locale in ((ZW, "en_ZW"), (ZA, "af_ZA"), (PLAIN, "en")):
            facts = {"id": identity, "slug": identity[-1], "locale": locale, "policy": json.dumps(OLD_POLICY), "now": NOW}
            system.execute(text(INSERT_OLD_TENANT), facts)
    return empty


def policies_in_columns(database: Database) -> dict[str, Any]:
    with database.system() as system:
        return {row.id: row.dunning_policy for row in system.execute(text("SELECT id, dunning_policy FROM tenants"))}


def test_a_business_keeps_its_policy_as_version_1_and_gets_the_country_of_its_locale(old_businesses: Database) -> None:
    migrate.upgrade(old_businesses.engine)
    for identity, country in ((ZW, "ZW"), (ZA, "ZA"), (PLAIN, "ZW")):
        with old_businesses.tenant(identity) as session:
            kept = dunning_policies.of_business(session)
            assert session.scalar(text("SELECT country FROM tenants")) == country
        assert (kept.version, kept.customer_id, kept.policy) == (1, None, DunningPolicy.from_data(OLD_POLICY))
        assert (kept.created_by, kept.created_at, kept.note) == (audit.SYSTEM, NOW, "")


def test_going_back_gives_each_business_the_policy_that_it_has_by_then(old_businesses: Database) -> None:
    migrate.upgrade(old_businesses.engine)
    with old_businesses.tenant(ZA) as session:
        dunning_policies.put(session, default_policy(), actor="Rudo", now=NOW)
    migrate.downgrade(old_businesses.engine, "0004")
    assert policies_in_columns(old_businesses) == {ZW: OLD_POLICY, ZA: default_policy().to_data(), PLAIN: OLD_POLICY}

    migrate.upgrade(old_businesses.engine)
    with old_businesses.tenant(ZA) as session:
        again = dunning_policies.of_business(session)
    assert (again.version, again.policy) == (1, default_policy())
