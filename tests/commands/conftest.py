"""A database for commands, and the means to run them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

import manage
from persistence.database import Database
from settings import Settings
from tests import databases
from tests.commands.shell import KEY, Run, Said


@pytest.fixture(scope="module")
def url(database_server: str) -> Iterator[str]:
    """The URL of a database that only these commands use."""
    with databases.fresh_database(database_server, "manage") as url:
        yield url


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as a shell does, in an environment of its own; further variables by keyword."""
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> Said:
        with monkeypatch.context() as during:
            for name, value in {"DATABASE_URL": url, "DUNLIN_SECRET_KEY": KEY, **variables}.items():
                during.setenv(name, value)
            during.setattr("sys.argv", ["manage", *arguments])
            with pytest.raises(SystemExit) as ended:
                manage.main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def migrated(run: Run, url: str) -> Iterator[Database]:
    """The database that the commands work on, without a tenant."""
    assert run("migrate").code == 0
    database = Database(url)
    with database.system() as system:
        system.execute(text("TRUNCATE tenants, number_series CASCADE"))
    yield database
    database.close()
