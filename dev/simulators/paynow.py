"""Paynow Zimbabwe on this machine: `python -m dev.simulators.paynow --host 127.0.0.1 --port 9101 --config FILE`.

The gateway's side of web and express checkout, polling, trace, the hosted page and the posted updates, with its documented test
numbers. The configuration is JSON:

    {"integrations": [{"id": "1201", "key": "3e9f…", "currency": "USD"}], "delay_scale": 0.02}

What lives here: the HTTP face and the program. What Paynow does is in `paynow_desk.py`.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.simulators.paynow_book import Book, Config
from dev.simulators.paynow_control import control_router
from dev.simulators.paynow_courier import Courier
from dev.simulators.paynow_desk import Desk
from dev.simulators.paynow_faults import BEFORE, Fault, Faults, twisted
from dev.simulators.paynow_page import page_router
from dev.simulators.paynow_wire import Reply, refusal

CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>"
LONGEST_HOLD_SECONDS = 60.0
GLANCE_SECONDS = 0.05


def build_app(config: Config, state_dir: Path | None = None) -> FastAPI:
    """The simulator as an ASGI application; with `state_dir` its transactions outlive it."""
    book = Book(state_dir / "paynow.json" if state_dir else None)
    faults = Faults()
    courier = Courier(config, book, faults)
    desk = Desk(config, book, courier)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier.start()
        desk.start()
        yield
        desk.stop()
        await courier.stop()

    app = FastAPI(title="Paynow simulator", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(AnyCase)
    app.include_router(_interface(desk, faults))
    app.include_router(page_router(book, desk))
    app.include_router(control_router(book, desk, courier, faults))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


class AnyCase:
    """Paths are read in any letter case and with or without a slash at the end, as Paynow's server reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].rstrip("/") or "/"
            # References in the control API keep their case.
            scope = {**scope, "path": path if path.startswith("/_control") else path.lower()}
        await self._app(scope, receive, send)


def _interface(desk: Desk, faults: Faults) -> APIRouter:
    """What merchants' servers call."""
    router = APIRouter()

    @router.post("/interface/initiatetransaction")
    async def initiate(request: Request) -> Response:
        body = await request.body()
        return await _serve(request, faults, "initiate", lambda: desk.initiate(body, _base_url(request)))

    @router.post("/interface/remotetransaction")
    async def remote(request: Request) -> Response:
        body = await request.body()
        return await _serve(request, faults, "remote", lambda: desk.remote(body, _base_url(request)))

    @router.post("/interface/trace")
    async def trace(request: Request) -> Response:
        body = await request.body()
        return await _serve(request, faults, "trace", lambda: desk.trace(body))

    @router.get("/interface/checkpayment")
    @router.post("/interface/checkpayment")
    async def poll(request: Request) -> Response:
        await request.body()
        query = {name.lower(): value for name, value in request.query_params.items()}
        return await _serve(request, faults, "poll", lambda: desk.poll(query.get("guid", "")))

    return router


async def _serve(request: Request, faults: Faults, operation: str, act: Callable[[], Reply]) -> Response:
    """Do what was asked and answer, as far as the fault that waits for this operation lets us."""
    fault = faults.take(operation)
    if fault is not None and fault.kind in BEFORE:
        return await _fail(request, fault)
    reply = act()
    if fault is not None and fault.kind == "drop_after_effect":
        return Response("Service Unavailable", status_code=int(fault.value or 503), media_type="text/plain")
    if fault is not None and fault.kind == "latency":
        await asyncio.sleep(float(fault.value or 1))
    return _plain(twisted(reply, fault, _base_url(request)))


async def _fail(request: Request, fault: Fault) -> Response:
    """Answer without having done anything, or do not answer while the client is there."""
    if fault.kind == "html":
        return Response(CHALLENGE, status_code=int(fault.value or 200), media_type="text/html")
    if fault.kind == "error":
        return _plain(refusal(fault.value or "Trace failed").body())
    if fault.kind == "never":
        for _ in range(int(LONGEST_HOLD_SECONDS / GLANCE_SECONDS)):
            if await request.is_disconnected():
                break
            await asyncio.sleep(GLANCE_SECONDS)
    return Response("Internal Server Error", status_code=int(fault.value or 500), media_type="text/plain")


def _plain(body: str) -> Response:
    return Response(body, media_type="text/plain")


def _base_url(request: Request) -> str:
    """Where we were reached: our addresses must be at the host that the client knows."""
    return str(request.base_url).rstrip("/")


def main() -> None:
    """Run the simulator until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulators.paynow", description="Paynow Zimbabwe on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9101)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the integrations")
    parser.add_argument("--state-dir", type=Path, help="where transactions are kept over a restart")
    asked = parser.parse_args()
    config = Config.load(json.loads(asked.config.read_text(encoding="utf-8")))
    print(f"Paynow simulator at http://{asked.host}:{asked.port}", flush=True)
    app = build_app(config, asked.state_dir)
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
