"""Who may do what: a token for every door of the staff, a role for every change, and nothing of another tenant, ever."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from domain.customer import Tenant
from persistence import billing_runs, payments, reviews
from persistence.database import Database
from tests import factories
from tests.api.routes import BODIES, PUBLIC, SETTINGS, Door, doors, staff_doors
from tests.api.serving import bearer, is_problem, payment_token, token_of
from tests.persistence.furnished import Furnished

# What a name in a path stands for: a thing of ours, which nobody of another tenant may see.
THINGS: dict[str, Callable[[Furnished, Database], str]] = {
    "review_id": lambda ours, database: first_review(database, ours.tenant),
    "run_id": lambda ours, database: newest_run(database, ours.tenant),
    "invoice_id": lambda ours, _: ours.unpaid.id,
    "customer_id": lambda ours, _: ours.customer.id,
    "payment_id": lambda ours, _: ours.pending.id,
    "link_id": lambda ours, _: ours.link.id,
    "schedule_id": lambda ours, _: ours.schedule.id,
}


async def knock(client: httpx.AsyncClient, door: Door, path: str, headers: dict[str, str] | None) -> httpx.Response:
    return await client.request(door.method, path, headers=headers, json=BODIES.get(door.path))


def newest_run(database: Database, tenant: Tenant) -> str:
    with database.tenant(tenant.id) as session:
        return billing_runs.page(session, after=None, limit=1)[0].id


def first_review(database: Database, tenant: Tenant) -> str:
    with database.tenant(tenant.id) as session:
        return reviews.unresolved(session, after=None, limit=1)[0].id


def some_path(door: Door) -> str:
    return door.path.format(**dict.fromkeys(door.names, "inv_of_nobody"))


def test_what_is_public_is_on_the_list(app_doors: list[Door]) -> None:
    assert {(door.method, door.path) for door in app_doors if not door.path.startswith("/api/")} == PUBLIC


def test_every_change_by_staff_is_tried_here(app_doors: list[Door]) -> None:
    assert {door.path for door in app_doors if door.method != "GET" and not door.is_public} == set(BODIES)


@pytest.fixture
def app_doors(lonely_app: FastAPI) -> list[Door]:
    return doors(lonely_app)


async def test_without_a_token_every_door_of_the_staff_is_shut(lonely_app: FastAPI, lonely: httpx.AsyncClient) -> None:
    for door in staff_doors(lonely_app):
        answer = await knock(lonely, door, some_path(door), None)
        assert is_problem(answer, 401)["type"] == "urn:dunlin:problem:not-authenticated", door
        assert answer.headers["www-authenticate"] == "Bearer", door


async def test_an_unknown_token_opens_nothing(lonely_app: FastAPI, lonely: httpx.AsyncClient) -> None:
    for door in staff_doors(lonely_app):
        is_problem(await knock(lonely, door, some_path(door), bearer("dnl_made-up")), 401)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic ZG5sOng=", "dnl_made-up", "Bearer \x7f"])
async def test_a_header_that_is_no_bearer_token_opens_nothing(lonely: httpx.AsyncClient, header: str) -> None:
    is_problem(await lonely.get("/api/invoices", headers={"Authorization": header}), 401)


async def test_a_revoked_token_opens_nothing(lonely: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    token = token_of(database, tenant)
    assert (await lonely.get("/api/invoices", headers=token)).status_code == 200
    with database.system() as system:
        system.execute(
            text("UPDATE staff_tokens SET revoked_at = :now WHERE tenant_id = :tenant"),
            {"now": factories.NOW, "tenant": tenant.id},
        )
    is_problem(await lonely.get("/api/invoices", headers=token), 401)


async def test_a_viewer_looks_and_changes_nothing(
    lonely_app: FastAPI, lonely: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    viewer = token_of(database, tenant, "viewer")
    for door in staff_doors(lonely_app):
        answer = await knock(lonely, door, some_path(door), viewer)
        if door.method == "GET":
            assert answer.status_code == (404 if door.names else 200), door
        else:
            assert "viewer" in is_problem(answer, 403)["detail"], door
    with database.tenant(tenant.id) as session:
        assert billing_runs.page(session, after=None, limit=1) == []
        assert payments.page(session, after=None, limit=1) == []


@pytest.mark.parametrize("role", ["billing", "admin"])
async def test_billing_staff_and_admins_may_start_a_run(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, role: str
) -> None:
    started = await api.post("/api/billing-runs", headers=token_of(database, tenant, role), json={"period": "2026-11"})
    assert started.status_code == 202


async def test_another_tenant_sees_nothing_of_ours(
    lonely_app: FastAPI, lonely: httpx.AsyncClient, database: Database, ours: Furnished, our_token: dict[str, str]
) -> None:
    stranger = token_of(database, factories.make_tenant(database))
    for door in [door for door in staff_doors(lonely_app) if door.method == "GET"]:
        assert set(door.names) <= set(THINGS), f"{door}: say in THINGS what {door.names} stands for."
        path = door.path.format(**{name: THINGS[name](ours, database) for name in door.names})
        seen_by_us, seen_by_them = await knock(lonely, door, path, our_token), await knock(lonely, door, path, stranger)
        assert seen_by_us.status_code == 200, door
        if door.names:
            is_problem(seen_by_them, 404)
        elif door.path not in SETTINGS:
            assert seen_by_us.json()["items"], f"{door}: give `ours` something to show."
            assert seen_by_them.json() == {"items": [], "next": None}, door


async def test_what_belongs_to_another_tenant_looks_as_if_it_were_not_there(
    lonely: httpx.AsyncClient, database: Database, ours: Furnished
) -> None:
    stranger = token_of(database, factories.make_tenant(database))
    theirs = is_problem(await lonely.get(f"/api/invoices/{ours.unpaid.id}", headers=stranger), 404)
    nobodys = is_problem(await lonely.get("/api/invoices/inv_of_nobody", headers=stranger), 404)
    assert theirs["detail"].replace(ours.unpaid.id, "inv_of_nobody") == nobodys["detail"]


async def test_money_cannot_be_recorded_on_anothers_invoice(
    lonely: httpx.AsyncClient, database: Database, ours: Furnished
) -> None:
    stranger = token_of(database, factories.make_tenant(database))
    body = {**BODIES["/api/payments"], "invoice_id": ours.unpaid.id}
    is_problem(await lonely.post("/api/payments", headers=stranger, json=body), 404)


async def test_filtering_by_anothers_things_finds_nothing(
    lonely: httpx.AsyncClient, database: Database, ours: Furnished
) -> None:
    stranger = token_of(database, factories.make_tenant(database))
    filters = {"customer_id": ours.customer.id, "run_id": newest_run(database, ours.tenant), "after": "inv_0"}
    for name, value in filters.items():
        found = await lonely.get("/api/invoices", headers=stranger, params={name: value})
        assert found.json()["items"] == [], name


async def test_a_payment_link_shows_its_own_invoice_only(
    lonely: httpx.AsyncClient, database: Database, ours: Furnished
) -> None:
    shown = await lonely.get(f"/pay/{payment_token(database, ours.tenant, ours.unpaid.id)}/status")
    assert shown.json()["invoice_number"] == ours.unpaid.number
    assert {payment["id"] for payment in shown.json()["payments"]} == {ours.pending.id}
    assert ours.customer.id not in shown.text
