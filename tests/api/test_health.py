"""Whether the process lives and can work, as those who watch over it ask."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests import databases
from tests.api.serving import bearer, caller, is_problem, running, settings

NO_DATABASE = "postgresql+psycopg://dunlin:a-password@127.0.0.1:1/dunlin"


@pytest.fixture(scope="module")
async def without_database() -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings(NO_DATABASE)) as app, caller(app) as client:
        yield client


async def test_a_process_that_answers_is_alive_whatever_else_is_down(without_database: httpx.AsyncClient) -> None:
    alive = await without_database.get("/healthz")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_with_everything_up_it_is_ready(api: httpx.AsyncClient) -> None:
    ready = await api.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "database": True, "temporal": True})


async def test_without_temporal_it_is_ready_and_says_so(lonely: httpx.AsyncClient) -> None:
    """Updates are taken without it: a load balancer that turned them away would lose them."""
    ready = await lonely.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "database": True, "temporal": False})


async def test_without_its_database_it_is_not_ready(without_database: httpx.AsyncClient) -> None:
    ready = await without_database.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["status"]) == (503, False, "unavailable")


async def test_before_the_database_is_migrated_it_is_not_ready(database_server: str) -> None:
    with databases.fresh_database(database_server, "unmigrated") as url:
        async with running(settings(url)) as app, caller(app) as client:
            assert (await client.get("/readyz")).status_code == 503


async def test_metrics_are_told_as_prometheus_reads_them(without_database: httpx.AsyncClient) -> None:
    metrics = await without_database.get("/metrics")
    assert metrics.status_code == 200
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "python_info{" in metrics.text


async def test_without_its_database_staff_are_told_to_try_again(without_database: httpx.AsyncClient) -> None:
    refused = await without_database.get("/api/invoices", headers=bearer("dnl_any"))
    assert "try again" in is_problem(refused, 503)["detail"]
    assert int(refused.headers["retry-after"]) > 0
    assert "127.0.0.1" not in refused.text
    assert "a-password" not in refused.text


async def test_without_its_database_an_update_is_not_acknowledged(without_database: httpx.AsyncClient) -> None:
    """The gateway sends it again: 200 means that it is stored."""
    is_problem(await without_database.post("/webhooks/paynow", content=b"reference=gtx_1&paynowreference=1&status=Paid"), 503)


async def test_without_its_database_a_payer_sees_a_page_and_not_a_document_for_machines(
    without_database: httpx.AsyncClient,
) -> None:
    page = await without_database.get("/pay/any-token")
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert int(page.headers["retry-after"]) > 0
    assert "in a minute" in page.text
    is_problem(await without_database.get("/pay/any-token/status"), 503)
