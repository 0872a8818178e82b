"""The API's composition root: `uvicorn --factory api.app:create_app`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import telemetry
from activities.gateway_calls import GatewayDesk
from api import (
    audit_log,
    billing_runs,
    billing_schedules,
    credit,
    credit_notes,
    customers,
    dunning_policies,
    dunning_previews,
    gateway_accounts,
    health,
    invoice_moves,
    invoices,
    links,
    payments,
    problems,
    reconciliations,
    reviews,
    standing,
    statements,
    timeline,
    webhooks,
)
from api.pay import checkout, handover, page, status
from api.services import ApiServices, utc_clock
from gateways.breaker import Breakers
from gateways.transport import Transport
from persistence.database import Database
from settings import Settings
from wiring import build_desk
from workflows.client import Workflows, connect

# Answers are about somebody's money: nothing on the way keeps them, guesses what they are, or learns where they came from.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app for one process; reads the environment unless it is handed settings."""
    settings = settings or Settings()
    telemetry.configure_logging(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        client = await connect(settings.temporal_address, settings.temporal_namespace, lazy=True)
        database = Database(settings.database_url, connections=settings.database_connections)
        with Transport() as transport:
            desk = build_desk(settings, transport, Breakers(time.monotonic, telemetry.BreakerTelemetry()))
            app.state.services = build_services(settings, database, Workflows(client), desk)
            yield
        database.close()

    app = FastAPI(title="Dunlin", summary="Billing and collections", version="0.1.0", lifespan=lifespan)
    problems.install(app)
    app.add_middleware(BindRequest)
    # Outermost, so that all others see where a request really comes from: only our own proxies are believed about that.
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxy_list)
    for router in (
        billing_runs.router,
        billing_schedules.router,
        invoices.router,
        invoice_moves.router,
        credit_notes.router,
        customers.router,
        standing.router,
        dunning_policies.router,
        dunning_previews.router,
        payments.router,
        reviews.router,
        reconciliations.router,
        audit_log.router,
        credit.router,
        statements.router,
        timeline.router,
        gateway_accounts.router,
        links.router,
        checkout.router,
        status.router,
        handover.router,
        page.router,
        webhooks.router,
        health.router,
    ):
        app.include_router(router)
    return app


def build_services(settings: Settings, database: Database, workflows: Workflows, desk: GatewayDesk) -> ApiServices:
    """Wire the real collaborators."""

    def in_ui(kind: str, identity: str) -> str:
        return f"{settings.temporal_ui_url}/namespaces/{settings.temporal_namespace}/{kind}/{quote(identity, safe='')}"

    return ApiServices(
        database=database,
        workflows=workflows,
        gateways=desk.gateways,
        box=desk.box,
        complete_account=desk.complete,
        payment_page=settings.payment_page,
        ui_of_workflow=lambda workflow_id: in_ui("workflows", workflow_id),
        ui_of_schedule=lambda schedule_id: in_ui("schedules", schedule_id),
        clock=utc_clock,
    )


class BindRequest:
    """Binds what is known of a request to every line that it logs, and gives every answer the headers that all have.

    Plain ASGI and not `app.middleware("http")`, which runs the rest in a task of its own: what is bound there (whose token it
    is) would be lost to the handler of unexpected errors, which needs it most.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(method=scope["method"], path=_loggable(scope["path"]))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _loggable(path: str) -> str:
    """The path without the token of a payment link: whoever reads the log must not be able to open it."""
    return "/pay" if path.startswith("/pay/") else path
