"""The API's composition root: `uvicorn --factory api.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

import telemetry
from activities.gateway_calls import GatewayDesk
from api import billing_runs, customers, health, invoices, payments, problems, webhooks
from api.pay import checkout, page
from api.services import ApiServices, utc_clock
from persistence.database import Database
from settings import Settings
from wiring import build_desk
from workflows.client import Workflows, connect


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app for one process; reads the environment unless it is handed settings."""
    settings = settings or Settings()
    telemetry.configure_logging(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        client = await connect(settings.temporal_address, settings.temporal_namespace, lazy=True)
        database = Database(settings.database_url, connections=settings.database_connections)
        app.state.services = build_services(settings, database, Workflows(client), build_desk(settings))
        yield
        database.close()

    app = FastAPI(title="Dunlin", summary="Billing and collections", version="0.1.0", lifespan=lifespan)
    problems.install(app)
    app.middleware("http")(_bind_request)
    for router in (
        billing_runs.router,
        invoices.router,
        customers.router,
        payments.router,
        checkout.router,
        page.router,
        webhooks.router,
        health.router,
    ):
        app.include_router(router)
    return app


def build_services(settings: Settings, database: Database, workflows: Workflows, desk: GatewayDesk) -> ApiServices:
    """Wire the real collaborators."""

    def ui_of_workflow(workflow_id: str) -> str:
        return f"{settings.temporal_ui_url}/namespaces/{settings.temporal_namespace}/workflows/{quote(workflow_id, safe='')}"

    return ApiServices(
        database=database,
        workflows=workflows,
        gateways=desk.gateways,
        box=desk.box,
        complete_account=desk.complete,
        payment_page=settings.payment_page,
        ui_of_workflow=ui_of_workflow,
        clock=utc_clock,
    )


async def _bind_request(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Bind the route's ids to every line that this request logs."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(method=request.method, path=request.scope["path"].partition("/pay/")[0] or "/pay")
    response = await call_next(request)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
