"""PayFast on this machine: `python -m dev.simulators.payfast --host 127.0.0.1 --port 9103 --config FILE`.

PayFast's side of the form post, the hosted page, ITNs, their confirmation, and the API, which here is at the same host. The
configuration is JSON:

    {"merchants": [{"merchant_id": "10000100", "merchant_key": "46f0…", "passphrase": "jt7N…"}], "delay_scale": 0.02}

What lives here: the application and the program. What PayFast does with a form is in `payfast_desk.py`.
"""

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from dev.simulators.faults import Faults
from dev.simulators.payfast_api import api_router
from dev.simulators.payfast_book import Book, Config
from dev.simulators.payfast_control import control_router
from dev.simulators.payfast_courier import Courier
from dev.simulators.payfast_desk import Desk
from dev.simulators.payfast_faults import KINDS
from dev.simulators.payfast_page import page_router


def build_app(config: Config, state_dir: Path | None = None) -> FastAPI:
    """The simulator as an ASGI application; with `state_dir` its payments outlive it."""
    book = Book(state_dir / "payfast.json" if state_dir else None)
    faults = Faults(KINDS)
    courier = Courier(config, book, faults)
    desk = Desk(config, book)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier.start()
        yield
        await courier.stop()

    app = FastAPI(title="PayFast simulator", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(page_router(book, desk, courier, faults))
    app.include_router(api_router(config, book, faults))
    app.include_router(control_router(book, desk, courier, faults))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Run the simulator until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulators.payfast", description="PayFast on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9103)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the merchants")
    parser.add_argument("--state-dir", type=Path, help="where payments are kept over a restart")
    asked = parser.parse_args()
    config = Config.load(json.loads(asked.config.read_text(encoding="utf-8")))
    print(f"PayFast simulator at http://{asked.host}:{asked.port}", flush=True)
    app = build_app(config, asked.state_dir)
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
