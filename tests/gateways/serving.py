"""Real HTTP for tests: a simulator in a thread, and the merchant's server that its updates are posted to."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from gateways.base import Inbound

PATIENCE_SECONDS = 20.0

Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None], what: str) -> Found:
    """The first thing that `look` finds; how long it takes is nobody's business within reason."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come about in {PATIENCE_SECONDS:.0f} s")


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The base URL of `app`, served on a free port of this machine."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive(), "the server's start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Posted:
    """One request to the merchant's server, as it came."""

    body: bytes
    headers: Mapping[str, str]

    def inbound(self, received_at: datetime | None = None, source: str | None = "127.0.0.1") -> Inbound:
        """As the API hands it to a gateway; received now, unless told otherwise."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        now = received_at or datetime.now(UTC)  # noqa: TID251 - simulators sign with the clock of this machine
        return Inbound(self.body, headers, source, now)


class Merchant:
    """A merchant's server: keeps what is posted to it and answers 200, or what `answers` says for the next requests."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answers: list[int] = []
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = merchant.answers.pop(0) if merchant.answers else 200
                merchant.posted.append(Posted(body, dict(self.headers.items())))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
