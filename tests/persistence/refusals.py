"""How the tests say that the database refused: by the name of the constraint, which is part of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

# PostgreSQL's words for a row that a policy hides or a right that a role has not.
NO_RIGHT = "42501"
UNKNOWN_SETTING = "42704"


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block, or its commit, breaks exactly this constraint."""
    with pytest.raises(DBAPIError) as caught:
        yield
    assert isinstance(caught.value.orig, psycopg.Error)
    assert caught.value.orig.diag.constraint_name == constraint


@contextmanager
def refused_with(sqlstate: str, words: str = "") -> Iterator[None]:
    """The block, or its commit, fails with this SQLSTATE, and says so."""
    with pytest.raises(DBAPIError, match=words) as caught:
        yield
    assert isinstance(caught.value.orig, psycopg.Error)
    assert caught.value.orig.sqlstate == sqlstate
