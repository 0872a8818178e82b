"""Staff have months billed by themselves: made, changed, paused, resumed and deleted, with Temporal up or down."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from temporalio.client import ScheduleHandle
from temporalio.service import RPCError

from domain.calendar import Period
from domain.customer import Tenant
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field, token_of
from tests.workflows.engine import Engine

SCHEDULES = "/api/billing-schedules"
MONTHLY: dict[str, Any] = {"name": "Monthly", "day_of_month": 31, "at": "04:00", "month_offset": -1}
NOVEMBER_22 = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def november(lonely_app: FastAPI) -> Iterator[list[datetime]]:
    """The clock of the app whose Temporal is down: the time in this list, which a test may change."""
    usual = lonely_app.state.services
    now = [NOVEMBER_22]
    lonely_app.state.services = dataclasses.replace(usual, clock=lambda: now[0])
    yield now
    lonely_app.state.services = usual


async def make(client: httpx.AsyncClient, staff: dict[str, str], **others: Any) -> dict[str, Any]:
    made = await client.post(SCHEDULES, headers=staff, json={**MONTHLY, **others})
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json()
    return shown


async def shown(client: httpx.AsyncClient, staff: dict[str, str], schedule_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"{SCHEDULES}/{schedule_id}", headers=staff)).json()
    return answer


async def names(client: httpx.AsyncClient, staff: dict[str, str]) -> list[str]:
    return [item["name"] for item in (await client.get(SCHEDULES, headers=staff)).json()["items"]]


async def actions(client: httpx.AsyncClient, staff: dict[str, str], schedule_id: str) -> list[str]:
    entries = (await client.get("/api/audit", headers=staff, params={"resource_id": schedule_id})).json()["items"]
    return [entry["action"].removeprefix("BILLING_SCHEDULE_") for entry in entries][::-1]


def in_temporal(engine: Engine, schedule: dict[str, Any]) -> ScheduleHandle:
    return engine.client.get_schedule_handle(schedule["temporal"]["schedule_id"])


async def test_a_schedule_shows_its_next_times_and_the_month_that_each_bills(
    lonely: httpx.AsyncClient, staff: dict[str, str], november: list[datetime]
) -> None:
    made = await make(lonely, staff)
    assert made["time_zone"] == "Africa/Harare"
    assert [(due["at"], due["day"], due["period"]) for due in made["upcoming"]] == [
        ("2026-11-30T02:00:00Z", "2026-11-30", "2026-10"),
        ("2026-12-31T02:00:00Z", "2026-12-31", "2026-11"),
        ("2027-01-31T02:00:00Z", "2027-01-31", "2026-12"),
        ("2027-02-28T02:00:00Z", "2027-02-28", "2027-01"),
        ("2027-03-31T02:00:00Z", "2027-03-31", "2027-02"),
    ]
    assert (made["catch_up_hours"], made["is_paused"], made["last_due"]) == (72, False, None)
    assert made["created_by"] == "Rudo (billing)"
    assert await shown(lonely, staff, made["id"]) == made


async def test_times_are_meant_in_the_zone_of_the_business(
    lonely: httpx.AsyncClient, database: Database, november: list[datetime]
) -> None:
    staff = token_of(database, factories.make_tenant(database, time_zone="America/New_York"))
    made = await make(lonely, staff, day_of_month=14, at="02:30", month_offset=0)
    local = {due["day"]: due["at"] for due in made["upcoming"]}
    assert local["2027-02-14"] == "2027-02-14T07:30:00Z"
    assert local["2027-03-14"] == "2027-03-14T07:30:00Z", "the clocks skip half past two: it is half past three in summer time"
    assert made["upcoming"][-1]["period"] == "2027-04"


async def test_temporal_is_told_at_once(engine: Engine, api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await make(api, staff)
    temporal = made["temporal"]
    assert (temporal["is_in_line"], temporal["notice"]) == (True, None)
    assert temporal["url"].endswith("/namespaces/default/schedules/" + temporal["schedule_id"].replace("/", "%2F"))
    next_times = (await in_temporal(engine, made).describe()).info.next_action_times
    assert [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in next_times][:5] == [due["at"] for due in made["upcoming"]]


async def test_with_temporal_down_it_is_stored_and_says_what_becomes_of_it(
    lonely: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    made = await make(lonely, staff)
    assert made["temporal"]["is_in_line"] is False
    assert "tried every minute" in made["temporal"]["notice"]
    assert await names(lonely, staff) == ["Monthly"]


async def test_a_change_is_told_and_audited(engine: Engine, api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await make(api, staff)
    wish = {"name": "Mid-month", "day_of_month": 15, "at": "22:30", "month_offset": 1, "catch_up_hours": 24}
    changed = await api.put(f"{SCHEDULES}/{made['id']}", headers=staff, json=wish)
    assert changed.status_code == 200
    now = changed.json()
    assert {name: now[name] for name in wish} == wish
    assert now["temporal"]["is_in_line"]
    described = await in_temporal(engine, made).describe()
    assert {(at.day, at.hour, at.minute) for at in described.info.next_action_times} == {(15, 20, 30)}
    assert described.schedule.policy.catchup_window == timedelta(hours=24)
    assert await actions(api, staff, made["id"]) == ["CREATED", "CHANGED"]


async def test_what_a_change_does_not_name_is_as_usual_again(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await make(lonely, staff, catch_up_hours=24)
    wish = {"name": "Monthly", "day_of_month": 1, "at": "04:00"}
    changed = (await lonely.put(f"{SCHEDULES}/{made['id']}", headers=staff, json=wish)).json()
    assert (changed["month_offset"], changed["catch_up_hours"]) == (0, 72)


async def test_paused_it_has_no_next_time_and_says_why_until_it_is_resumed(
    engine: Engine, api: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    made = await make(api, staff)
    pausing = await api.post(f"{SCHEDULES}/{made['id']}/pause", headers=staff, json={"note": "Prices  for 2027\nare open."})
    paused = pausing.json()
    assert (paused["is_paused"], paused["note"], paused["upcoming"]) == (True, "Prices for 2027 are open.", [])
    assert (await in_temporal(engine, made).describe()).schedule.state.paused
    resumed = (await api.post(f"{SCHEDULES}/{made['id']}/resume", headers=staff)).json()
    assert resumed == made
    assert not (await in_temporal(engine, made).describe()).schedule.state.paused
    assert await actions(api, staff, made["id"]) == ["CREATED", "PAUSED", "RESUMED"]


async def test_deleted_it_is_gone_and_its_name_is_free(engine: Engine, api: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await make(api, staff)
    deleted = await api.delete(f"{SCHEDULES}/{made['id']}", headers=staff)
    assert (deleted.status_code, deleted.content) == (204, b"")
    with pytest.raises(RPCError, match="not found"):
        await in_temporal(engine, made).describe()
    is_problem(await api.get(f"{SCHEDULES}/{made['id']}", headers=staff), 404)
    is_problem(await api.delete(f"{SCHEDULES}/{made['id']}", headers=staff), 404)
    assert await names(api, staff) == []
    assert (await make(api, staff))["id"] != made["id"]
    assert await actions(api, staff, made["id"]) == ["CREATED", "DELETED"]


async def test_the_same_request_again_makes_one_schedule(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    key = {**staff, "Idempotency-Key": "schedule-1"}
    first = await lonely.post(SCHEDULES, headers=key, json=MONTHLY)
    again = await lonely.post(SCHEDULES, headers=key, json=MONTHLY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await names(lonely, staff) == ["Monthly"]


async def test_a_name_is_taken_once(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    await make(lonely, staff)
    other = await make(lonely, staff, name="Other")
    for name in (" Monthly ", "MONTHLY"):
        refused = await lonely.post(SCHEDULES, headers=staff, json={**MONTHLY, "name": name})
        assert refused_field(refused) == "name"
        assert "choose another name" in refused.json()["detail"]
    assert refused_field(await lonely.put(f"{SCHEDULES}/{other['id']}", headers=staff, json=MONTHLY)) == "name"
    capital = await lonely.put(f"{SCHEDULES}/{other['id']}", headers=staff, json={**MONTHLY, "name": "OTHER"})
    assert capital.json()["name"] == "OTHER"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 61),
        ("day_of_month", 0),
        ("day_of_month", 32),
        ("day_of_month", "last"),
        ("at", "4:00"),
        ("at", "24:00"),
        ("at", "04:00:00"),
        ("at", "noon"),
        ("at", "04:00Z"),
        ("day_of_month", True),
        ("day_of_month", "1"),
        ("month_offset", False),
        ("catch_up_hours", 72.0),
        ("name", "Month\x00ly"),
        ("name", "\u202e\u202e"),
        ("month_offset", -2),
        ("month_offset", 2),
        ("catch_up_hours", 0),
        ("catch_up_hours", 673),
        ("time_zone", "Africa/Harare"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    lonely: httpx.AsyncClient, staff: dict[str, str], field: str, value: object
) -> None:
    assert refused_field(await lonely.post(SCHEDULES, headers=staff, json={**MONTHLY, field: value})) == field
    assert await names(lonely, staff) == []


async def test_a_pause_needs_a_reason(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await make(lonely, staff)
    assert refused_field(await lonely.post(f"{SCHEDULES}/{made['id']}/pause", headers=staff, json={"note": " "})) == "note"
    assert not (await shown(lonely, staff, made["id"]))["is_paused"]


async def test_it_says_which_run_bills_the_month_that_was_due_last(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], november: list[datetime]
) -> None:
    made = await make(lonely, staff)
    november[0] = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
    due = {"at": "2026-11-30T02:00:00Z", "day": "2026-11-30", "period": "2026-10"}
    assert (await shown(lonely, staff, made["id"]))["last_due"] == {**due, "run": None, "is_missed": False}
    run = factories.make_run(database, tenant, Period(2026, 10))
    last = (await shown(lonely, staff, made["id"]))["last_due"]
    assert last["run"] == {
        "id": run.id,
        "status": "RUNNING",
        "started_by": "staff",
        "started_at": "2026-11-01T08:00:00Z",
        "finished_at": None,
    }
    assert last["is_missed"] is False


async def test_a_month_that_nothing_will_bill_any_more_is_told_as_missed(
    lonely: httpx.AsyncClient, staff: dict[str, str], november: list[datetime]
) -> None:
    made = await make(lonely, staff, catch_up_hours=24)
    november[0] = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert (await shown(lonely, staff, made["id"]))["last_due"]["is_missed"] is False
    november[0] += timedelta(seconds=1)
    assert (await shown(lonely, staff, made["id"]))["last_due"]["is_missed"] is True


async def test_schedules_are_listed_newest_first_page_by_page(lonely: httpx.AsyncClient, staff: dict[str, str]) -> None:
    for name in ("one", "two", "three"):
        await make(lonely, staff, name=name)
    first = (await lonely.get(SCHEDULES, headers=staff, params={"limit": 2})).json()
    rest = (await lonely.get(SCHEDULES, headers=staff, params={"limit": 2, "after": first["next"]})).json()
    assert [item["name"] for item in (*first["items"], *rest["items"])] == ["three", "two", "one"]
    assert rest["next"] is None
