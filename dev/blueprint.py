"""What the embedded stack consists of: each part's program, its readiness, its order, and the environment they all get.

The addresses, passwords and keys of one stack are made once and kept in its directory.
"""

import http.client
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from dev import simulated
from dev.ports import HOST, choose_ports, remembered_ports
from dev.postgres import PostgresServer
from dev.registry import write_private
from dev.simulated import SimulatedGateways
from dev.supervisor import Part
from dev.temporal import TemporalServer

ROOT = Path(__file__).parent.parent
USUAL_PORTS = {
    "postgres": 5432,
    "temporal": 7233,
    "temporal_ui": 8233,
    "smtp": 1025,
    "inbox": 8025,
    **simulated.USUAL_PORTS,
    "api": 8000,
}
_OK = 200
# Names in a person's shell that would lead the parts elsewhere: to a real gateway, mail server, database or Temporal.
_FOREIGN = (
    "DATABASE_",
    "DUNLIN_",
    "EMAIL_",
    "OPERATIONS_",
    "OZOW_",
    "PAYFAST_",
    "PAYNOW_",
    "PG",
    "SMTP_",
    "TEMPORAL_",
    "TRUSTED_",
    "YOCO_",
)
# Names that a `.env` in the working folder may set: an empty value here goes before it.
_UNSET = (
    "PAYNOW_RETURN_URL",
    "PAYNOW_TEST_INTEGRATION_ID",
    "PAYNOW_TEST_INTEGRATION_KEY",
    "YOCO_SECRET_KEY",
    "YOCO_WEBHOOK_SECRET",
    "PAYFAST_MERCHANT_ID",
    "PAYFAST_MERCHANT_KEY",
    "PAYFAST_PASSPHRASE",
    "OZOW_SITE_CODE",
    "OZOW_PRIVATE_KEY",
    "OZOW_API_KEY",
    "TRUSTED_PROXIES",
    "SMTP_USER",
    "SMTP_PASS",
)


