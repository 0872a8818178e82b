"""Yoco (South Africa) on this machine: `python -m dev.simulators.yoco --host 127.0.0.1 --port 9102 --config FILE`.

The Checkout API at `/api` (and at `/`), the hosted page with its test cards, webhook subscriptions and the signed events. The
configuration is JSON:

    {"accounts": [{"secret_key": "sk_test_…", "webhook_secret": "whsec_…", "webhook_url": "http://…/webhooks/yoco"}],
     "delay_scale": 0.02, "refund_test_mode": false, "sends_payment_failed": false}

What lives here: the HTTP face and the program. What Yoco does is in `yoco_desk.py`.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response

from dev.simulators.faults import Fault, Faults
from dev.simulators.serving import base_url, serve
from dev.simulators.yoco_book import Account, Book, Config
from dev.simulators.yoco_control import control_router
from dev.simulators.yoco_courier import Courier
from dev.simulators.yoco_desk import Desk
from dev.simulators.yoco_faults import CHECKS, KINDS, twisted_reply
from dev.simulators.yoco_idempotency import Ledger, Posting
from dev.simulators.yoco_page import page_router
from dev.simulators.yoco_subscriptions import Subscriptions
from dev.simulators.yoco_wire import RefusedError, Reply

# Armed as `error`, with the HTTP status as value.
ARMED_ERROR = "The request was refused because a test wanted it so."


def build_app(config: Config, state_dir: Path | None = None) -> FastAPI:
    """The simulator as an ASGI application; with `state_dir` its checkouts outlive it."""
    book = Book(state_dir / "yoco.json" if state_dir else None)
    faults = Faults(KINDS, CHECKS)
    courier = Courier(config, book, faults)
    desk = Desk(config, book, courier)
    window = Window(desk, Ledger(book), faults)
    subscriptions = Subscriptions(config, book)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier.start()
        yield
        await courier.stop()

    app = FastAPI(title="Yoco simulator", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    for prefix in ("", "/api"):
        app.include_router(_checkouts(desk, window), prefix=prefix)
        app.include_router(_webhooks(subscriptions, window), prefix=prefix)
    app.include_router(page_router(book, desk))
    app.include_router(control_router(book, desk, courier, faults))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


class Window:
    """Where requests of the API are handed in: the key, idempotency and faults, the same for all of them."""

    def __init__(self, desk: Desk, ledger: Ledger, faults: Faults) -> None:
        self._desk = desk
        self._ledger = ledger
        self._faults = faults

    async def ask(self, request: Request, operation: str, act: Callable[[Account], Reply]) -> Response:
        """Answer what changes nothing."""
        try:
            account = self._account(request)
        except RefusedError as refused:
            return _json(refused.reply)
        return await self._serve(request, operation, lambda fault: self._answer(request, account, act, fault))

    async def post(self, request: Request, operation: str, act: Callable[[Account], Reply]) -> Response:
        """Answer a POST: once per idempotency key, with the stored answer to whoever asks again.

        An answer that is lost or late on the way is stored as it was made, and so is a 500; what a firewall says is not Yoco's.
        """
        try:
            account = self._account(request)
            key = request.headers.get("idempotency-key", "")
            posting = Posting(account.merchant_id, key, request.url.path, await request.body())
            stored = self._ledger.stored(posting)
        except RefusedError as refused:
            return _json(refused.reply)
        if stored is not None:
            return stored

        def answer(fault: Fault | None) -> Response:
            response = self._answer(request, account, act, fault)
            self._ledger.keep(posting, response)
            return response

        fault = self._faults.peek(operation)
        if fault is not None and fault.kind == "in_progress":
            self._faults.take(operation)
            with self._ledger.working(posting):
                await asyncio.sleep(float(fault.value or 1))
            return answer(None)
        response = await self._serve(request, operation, answer)
        if fault is not None and fault.kind in {"http_500", "error"}:
            self._ledger.keep(posting, response)
        return response

    def _account(self, request: Request) -> Account:
        return self._desk.account(request.headers.get("authorization", ""))

    def _answer(self, request: Request, account: Account, act: Callable[[Account], Reply], fault: Fault | None) -> Response:
        try:
            return _json(twisted_reply(act(account), fault, base_url(request)))
        except RefusedError as refused:
            return _json(refused.reply)

    async def _serve(self, request: Request, operation: str, act: Callable[[Fault | None], Response]) -> Response:
        if operation not in KINDS:
            return act(None)
        waiting = self._faults.peek(operation)
        if waiting is not None and waiting.kind == "error":
            self._faults.take(operation)
            return _json(RefusedError(int(waiting.value or 400), "armed", ARMED_ERROR).reply)
        return await serve(request, self._faults, operation, act)


def _checkouts(desk: Desk, window: Window) -> APIRouter:
    router = APIRouter()

    @router.post("/checkouts")
    async def create(request: Request) -> Response:
        body, key = await request.body(), request.headers.get("idempotency-key", "")
        return await window.post(request, "create", lambda account: desk.create(account, body, key, base_url(request)))

    @router.get("/checkouts/{checkout_id}")
    async def read(checkout_id: str, request: Request) -> Response:
        return await window.ask(request, "poll", lambda account: desk.read(account, checkout_id))

    @router.post("/checkouts/{checkout_id}/refund")
    async def refund(checkout_id: str, request: Request) -> Response:
        body = await request.body()
        return await window.post(request, "refund", lambda account: desk.refund(account, checkout_id, body))

    return router


def _webhooks(subscriptions: Subscriptions, window: Window) -> APIRouter:
    router = APIRouter()

    @router.post("/webhooks")
    async def register(request: Request) -> Response:
        body = await request.body()
        return await window.post(request, "webhooks", lambda account: subscriptions.register(account, body))

    @router.get("/webhooks")
    async def listed(request: Request) -> Response:
        return await window.ask(request, "webhooks", subscriptions.listed)

    @router.delete("/webhooks/{subscription_id}")
    async def delete(subscription_id: str, request: Request) -> Response:
        return await window.ask(request, "webhooks", lambda account: subscriptions.delete(account, subscription_id))

    return router


def _json(reply: Reply) -> Response:
    return Response(reply.body(), reply.status, media_type="application/json")


def main() -> None:
    """Run the simulator until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulators.yoco", description="Yoco (South Africa) on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9102)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the accounts")
    parser.add_argument("--state-dir", type=Path, help="where checkouts are kept over a restart")
    asked = parser.parse_args()
    config = Config.load(json.loads(asked.config.read_text(encoding="utf-8")))
    print(f"Yoco simulator at http://{asked.host}:{asked.port}/api", flush=True)
    app = build_app(config, asked.state_dir)
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
