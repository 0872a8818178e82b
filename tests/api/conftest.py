"""Two apps on the same database: one whose Temporal is down, one with the engine behind it."""

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from domain.customer import Tenant
from persistence.database import Database
from tests import factories
from tests.api.serving import YEARS_AGO, caller, running, settings, token_of
from tests.persistence.furnished import Furnished, furnish
from tests.workflows.engine import Engine, running_engine


@pytest.fixture(scope="session")
async def engine(database: Database) -> AsyncIterator[Engine]:
    """Temporal, the workers of all queues, Paynow's simulator and a mail server."""
    async with running_engine(database) as engine:
        yield engine


@pytest.fixture(scope="session")
async def lonely_app(database: Database, database_url: str) -> AsyncIterator[FastAPI]:
    """The API while Temporal is down."""
    async with running(settings(database_url)) as app:
        yield app


@pytest.fixture(scope="session")
async def app(engine: Engine, database_url: str) -> AsyncIterator[FastAPI]:
    """The API with everything behind it. Paynow's updates go to `engine.merchant`; a test brings them to the door itself."""
    told = settings(
        database_url,
        temporal_address=engine.address,
        paynow_api_url=engine.paynow_url,
        paynow_result_url=engine.merchant.url,
    )
    async with running(told) as app:
        yield app


@pytest.fixture(scope="session")
async def lonely(lonely_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the API while Temporal is down; enough for whatever starts and signals nothing."""
    async with caller(lonely_app) as client:
        yield client


@pytest.fixture(scope="session")
async def once_upon_a_time(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the API while Temporal was down, years ago: a sweep at that time finds what it left and nothing else."""
    async with running(settings(database_url)) as app, caller(app) as client:
        app.state.services = dataclasses.replace(app.state.services, clock=lambda: YEARS_AGO)
        yield client


@pytest.fixture(scope="session")
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the API with everything behind it."""
    async with caller(app) as client:
        yield client


@pytest.fixture(scope="package")
def ours(database: Database) -> Furnished:
    """A business with a row in every table. Nothing may be changed in it."""
    return furnish(database, factories.make_tenant(database))


@pytest.fixture(scope="package")
def our_token(database: Database, ours: Furnished) -> dict[str, str]:
    """The headers of somebody of `ours` who may bill."""
    return token_of(database, ours.tenant)


@pytest.fixture
def staff(database: Database, tenant: Tenant) -> dict[str, str]:
    """The headers of somebody of `tenant` who may bill."""
    return token_of(database, tenant)
