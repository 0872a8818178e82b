"""Migrations go up and down and up again, and what they build is what the models say."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, text

from persistence import migrate
from persistence.database import Database
from persistence.models import Base
from tests import databases
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