@dataclass(frozen=True)
class Blueprint:
    """One stack, laid out.

    Attributes:
        state: its directory.
        ports: by the names in `USUAL_PORTS`.
        secrets: `database_password` and `secret_key`, made once.
        gateways: the simulators and the accounts that they know.
    """

    state: Path
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    gateways: SimulatedGateways

    @classmethod
    def lay_out(cls, state: Path) -> "Blueprint":
        """Choose ports for a stack that is about to start, and make its secrets if it has none."""
        choose_ports(USUAL_PORTS, state / "ports.json")
        return cls.of(state)

    @classmethod
    def of(cls, state: Path) -> "Blueprint":
        """The stack of this directory as it was last laid out."""
        kept = _kept(state / "secrets.json", _new_secrets)
        return cls(state, remembered_ports(state / "ports.json"), kept, SimulatedGateways.of(state))

    @property
    def stack_file(self) -> Path:
        """Where the stack tells its addresses while it is ready."""
        return self.state / "stack.json"

    @property
    def draft_file(self) -> Path:
        """What the seed is told: the same as `stack_file`, before the stack is ready."""
        return self.state / "stack.draft.json"

    @property
    def seed_file(self) -> Path:
        """What the seed answered, kept for the next start: `credentials` and `tenants`."""
        return self.state / "seed.json"

    @property
    def postgres(self) -> PostgresServer:
        """The database server."""
        return PostgresServer(self.state / "postgres", self.ports["postgres"], self.secrets["database_password"])

    @property
    def temporal(self) -> TemporalServer:
        """The Temporal dev server."""
        return TemporalServer(self.state / "temporal.db", self.ports["temporal"], self.ports["temporal_ui"])

    def url(self, part: str) -> str:
        """The HTTP address of a part."""
        return f"http://{HOST}:{self.ports[part]}"

    def describe(self) -> dict[str, Any]:
        """What `stack.json` says, without the pids."""
        seeded = _read(self.seed_file)
        return {
            "api": self.url("api"),
            "app_url": self.url("api"),
            "temporal": self.temporal.address,
            "temporal_ui": self.temporal.ui_url,
            "database_url": self.postgres.url(),
            "smtp": {"host": HOST, "port": self.ports["smtp"]},
            "inbox": self.url("inbox"),
            "gateways": {name: self.url(name) for name in simulated.USUAL_PORTS},
            "credentials": self.gateways.credentials() | seeded.get("credentials", {}),
            "tenants": seeded.get("tenants", []),
        }

    def environment(self) -> dict[str, str]:
        """The variables of every part: the person's own, without what would lead elsewhere, and the stack's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return own | self.settings() | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}

    def settings(self) -> dict[str, str]:
        """The stack's own variables: what Dunlin's settings read."""
        local = f"{HOST},localhost"
        return {
            "DATABASE_URL": self.postgres.url(),
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_UI_URL": self.temporal.ui_url,
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(self.ports["smtp"]),
            "SMTP_SECURE": "false",
            "EMAIL_FROM": "billing@dunlin.example",
            "APP_URL": self.url("api"),
            "OPERATIONS_EMAIL": "operations@dunlin.example",
            **self.gateways.settings({name: self.url(name) for name in simulated.USUAL_PORTS}, self.url("api")),
            **dict.fromkeys(_UNSET, ""),
            "DUNLIN_SECRET_KEY": self.secrets["secret_key"],
            "DUNLIN_READY_FILE": str(self.state / "worker.ready"),
            # A proxy of the person's shell must not be asked for our own addresses.
            "NO_PROXY": local,
            "no_proxy": local,
        }

    def parts(self) -> list[Part]:
        """All programs in the order in which they start."""
        return [*self._foreign_parts(), *self._own_parts()]

    def _foreign_parts(self) -> list[Part]:
        """What is not Dunlin: the things that it talks to."""
        environment, python, ports = self.environment(), sys.executable, self.ports
        postgres, temporal = self.postgres, self.temporal
        inbox = [f"--smtp-port={ports['smtp']}", f"--http-port={ports['inbox']}", f"--dir={self.state / 'inbox'}"]
        return [
            Part(
                "postgres",
                postgres.command,
                postgres.is_ready,
                prepare=postgres.prepare,
                finish=postgres.create_database,
                stop_signal=signal.SIGINT,  # "fast": ends the sessions instead of waiting for them
                grace=20,
                account=postgres.account,
                environment=environment,
            ),
            # It needs some four seconds to close its file; a second server on a file that is still open fails.
            Part("temporal", temporal.command, temporal.is_ready, grace=15, environment=environment),
            Part("inbox", [python, "-m", "dev.inbox", *inbox], self._answers("inbox", "/readyz"), environment=environment),
            *(
                Part(
                    name,
                    self.gateways.command(python, name, HOST, ports[name], self.url("api")),
                    self._answers(name, "/healthz"),
                    environment=environment,
                )
                for name in simulated.USUAL_PORTS
            ),
        ]

    def _own_parts(self) -> list[Part]:
        environment, python = self.environment(), sys.executable
        ready_file = self.state / "worker.ready"
        api = ["--factory", "api.app:create_app", "--host", HOST, "--port", str(self.ports["api"])]
        # Pages that wait for news keep their connection open: the server must not wait for them in turn.
        api += ["--timeout-graceful-shutdown", "5", "--no-proxy-headers"]
        return [
            Part("migrate", [python, "-m", "manage", "migrate"], once=True, within=180, environment=environment),
            Part(
                "seed",
                [python, "-m", "dev", "seed", f"--state={self.state}"],
                once=True,
                within=180,
                prepare=self._write_draft,
                environment=environment,
            ),
            Part("api", [python, "-m", "uvicorn", *api], self._answers("api", "/readyz"), environment=environment),
            Part(
                "worker",
                [python, "worker.py"],
                ready_file.exists,
                prepare=lambda: ready_file.unlink(missing_ok=True),
                within=90,
                grace=40,  # it ends what it has in hand
                environment=environment,
            ),
        ]

    def _answers(self, part: str, path: str) -> "partial[bool]":
        return partial(_answers, self.ports[part], path)

    def _write_draft(self) -> None:
        write_private(self.draft_file, json.dumps(self.describe(), indent=1))


def _answers(port: int, path: str) -> bool:
    """Whether GET `path` on this port of 127.0.0.1 answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _new_secrets() -> dict[str, Any]:
    return {"database_password": secrets.token_hex(16), "secret_key": Fernet.generate_key().decode()}


def _kept(file: Path, make: Any) -> Any:
    """The JSON in `file`, made on first use."""
    if not file.exists():
        write_private(file, json.dumps(make(), indent=1))
    return _read(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
