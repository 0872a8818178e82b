"""The one way out to providers over HTTP: time-outs, size caps, and errors sorted by what they mean for the money.

Nothing here knows a provider. Requests and answers are bytes; what they say is for the gateway's own module. Error texts name
the provider's host and path only, because queries, headers and bodies may hold credentials.
"""

import re
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpx

from gateways.base import GatewayOutcomeUnknownError, GatewayUnreachableError

TIMEOUT_SECONDS = 10.0  # requirements P12
CONNECT_SECONDS = 5.0

# A provider's answer is a few hundred bytes; whatever is larger is not an answer.
LARGEST_ANSWER = 256 * 1024

# Two URL parsers may disagree about these; an address that has one of them is nobody's.
_AMBIGUOUS = re.compile(r"[^!-~]|\\")

# The connection was never made, so that nothing can have been asked.
_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)

# Called before each request of this thread goes out, and raises when it must not (`gateways/breaker.py`).
before_sending: ContextVar[Callable[[], None]] = ContextVar("before_sending", default=lambda: None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an HTTP status below 500 and the body, at most `LARGEST_ANSWER` bytes."""

    status: int
    body: bytes


class ServerFailedError(GatewayOutcomeUnknownError):
    """The provider answered 5xx; `headers` (in any letter case) may tell whether the failure is an old one played again."""

    def __init__(self, gateway: str, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(gateway, message)
        self.headers = headers


class Transport:
    """An HTTP client for all gateways of a process, safe to share between threads.

    It follows no redirect (a POST repeated elsewhere could charge twice), reads no proxy or certificate settings from the
    environment (`settings.py` alone does that) and keeps no cookies, which would tie one tenant's calls to another's.

    Attributes:
        timeout_seconds: longest silence while an answer is awaited, and longest time for its whole body.
        connect_seconds: longest time to make the connection.
    """

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(connect_seconds, timeout_seconds)),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            # Compressed answers are not asked for: a small body could unpack to any size.
            headers={"Accept-Encoding": "identity", "User-Agent": "dunlin"},
        )

    def send(
        self, gateway: str, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request, once, and give back what came.

        Raises:
            GatewayPausedError: nothing was sent, because the account's gateway is left alone for a moment.
            GatewayUnreachableError: no connection was made, the request surely had no effect.
            GatewayOutcomeUnknownError: it was sent, and time ran out, the connection broke, the provider answered 5xx or more
                bytes than an answer has.
        """
        before_sending.get()()
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                if response.is_server_error:
                    raise ServerFailedError(gateway, f"{_named(url)} answered HTTP {response.status_code}.", response.headers)
                return Answer(response.status_code, self._read(gateway, url, response, deadline))
        except _NOTHING_SENT as error:
            raise GatewayUnreachableError(
                gateway, f"{_named(url)} could not be reached ({type(error).__name__}); nothing was sent."
            ) from error
        except httpx.HTTPError as error:
            raise GatewayOutcomeUnknownError(
                gateway, f"{_named(url)} was asked and gave no complete answer ({type(error).__name__})."
            ) from error

    def _read(self, gateway: str, url: str, response: httpx.Response, deadline: float) -> bytes:
        # The client's own time-out starts anew with every byte, so a trickle would hold the caller for ever.
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise GatewayOutcomeUnknownError(gateway, f"{_named(url)} answered more than {LARGEST_ANSWER} bytes.")
            if time.monotonic() > deadline:
                raise GatewayOutcomeUnknownError(gateway, f"{_named(url)} did not finish its answer in time.")
        return bytes(body)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def is_at(base_url: str, url: str) -> bool:
    """Whether `url` has the scheme, host and port of `base_url`, and nothing that could be read in two ways.

    It is judged by the parser that will send the request, so that both see the same host.
    """
    if _AMBIGUOUS.search(url):
        return False
    try:
        asked, ours = httpx.URL(url), httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    if asked.scheme not in {"http", "https"} or asked.userinfo or not asked.host:
        return False
    return (asked.scheme, asked.host, asked.port) == (ours.scheme, ours.host, ours.port)


def _named(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "an unreadable address"
    return f"{parsed.host}{parsed.path}"
