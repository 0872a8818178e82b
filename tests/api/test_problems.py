"""Every error is a problem document (RFC 9457) that helps its reader and tells nothing of the house."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest

from api.problems import STATUS_OF
from domain.customer import Tenant
from domain.errors import DunlinError
from persistence.database import Database
from tests.api.serving import caller, is_problem, refused_field, running, settings, token_of


@pytest.fixture
async def broken(database_url: str, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """An API with a bug: its clock raises what nobody expects."""

    def clock() -> datetime:
        raise ZeroDivisionError("the password is hunter2")

    async with running(settings(database_url)) as app, caller(app) as client:
        app.state.services = dataclasses.replace(app.state.services, clock=clock)
        yield client


async def test_a_bug_is_told_without_its_insides(broken: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    answer = await broken.get("/api/customers", headers=token_of(database, tenant))
    assert is_problem(answer, 500)["type"] == "urn:dunlin:problem:internal"
    for secret in ("hunter2", "ZeroDivisionError", "Traceback", ".py"):
        assert secret not in answer.text


async def test_a_bug_frees_the_idempotency_key(broken: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    headers = {**token_of(database, tenant), "Idempotency-Key": "unlucky"}
    for _ in range(2):
        is_problem(await broken.post("/api/billing-runs", headers=headers, json={"period": "2026-11"}), 500)


@pytest.mark.parametrize("path", ["/", "/nothing-here", "/api", "/api/invoices/inv_1/lines", "/pay/static/../../app.py"])
async def test_an_address_that_is_none_of_ours_is_not_found(lonely: httpx.AsyncClient, path: str) -> None:
    is_problem(await lonely.get(path), 404)


@pytest.mark.parametrize("name", ["pay.py", "..%2fpage.py", "%2e%2e%2ftemplates%2fpay.html", "pay.js%00"])
async def test_only_the_pages_own_files_are_served(lonely: httpx.AsyncClient, name: str) -> None:
    is_problem(await lonely.get(f"/pay/static/{name}"), 404)


async def test_a_method_that_a_route_does_not_take_is_refused_with_those_it_takes(lonely: httpx.AsyncClient) -> None:
    refused = await lonely.delete("/healthz")
    is_problem(refused, 405)
    assert refused.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/api/invoices", {"customer_id": "\x00"}, "customer_id"),
        ("/api/credit-notes", {"after": "crn_\x00"}, "after"),
        ("/api/customers/cus%00/holds", {}, "customer_id"),
    ],
)
async def test_a_nul_character_in_an_address_is_named(
    lonely: httpx.AsyncClient, staff: dict[str, str], path: str, query: dict[str, str], field: str
) -> None:
    assert refused_field(await lonely.get(path, headers=staff, params=query or None)) == field


async def test_every_answer_carries_the_headers_that_all_have(lonely: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/api/invoices", "/nothing-here", "/pay/unknown", "/pay/unknown/status", "/openapi.json"):
        headers = (await lonely.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["cache-control"] == "no-store", path


def test_an_error_that_is_a_kind_of_another_is_looked_up_first() -> None:
    """The first row that fits counts: a row below its own base could never be reached."""
    kinds: list[type[DunlinError]] = [kind for kind, _, _ in STATUS_OF]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:place]), kind
