"""Starting a billing run: once a month however often it is asked for, with Temporal up or down."""

import asyncio

import httpx
import pytest

from domain.customer import Tenant
from domain.standing import HoldReason
from persistence import holds
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field, token_of
from tests.api.waiting import eventually
from tests.workflows.engine import Engine

RUNS = "/api/billing-runs"


async def runs(client: httpx.AsyncClient, staff: dict[str, str]) -> list[str]:
    return [run["id"] for run in (await client.get(RUNS, headers=staff)).json()["items"]]


async def test_a_run_is_taken_on_and_bills_its_month(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    plan = factories.make_plan(database, tenant)
    customer, closed = (factories.make_customer(database, tenant) for _ in range(2))
    for subscriber in (customer, closed):
        factories.make_subscription(database, tenant, subscriber, plan)
    with database.tenant(tenant.id) as session:
        holds.place(session, closed.id, HoldReason.CLOSED, factories.NOW)
    started = await api.post(RUNS, headers=staff, json={"period": "2026-11"})
    assert started.status_code == 202
    told = started.json()
    assert told["workflow_id"] == f"billing-run/{tenant.id}/2026-11"
    assert told["workflow_url"].endswith(f"/workflows/billing-run%2F{tenant.id}%2F2026-11")
    assert told["created"] is True

    async def finished() -> dict[str, object] | None:
        run: dict[str, object] = (await api.get(f"{RUNS}/{told['id']}", headers=staff)).json()
        return run if run["finished_at"] else None

    run = await eventually(finished, "the end of the run")
    assert (run["issued"], run["customers"], run["parked"], run["withheld"]) == (1, 2, 0, 1)
    assert run["amounts"] == [{"minor": 11500, "currency": "USD", "text": "115.00"}]
    assert run["started_by"] == "Rudo (billing)"


async def test_a_second_start_of_the_same_month_finds_the_first(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    first = (await api.post(RUNS, headers=staff, json={"period": "2026-11"})).json()
    second = await api.post(RUNS, headers=staff, json={"period": "2026-11"})
    assert second.status_code == 202
    assert second.json() == {**first, "created": False}
    assert await runs(api, staff) == [first["id"]]


async def test_each_month_and_each_tenant_has_a_run_of_its_own(
    api: httpx.AsyncClient, database: Database, staff: dict[str, str]
) -> None:
    other = token_of(database, factories.make_tenant(database))
    answers = [
        (await api.post(RUNS, headers=who, json={"period": period})).json()
        for who, period in [(staff, "2026-11"), (staff, "2026-12"), (other, "2026-11")]
    ]
    assert all(answer["created"] for answer in answers)
    assert len({answer["workflow_id"] for answer in answers}) == 3


async def test_a_dry_run_counts_and_leaves_the_real_one_to_be_started(
    api: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    customer = factories.make_customer(database, tenant)
    factories.make_subscription(database, tenant, customer, factories.make_plan(database, tenant))
    dry = (await api.post(RUNS, headers=staff, json={"period": "2026-11", "dry_run": True})).json()

    async def counted() -> dict[str, object] | None:
        run: dict[str, object] = (await api.get(f"{RUNS}/{dry['id']}", headers=staff)).json()
        return run if run["finished_at"] else None

    run = await eventually(counted, "the end of the dry run")
    assert (run["dry_run"], run["issued"]) == (True, 1)
    assert (await api.get("/api/invoices", headers=staff)).json()["items"] == []
    real = (await api.post(RUNS, headers=staff, json={"period": "2026-11"})).json()
    assert real["created"] is True
    assert real["id"] != dry["id"]


@pytest.mark.parametrize("period", ["2026-13", "2026-00", "26-11", "November", "2026-1", "2026-11-01", "", " 2026-11"])
async def test_what_is_no_month_is_refused_by_name(lonely: httpx.AsyncClient, staff: dict[str, str], period: str) -> None:
    refused = await lonely.post(RUNS, headers=staff, json={"period": period})
    assert refused_field(refused) == "period"
    assert "2026-11" in refused.json()["detail"], "it says what a month looks like"
    assert await runs(lonely, staff) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "period"),
        ({"period": 202611}, "period"),
        ({"period": "2026-11", "dryrun": True}, "dryrun"),
        ({"period": "2026-11", "dry_run": "perhaps"}, "dry_run"),
        ({"period": "2026-11", "tenant_id": "ten_other"}, "tenant_id"),
        ([], "body"),
    ],
)
async def test_a_body_that_cannot_be_read_as_meant_is_refused_by_name(
    lonely: httpx.AsyncClient, staff: dict[str, str], body: object, field: str
) -> None:
    assert refused_field(await lonely.post(RUNS, headers=staff, json=body)) == field
    assert await runs(lonely, staff) == []


