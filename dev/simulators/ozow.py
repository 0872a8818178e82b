"""Ozow on this machine: `python -m dev.simulators.ozow --host 127.0.0.1 --port 9104 --config FILE`.

The gateway's side of payment requests, the page where a payer picks a bank, notifications, the status API and refunds. The
configuration is JSON:

    {"sites": [{"site_code": "TSTSTE0001", "private_key": "2151…", "api_key": "EB57…"}], "delay_scale": 0.02}

What lives here: the HTTP face and the program. What Ozow does is in `ozow_desk.py`. No time passes by itself: a payer who walks
away leaves a try open until somebody moves it to Abandoned.
"""

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dev.simulators.faults import Fault, Faults
from dev.simulators.ozow_book import Book, Config, Site
from dev.simulators.ozow_control import control_router
from dev.simulators.ozow_courier import Courier
from dev.simulators.ozow_desk import Desk
from dev.simulators.ozow_faults import CHECKS, KINDS
from dev.simulators.ozow_page import page_router
from dev.simulators.ozow_refunds import Till, refund_router
from dev.simulators.ozow_wire import RefusedError, from_json
from dev.simulators.serving import base_url, serve


def build_app(config: Config, state_dir: Path | None = None) -> FastAPI:
    """The simulator as an ASGI application; with `state_dir` its payments outlive it."""
    book = Book(state_dir / "ozow.json" if state_dir else None)
    faults = Faults(KINDS, CHECKS)
    courier = Courier(config, book, faults)
    desk = Desk(config, book, courier)

    def keyed(request: Request) -> Site | None:
        return config.keyed(request.headers.get("apikey", ""))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier.start()
        yield
        await courier.stop()

    app = FastAPI(title="Ozow simulator", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(_request_router(config, desk, faults))
    app.include_router(_status_router(config, desk, faults))
    app.include_router(refund_router(Till(config, book, courier), keyed))
    app.include_router(control_router(book, desk, courier, faults))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    app.include_router(page_router(config, book, desk))
    return app


def _request_router(config: Config, desk: Desk, faults: Faults) -> APIRouter:
    """What makes payment requests. Ozow's own examples write the path in two ways."""
    router = APIRouter()

    @router.post("/PostPaymentRequest")
    @router.post("/postpaymentrequest")
    async def request_payment(request: Request) -> Response:
        body, waiting = await request.body(), faults.peek("request")
        if waiting is not None and waiting.kind == "error":
            faults.take("request")
            words = waiting.value or "The payment request could not be made."
            return JSONResponse({"paymentRequestId": None, "url": None, "errorMessage": words})

        def act(fault: Fault | None) -> Response:
            site = config.keyed(request.headers.get("apikey", ""))
            if site is None:
                return _unauthorized()
            try:
                fields = from_json(body)
            except RefusedError as refused:
                return JSONResponse({"errorMessage": str(refused)}, status_code=400)
            return JSONResponse(desk.answer(site, fields, base_url(request), fault))

        return await serve(request, faults, "request", act)

    return router


def _status_router(config: Config, desk: Desk, faults: Faults) -> APIRouter:
    """What tells how payments stand. `isTest` is false unless it is said to be true."""
    router = APIRouter()

    def asked(request: Request, name: str) -> str:
        query = {given.lower(): value for given, value in request.query_params.items()}
        return query.get(name.lower(), "")

    def site_of(request: Request) -> Site | None:
        site = config.keyed(request.headers.get("apikey", ""))
        return site if site is not None and site.site_code == asked(request, "siteCode") else None

    @router.get("/GetTransactionByReference")
    async def by_reference(request: Request) -> Response:
        def act(fault: Fault | None) -> Response:
            site, is_test = site_of(request), asked(request, "isTest").lower() == "true"
            if site is None:
                return _unauthorized()
            return JSONResponse(desk.by_reference(site, asked(request, "transactionReference"), fault, is_test=is_test))

        return await serve(request, faults, "by_reference", act)

    @router.get("/GetTransaction")
    async def by_id(request: Request) -> Response:
        site, is_test = site_of(request), asked(request, "isTest").lower() == "true"
        if site is None:
            return _unauthorized()
        told = desk.by_id(site, asked(request, "transactionId"), is_test=is_test)
        if told is None:
            return JSONResponse({"message": "The transaction was not found."}, status_code=404)
        return JSONResponse(told)

    return router


def _unauthorized() -> Response:
    return JSONResponse({"message": "Authorization has been denied for this request."}, status_code=401)


def main() -> None:
    """Run the simulator until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulators.ozow", description="Ozow on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9104)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the sites")
    parser.add_argument("--state-dir", type=Path, help="where payments are kept over a restart")
    given = parser.parse_args()
    config = Config.load(json.loads(given.config.read_text(encoding="utf-8")))
    print(f"Ozow simulator at http://{given.host}:{given.port}", flush=True)
    app = build_app(config, given.state_dir)
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
