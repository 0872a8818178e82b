"""The embedded PostgreSQL server, started for real."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dev.postgres import PostgresServer, running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[PostgresServer]:
    with running(home) as server:
        yield server


def connect(address: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(address.replace("+psycopg", ""), autocommit=True, connect_timeout=5)


def test_it_is_postgresql_18_with_the_database_dunlin_in_utc(server: PostgresServer) -> None:
    with connect(server.url()) as connection:
        assert str(connection.execute("SHOW server_version").fetchone()).startswith("('18.")
        assert connection.execute("SELECT current_database(), current_setting('timezone')").fetchone() == ("dunlin", "UTC")


def test_the_applications_role_is_no_superuser_so_that_row_level_security_holds(server: PostgresServer) -> None:
    query = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with connect(server.url()) as connection:
        assert connection.execute(query).fetchone() == (False, False)


def test_a_wrong_password_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server.url().replace(server.password, "guess"))


def test_data_outlive_the_server_and_a_pid_file_left_by_a_dead_one(tmp_path: Path) -> None:
    with running(tmp_path) as server, connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    # As after a crash: the number in the file now belongs to another process, this one.
    (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path / 'data'}\n")

    with running(tmp_path) as server, connect(server.url()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


if os.geteuid() == 0:  # nobody else can give files away

    def test_data_of_another_account_are_refused_with_both_names(tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "PG_VERSION").write_text("18\n")

        with pytest.raises(RuntimeError, match=r"belong to the account root.*Start the stack as the account that made it"):
            PostgresServer(data, 1, "secret").prepare()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no_such_setting"), running(tmp_path, {"no_such_setting": "on"}):
        pass
