"""Paynow Zimbabwe on this machine: `python -m dev.simulators.paynow --host 127.0.0.1 --port 9101 --config FILE`.

The gateway's side of web and express checkout, polling, trace, the hosted page and the posted updates, with its documented test
numbers. The configuration is JSON:

    {"integrations": [{"id": "1201", "key": "3e9f…", "currency": "USD"}], "delay_scale": 0.02}

What lives here: the HTTP face and the program. What Paynow does is in `paynow_desk.py`.
"""

import argparse
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.simulators.faults import Faults
from dev.simulators.paynow_book import Book, Config
from dev.simulators.paynow_control import control_router
from dev.simulators.paynow_courier import Courier
from dev.simulators.paynow_desk import Desk
from dev.simulators.paynow_faults import KINDS, twisted
from dev.simulators.paynow_page import page_router
from dev.simulators.paynow_wire import Reply, refusal
from dev.simulators.serving import base_url, serve


def build_app(config: Config, state_dir: Path | None = None) -> FastAPI:
    """The simulator as an ASGI application; with `state_dir` its transactions outlive it."""
    book = Book(state_dir / "paynow.json" if state_dir else None)
    faults = Faults(KINDS)
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
        return await _serve(request, faults, "initiate", lambda: desk.initiate(body, base_url(request)))

    @router.post("/interface/remotetransaction")
    async def remote(request: Request) -> Response:
        body = await request.body()
        return await _serve(request, faults, "remote", lambda: desk.remote(body, base_url(request)))

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
    """Answer in Paynow's form, which has an error of its own."""
    waiting = faults.peek(operation)
    if waiting is not None and waiting.kind == "error":
        fault = faults.take(operation)
        return _plain(refusal((fault.value if fault else "") or "Trace failed").body())
    return await serve(request, faults, operation, lambda fault: _plain(twisted(act(), fault, base_url(request))))


def _plain(body: str) -> Response:
    return Response(body, media_type="text/plain")


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
