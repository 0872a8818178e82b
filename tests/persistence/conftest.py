"""Two businesses with a row in every table, for tests that read or are refused, and so change nothing."""

import pytest

from persistence.database import Database
from tests import factories
from tests.persistence.furnished import Furnished, furnish


@pytest.fixture(scope="package")
def ours(database: Database) -> Furnished:
    """The business whose session the test is in. Nothing may be changed for good in it."""
    return furnish(database, factories.make_tenant(database))


@pytest.fixture(scope="package")
def theirs(database: Database) -> Furnished:
    """Another business, of which nothing may be seen. Nothing may be changed for good in it."""
    return furnish(database, factories.make_tenant(database, name="Little Acorns Crèche"))
