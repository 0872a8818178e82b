"""Migrations: up, down, and whether the models still say what the migrations built."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

from persistence.models import Base

_FOLDER = Path(__file__).parent / "migrations"
# Two deployments that migrate at once wait for each other here.
_LOCK = 0x44554E4C


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database up to `revision`; harmless when it is there already."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the database down to `revision`."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def differences(connection: Connection) -> list[Any]:
    """What Alembic would change to make the database equal to the models; empty when they agree."""
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