@pytest.mark.parametrize("content", [b"", b"{", b"period=2026-11", b"\xff\xfe", b'{"period": "2026-11"'])
async def test_a_body_that_is_no_json_is_refused(lonely: httpx.AsyncClient, staff: dict[str, str], content: bytes) -> None:
    headers = {**staff, "Content-Type": "application/json"}
    assert refused_field(await lonely.post(RUNS, headers=headers, content=content)) == "body"


async def test_the_same_key_gets_the_first_answer_again(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    headers = {**staff, "Idempotency-Key": "november"}
    first = await api.post(RUNS, headers=headers, json={"period": "2026-11"})
    again = await api.post(RUNS, headers=headers, json={"dry_run": False, "period": "2026-11"})
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.json()["created"] is True, "the first answer, not what a second start would be answered"


async def test_the_same_key_with_another_body_is_refused(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    headers = {**staff, "Idempotency-Key": "november"}
    await api.post(RUNS, headers=headers, json={"period": "2026-11"})
    refused = is_problem(await api.post(RUNS, headers=headers, json={"period": "2026-12"}), 422)
    assert refused["type"] == "urn:dunlin:problem:idempotency-key-reused"
    assert len(await runs(api, staff)) == 1


async def test_a_refused_request_leaves_its_key_free(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    headers = {**staff, "Idempotency-Key": "a slip of the pen"}
    is_problem(await api.post(RUNS, headers=headers, json={"period": "2026-13"}), 422)
    assert (await api.post(RUNS, headers=headers, json={"period": "2026-11"})).status_code == 202


async def test_keys_of_two_tenants_do_not_meet(api: httpx.AsyncClient, database: Database, staff: dict[str, str]) -> None:
    other = token_of(database, factories.make_tenant(database))
    ours = await api.post(RUNS, headers={**staff, "Idempotency-Key": "same"}, json={"period": "2026-11"})
    theirs = await api.post(RUNS, headers={**other, "Idempotency-Key": "same"}, json={"period": "2026-12"})
    assert theirs.status_code == 202
    assert theirs.json()["id"] != ours.json()["id"]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_cannot_be_kept_is_refused_by_name(lonely: httpx.AsyncClient, staff: dict[str, str], key: str) -> None:
    refused = await lonely.post(RUNS, headers={**staff, "Idempotency-Key": key}, json={"period": "2026-11"})
    assert refused_field(refused) == "Idempotency-Key"


async def test_the_same_key_sent_at_once_starts_one_run(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    headers = {**staff, "Idempotency-Key": "impatient"}
    answers = await asyncio.gather(*(api.post(RUNS, headers=headers, json={"period": "2026-11"}) for _ in range(5)))
    taken = [answer for answer in answers if answer.status_code == 202]
    assert taken
    assert {answer.json()["id"] for answer in taken} == set(await runs(api, staff))
    for early in (answer for answer in answers if answer.status_code != 202):
        assert is_problem(early, 409)["type"] == "urn:dunlin:problem:still-working"
        assert int(early.headers["retry-after"]) > 0
    settled = await api.post(RUNS, headers=headers, json={"period": "2026-11"})
    assert settled.json() == taken[0].json()


async def test_without_a_key_starts_at_once_make_one_run(api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    answers = await asyncio.gather(*(api.post(RUNS, headers=staff, json={"period": "2026-11"}) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [202] * 5
    assert sorted(answer.json()["created"] for answer in answers) == [False] * 4 + [True]
    assert len(await runs(api, staff)) == 1


async def test_while_temporal_is_down_the_caller_is_told_to_come_back_and_the_same_request_then_starts_the_run(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, engine: Engine, tenant: Tenant, staff: dict[str, str]
) -> None:
    headers = {**staff, "Idempotency-Key": "in spite of everything"}
    refused = await lonely.post(RUNS, headers=headers, json={"period": "2026-11"})
    assert is_problem(refused, 503)["type"] == "urn:dunlin:problem:try-again-soon"
    assert int(refused.headers["retry-after"]) > 0
    (kept,) = await runs(lonely, staff)
    started = await api.post(RUNS, headers=headers, json={"period": "2026-11"})
    assert started.status_code == 202
    assert "idempotent-replayed" not in started.headers
    assert started.json()["id"] == kept
    handle = engine.client.get_workflow_handle(f"billing-run/{tenant.id}/2026-11")
    assert (await handle.describe()).id == started.json()["workflow_id"]
