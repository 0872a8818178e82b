"""Where the tests' PostgreSQL comes from: the one that is named, else a container, else the embedded server.

All three serve the same tests. Whatever the server, tests work in databases of their own, which are dropped at the end.
"""

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.docker_client import DockerClient

from dev import postgres

IMAGE = "postgres:18"


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL server: the URL of a database on it whose role may make further databases."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    elif _docker_answers():
        settings = " ".join(f"-c {name}={value}" for name, value in postgres.FAST.items())
        with PostgresContainer(IMAGE, driver="psycopg").with_command(f"postgres {settings}") as container:
            yield container.get_connection_url()
    else:
        with postgres.running() as embedded:
            yield embedded.url()


@contextmanager
def fresh_database(server_url: str, purpose: str) -> Iterator[str]:
    """The URL of an empty database `dunlin_<purpose>_<pid>` on the server; dropped at the end whoever is still connected."""
    name = f"dunlin_{purpose}_{os.getpid()}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
            # Nothing here has to outlive a power cut, whatever the server is set to.
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


def _docker_answers() -> bool:
    # The client leaves its socket to the garbage collector when nobody answers, which would count as a warning later.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            DockerClient(timeout=3).client.ping()
        except Exception:  # noqa: BLE001 - no socket, no permission, no engine: each raises another class and means the same
            return False
        finally:
            gc.collect()
    return True
