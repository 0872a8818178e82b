"""What a provider's silence, trickle, flood or redirect means for the money."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from gateways.base import GatewayError, GatewayOutcomeUnknownError, GatewayUnreachableError
from gateways.transport import LARGEST_ANSWER, Transport, is_at
from tests.gateways.serving import served


async def trickle() -> AsyncIterator[bytes]:
    for _ in range(200):
        yield b"."
        await asyncio.sleep(0.02)


def provider() -> FastAPI:
    app = FastAPI()
    seen: list[str] = []

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    @app.post("/head")
    async def head(request: Request) -> Response:
        return Response("\n".join(f"{name}: {value}" for name, value in request.headers.items()))

    @app.post("/status/{status}")
    async def status(status: int) -> Response:
        return Response("words", status_code=status)

    @app.post("/redirect")
    async def redirect() -> Response:
        return RedirectResponse("/reached", status_code=307)

    @app.post("/reached")
    async def reached() -> Response:
        seen.append("reached")
        return Response()

    @app.post("/seen")
    async def tell() -> Response:
        return Response(",".join(seen))

    @app.post("/large/{size}")
    async def large(size: int) -> Response:
        return Response(b"x" * size)

    @app.post("/trickle")
    async def slow() -> Response:
        return StreamingResponse(trickle())

    @app.post("/cookie")
    async def cookie() -> Response:
        response = Response()
        response.set_cookie("tenant", "first")
        return response

    return app


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(provider()) as url:
        yield url


@pytest.fixture
def one_shot() -> Iterator[tuple[str, socket.socket]]:
    """A server that takes one connection; the test says what it does with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/pay?token=secret", listener


def test_bytes_go_out_and_come_back_as_they_are(transport: Transport, base: str) -> None:
    answer = transport.send("paynow", "POST", f"{base}/echo", body=b"a=\xc3\xa9&b=")
    assert (answer.status, answer.body) == (200, b"a=\xc3\xa9&b=")


def test_nothing_compressed_is_asked_for(transport: Transport, base: str) -> None:
    sent = transport.send("paynow", "POST", f"{base}/head", headers={"X-Key": "1"}).body.decode()
    assert "accept-encoding: identity" in sent
    assert "x-key: 1" in sent


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_a_refusal_below_500_is_for_the_gateway_to_read(transport: Transport, base: str, status: int) -> None:
    assert transport.send("paynow", "POST", f"{base}/status/{status}").status == status


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_answer_of_500_or_more_leaves_the_outcome_unknown(transport: Transport, base: str, status: int) -> None:
    with pytest.raises(GatewayOutcomeUnknownError, match=f"HTTP {status}"):
        transport.send("paynow", "POST", f"{base}/status/{status}")


def test_a_redirect_is_not_followed(transport: Transport, base: str) -> None:
    assert transport.send("paynow", "POST", f"{base}/redirect").status == 307
    assert transport.send("paynow", "POST", f"{base}/seen").body == b""


def test_an_answer_is_read_up_to_its_limit_and_no_further(transport: Transport, base: str) -> None:
    assert len(transport.send("paynow", "POST", f"{base}/large/{LARGEST_ANSWER}").body) == LARGEST_ANSWER
    with pytest.raises(GatewayOutcomeUnknownError, match="more than"):
        transport.send("paynow", "POST", f"{base}/large/{LARGEST_ANSWER + 1}")


def test_an_answer_that_trickles_in_is_given_up(impatient_transport: Transport, base: str) -> None:
    with pytest.raises(GatewayOutcomeUnknownError, match="did not finish"):
        impatient_transport.send("paynow", "POST", f"{base}/trickle")


def test_no_cookie_is_kept_for_the_next_call(transport: Transport, base: str) -> None:
    transport.send("paynow", "POST", f"{base}/cookie")
    assert b"cookie" not in transport.send("paynow", "POST", f"{base}/head").body


def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(
    transport: Transport, one_shot: tuple[str, socket.socket]
) -> None:
    url, listener = one_shot

    def hang_up() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(GatewayOutcomeUnknownError):
        transport.send("paynow", "POST", url, body=b"a=1")
    thread.join()


def test_silence_after_the_request_leaves_the_outcome_unknown(
    impatient_transport: Transport, one_shot: tuple[str, socket.socket]
) -> None:
    with pytest.raises(GatewayOutcomeUnknownError, match="ReadTimeout"):
        impatient_transport.send("paynow", "POST", one_shot[0])


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/pay", "gopher://127.0.0.1/pay", "http://127.0.0.1:port/pay"])
def test_an_address_that_leads_nowhere_was_asked_nothing(transport: Transport, url: str) -> None:
    with pytest.raises(GatewayUnreachableError, match="nothing was sent"):
        transport.send("paynow", "POST", url)


def test_an_error_names_host_and_path_and_no_query_or_body(
    impatient_transport: Transport, one_shot: tuple[str, socket.socket]
) -> None:
    with pytest.raises(GatewayError) as raised:
        impatient_transport.send("paynow", "POST", one_shot[0], body=b"key=secret", headers={"Authorization": "secret"})
    assert "127.0.0.1/pay" in str(raised.value)
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://www.paynow.co.zw/x?guid=1", True),
        ("https://WWW.PAYNOW.CO.ZW:443/x", True),
        ("http://www.paynow.co.zw/x", False),
        ("https://www.paynow.co.zw:8443/x", False),
        ("https://paynow.co.zw/x", False),
        ("https://www.paynow.co.zw.example.net/x", False),
        ("https://www.paynow.co.zw@example.net/x", False),
        ("https://example.net#@www.paynow.co.zw/", False),
        ("https://example.net\\@www.paynow.co.zw/", False),
        ("https://www.paynow.co.zw\t.example.net/", False),
        ("https://www.paynow.co.zw\u3002example.net/", False),
        ("javascript:alert(1)//www.paynow.co.zw", False),
        ("https:///x", False),
        ("", False),
    ],
)
def test_only_the_same_scheme_host_and_port_is_the_provider(url: str, ours: bool) -> None:
    assert is_at("https://www.paynow.co.zw", url) is ours
