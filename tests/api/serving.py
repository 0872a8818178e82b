"""The API in this process: an app with its lifespan, an HTTP client for it, and people with tokens who use it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from domain.customer import Tenant
from domain.ids import Prefix
from persistence import invoices, tenants
from persistence.columns import new_id
from persistence.database import Database
from settings import Settings
from tests import factories

PAGE = "https://pay.dunlin.example/pay/"
# Nobody listens on it: nothing but the operating system may, and it does not.
CLOSED = "127.0.0.1:1"
YEARS_AGO = datetime(2019, 6, 1, 12, 0, tzinfo=UTC)


def settings(database_url: str, **others: Any) -> Settings:
    """What the app is told; nothing is read from a file, and what is not said here is the default."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "dunlin_secret_key": factories.SECRET_KEY,
        "app_url": PAGE.removesuffix("/pay/"),
        "temporal_address": CLOSED,
        **{f"{where}_url": f"http://{CLOSED}" for where in ("paynow_api", "yoco_api", "payfast", "payfast_api", "ozow_api")},
        "log_level": "WARNING",
    }
    return Settings(_env_file=None, **{**values, **others})


@asynccontextmanager
async def running(told: Settings) -> AsyncIterator[FastAPI]:
    """An app as its server runs it. The handlers that it gives to the root logger go with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    app = create_app(told)
    async with app.router.lifespan_context(app):
        yield app
    root.handlers, root.level = handlers, level


def caller(app: FastAPI) -> httpx.AsyncClient:
    """An HTTP client without a token; an error that the app did not expect is seen as its client would see it."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://dunlin.test", follow_redirects=False
    )


def token_of(database: Database, tenant: Tenant, role: str = "billing") -> dict[str, str]:
    """The headers of a new staff member of `tenant`."""
    token = f"dnl_{role}-{new_id(Prefix.STAFF_TOKEN)}"
    with database.system() as system:
        tenants.add_token(system, tenant.id, f"Rudo ({role})", role, token, factories.NOW)
    return bearer(token)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def payment_token(database: Database, tenant: Tenant, invoice_id: str) -> str:
    """What stands in the link to pay an invoice."""
    with database.tenant(tenant.id) as session:
        return invoices.get(session, invoice_id).payment_token


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document (RFC 9457) that `response` is, complete and with this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:dunlin:problem:")
    assert document["title"]
    assert document["detail"].endswith(".")
    return document


def refused_field(response: httpx.Response) -> str:
    """Which field a 422 names; it names one, and says what is wrong with it."""
    (error,) = is_problem(response, 422)["errors"]
    assert error["message"]
    return str(error["field"])
