"""The one place that opens and ends transactions. An activity or a request uses one session; nothing below it commits."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

TENANT_ROLE = "dunlin_tenant"


class Database:
    """Sessions on PostgreSQL.

    A tenant session runs as a role that row-level security binds to one tenant, so a query that forgets the tenant finds
    nothing rather than somebody else's rows. The system session sees all; it is for what comes before a tenant is known
    (tokens, webhooks, references) and for work on the whole installation.

    Args:
        url: SQLAlchemy URL with the psycopg driver, `postgresql+psycopg://…`.
        connections: how many are kept at most; give as many as threads that use it.
    """

    def __init__(self, url: str, *, connections: int = 20) -> None:
        self.engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=5,
            pool_pre_ping=True,
            hide_parameters=True,  # payment links and phone numbers have no place in a traceback
            connect_args={"options": "-c timezone=UTC", "application_name": "dunlin"},
        )

    @contextmanager
    def tenant(self, tenant_id: str) -> Iterator[Session]:
        """A transaction bound to one tenant: commits at the end, rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            bind_to_tenant(session, tenant_id)
            yield session

    @contextmanager
    def system(self) -> Iterator[Session]:
        """A transaction bound to no tenant: commits at the end, rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def is_ready(self) -> bool:
        """Whether the database answers and has been migrated."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")))

    def close(self) -> None:
        self.engine.dispose()


def bind_to_tenant(session: Session, tenant_id: str) -> None:
    """Bind the rest of this transaction to one tenant (both settings end with the transaction)."""
    session.execute(
        select(func.set_config("dunlin.tenant_id", tenant_id, True), func.set_config("role", TENANT_ROLE, True))  # noqa: FBT003
    )


def check_constraints_now(session: Session) -> None:
    """Run the checks that would otherwise wait for the commit, so that a savepoint can undo what breaks one."""
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
