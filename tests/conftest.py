"""What all tests share: one migrated database a session, a tenant of its own for each test, and how properties are tried."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from domain.customer import Tenant
from persistence import migrate
from persistence.database import Database
from tests import databases, factories

# No deadline: a slow machine must not fail a rule.
settings.register_profile("dunlin", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dunlin")


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a server on which a test may make databases (`tests/databases.py`)."""
    with databases.server() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(database_server: str) -> Iterator[str]:
    """The URL of this session's database; empty until `database` has migrated it."""
    with databases.fresh_database(database_server, "test") as url:
        yield url


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    """The session's migrated database. Tests share it and clean nothing: each works in tenants of its own."""
    database = Database(database_url)
    try:
        migrate.upgrade(database.engine)
        yield database
    finally:
        database.close()


@pytest.fixture
def tenant(database: Database) -> Tenant:
    """A fresh tenant: USD, Africa/Harare, 14 days to pay, net prices, the default dunning policy."""
    return factories.make_tenant(database)
