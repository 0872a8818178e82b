"""The calendar of steps beforehand: of a policy, of a draft, of an invoice, with why each moved (L6, pains 7 and 16)."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from domain.customer import Tenant
from domain.dunning_policy import DunningPolicy, default_policy
from domain.invoice import Invoice
from persistence import chasing, dunning_policies, holds, invoices
from persistence.database import Database
from reapplying import plan_under
from tests import factories
from tests.api.serving import caller, is_problem, refused_field, running, settings, token_of
from tests.factories import EVERY_DAY, NOW

PREVIEW = "/api/dunning-policy/preview"
HEROES_DAY = "2026-08-10"
DEFAULT = default_policy().to_data()
# Issued at 10:00 on Monday 2 November 2026 and due on Monday the 16th.
ISSUED_AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

Headers = dict[str, str]


@pytest.fixture
def tenant(database: Database) -> Tenant:
    """A business in Harare that keeps to working days."""
    return factories.make_tenant(database, dunning_policy=DEFAULT)


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant, issued_at=ISSUED_AT)


@pytest.fixture(scope="module")
async def on_day_15(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the API on 1 December 2026 at noon in Harare: 15 days after `invoice` fell due."""
    async with running(settings(database_url)) as app, caller(app) as client:
        app.state.services = dataclasses.replace(app.state.services, clock=lambda: datetime(2026, 12, 1, 10, 0, tzinfo=UTC))
        yield client


async def shown(client: httpx.AsyncClient, staff: Headers, path: str = PREVIEW, **query: str) -> dict[str, Any]:
    answer = await client.get(path, headers=staff, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def draft(client: httpx.AsyncClient, staff: Headers, policy: Any, **more: str) -> httpx.Response:
    return await client.post(PREVIEW, headers=staff, json={"policy": policy, **more})


def days(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """The steps that would be taken, with their days."""
    return [(step["key"], step["on"]) for step in plan["steps"] if step["left_out"] is None]


def put_policy(database: Database, tenant: Tenant, policy: DunningPolicy, customer_id: str | None = None) -> None:
    with database.tenant(tenant.id) as session:
        dunning_policies.put(session, policy, customer_id=customer_id, actor="Rudo", now=NOW)


def take(database: Database, tenant: Tenant, invoice: Invoice, *steps: str) -> None:
    """Take steps of an invoice at the times that its plan names."""
    with database.tenant(tenant.id) as session:
        plan = {step["key"]: step["at"] for step in invoices.get(session, invoice.id).stored_plan or []}
        for step in steps:
            holds.decide_step(session, invoice.id, step, taken=True, now=datetime.fromisoformat(plan[step]))


async def test_a_step_says_on_which_day_it_comes_at_which_hour_and_why_it_moved(
    lonely: httpx.AsyncClient, staff: Headers
) -> None:
    """Due on Heroes' Day, after which Defence Forces Day is a holiday too: the notice goes out on Wednesday."""
    found = await shown(lonely, staff, due_on=HEROES_DAY)
    assert (found["policy"]["version"], found["plan"]["issued_on"]) == (1, "2026-07-27")
    assert found["plan"]["steps"][1] == {
        "key": "1-overdue_notice",
        "action": "overdue_notice",
        "letter": "overdue_notice",
        "offset": "P0D",
        "nominal_on": HEROES_DAY,
        "nominal_weekday": "Monday",
        "on": "2026-08-12",
        "weekday": "Wednesday",
        "local_time": "09:00",
        "at": "2026-08-12T07:00:00Z",
        "moved_because": "public holiday: Zimbabwe Heroes' Day, public holiday: Defense Forces Day",
        "left_out": None,
        "taken_at": None,
    }
    assert days(found["plan"]) == [
        ("0-remind", "2026-08-07"),
        ("1-overdue_notice", "2026-08-12"),
        ("2-overdue_notice", "2026-08-17"),
        ("3-final_warning", "2026-08-24"),
        ("4-suspend", "2026-08-31"),
    ]


async def test_a_preview_tells_the_calendar_that_the_plan_keeps(lonely: httpx.AsyncClient, staff: Headers) -> None:
    """The holidays from the first step, 7 August, to the last, 31 August; Munhumutapa Day in September concerns nobody."""
    assert (await shown(lonely, staff, due_on=HEROES_DAY))["plan"]["calendar"] == {
        "country": "ZW",
        "time_zone": "Africa/Harare",
        "send_at": "09:00",
        "send_window": {"from": "08:00", "to": "17:00"},
        "working_days_only": True,
        "public_holidays": [
            {"on": "2026-08-10", "weekday": "Monday", "name": "Zimbabwe Heroes' Day"},
            {"on": "2026-08-11", "weekday": "Tuesday", "name": "Defense Forces Day"},
        ],
    }


async def test_steps_that_would_come_before_the_invoice_are_left_out_and_say_so(
    lonely: httpx.AsyncClient, staff: Headers
) -> None:
    found = await shown(lonely, staff, due_on=HEROES_DAY, issued_on="2026-08-08")
    assert [step["left_out"] for step in found["plan"]["steps"]] == ["would come before the invoice", None, None, None, None]


async def test_days_that_are_not_told_are_as_far_apart_as_the_business_gives_to_pay(
    on_day_15: httpx.AsyncClient, staff: Headers
) -> None:
    for query, issued_on, due_on in (
        ({}, "2026-12-01", "2026-12-15"),
        ({"issued_on": "2026-08-01"}, "2026-08-01", "2026-08-15"),
        ({"due_on": "2026-08-15"}, "2026-08-01", "2026-08-15"),
        ({"issued_on": "2026-08-15", "due_on": "2026-08-15"}, "2026-08-15", "2026-08-15"),
    ):
        plan = (await shown(on_day_15, staff, **query))["plan"]
        assert (plan["issued_on"], plan["due_on"]) == (issued_on, due_on), query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"due_on": "soon"}, "due_on"),
        ({"due_on": "9999-12-31"}, "due_on"),
        ({"due_on": "1999-12-31"}, "due_on"),
        ({"due_on": "0"}, "due_on"),
        ({"due_on": "2026-08-10T00:00:00"}, "due_on"),
        ({"issued_on": "2026-02-30"}, "issued_on"),
        ({"issued_on": "2100-01-01"}, "issued_on"),
        ({"due_on": HEROES_DAY, "issued_on": "2026-08-11"}, "issued_on"),
    ],
)
async def test_days_that_cannot_be_meant_are_refused_with_the_field(
    lonely: httpx.AsyncClient, staff: Headers, query: dict[str, str], field: str
) -> None:
    assert refused_field(await lonely.get(PREVIEW, headers=staff, params=query)) == field
    assert refused_field(await draft(lonely, staff, DEFAULT, **query)) == field


@pytest.mark.parametrize("due_on", ["2000-01-01", "2099-12-31"])
async def test_the_longest_ladder_can_be_previewed_on_the_first_and_the_last_day(
    lonely: httpx.AsyncClient, staff: Headers, due_on: str
) -> None:
    far = {**DEFAULT, "steps": [{"offset": "-P730D", "action": "remind"}, {"offset": "P730D", "action": "overdue_notice"}]}
    answer = await draft(lonely, staff, far, due_on=due_on)
    assert answer.status_code == 200, answer.text


async def test_a_customer_with_a_policy_of_its_own_is_previewed_by_that(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers
) -> None:
    customer, other = (factories.make_customer(database, tenant) for _ in range(2))
    put_policy(database, tenant, EVERY_DAY, customer.id)
    own = await shown(lonely, staff, due_on=HEROES_DAY, customer_id=customer.id)
    assert own["policy"]["customer_id"] == customer.id
    assert own["plan"]["steps"][1]["on"] == HEROES_DAY
    assert await shown(lonely, staff, due_on=HEROES_DAY, customer_id=other.id) == await shown(lonely, staff, due_on=HEROES_DAY)
    unknown = await lonely.get(PREVIEW, headers=staff, params={"due_on": HEROES_DAY, "customer_id": "cus_of_nobody"})
    assert "customer cus_of_nobody" in is_problem(unknown, 404)["detail"]


async def test_a_draft_is_previewed_as_it_would_be_once_saved_and_nothing_is_saved(
    lonely: httpx.AsyncClient, staff: Headers
) -> None:
    policy = {**DEFAULT, "send_at": "16:30", "steps": [{"offset": "P0D", "action": "overdue_notice"}]}
    answer = await draft(lonely, staff, policy, due_on=HEROES_DAY)
    assert answer.status_code == 200, answer.text
    drafted = answer.json()
    assert drafted["policy"] is None
    assert [(step["on"], step["local_time"]) for step in drafted["plan"]["steps"]] == [("2026-08-12", "16:30")]
    assert (await shown(lonely, staff, "/api/dunning-policy"))["version"] == 1

    await lonely.put("/api/dunning-policy", headers=staff, json={"policy": policy})
    assert (await shown(lonely, staff, due_on=HEROES_DAY))["plan"] == drafted["plan"]


async def test_a_bad_draft_is_refused_as_it_would_be_when_saved(lonely: httpx.AsyncClient, staff: Headers) -> None:
    bad = {"steps": [{"offset": "P9D", "action": "suspend"}]}
    saved = await lonely.put("/api/dunning-policy", headers=staff, json={"policy": bad})
    assert (await draft(lonely, staff, bad, due_on=HEROES_DAY)).json() == is_problem(saved, 422)
    assert refused_field(await draft(lonely, staff, DEFAULT, on="2026-08-10")) == "on"


async def test_a_creche_in_johannesburg_keeps_its_own_holidays(lonely: httpx.AsyncClient, database: Database) -> None:
    creche = factories.make_tenant(database, time_zone="Africa/Johannesburg", country="ZA", dunning_policy=DEFAULT)
    found = await shown(lonely, token_of(database, creche), due_on=HEROES_DAY)
    assert found["plan"]["steps"][1]["moved_because"] == "public holiday: National Women's Day (observed)"
    assert found["plan"]["steps"][1]["on"] == "2026-08-11"


async def test_an_invoice_shows_its_stored_plan_with_what_was_taken(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers, invoice: Invoice
) -> None:
    take(database, tenant, invoice, "0-remind")
    found = await shown(lonely, staff, f"/api/invoices/{invoice.id}/dunning-preview")
    assert (found["invoice_id"], found["number"], found["state"]) == (invoice.id, invoice.number, "OPEN")
    assert (found["snapshot"], found["snapshot_version"], found["current"]["version"]) == (DEFAULT, 1, 1)
    assert days(found["plan"]) == [
        ("0-remind", "2026-11-13"),
        ("1-overdue_notice", "2026-11-16"),
        ("2-overdue_notice", "2026-11-23"),
        ("3-final_warning", "2026-11-30"),
        ("4-suspend", "2026-12-07"),
    ]
    assert [step["taken_at"] for step in found["plan"]["steps"]] == ["2026-11-13T07:00:00Z", None, None, None, None]
    # It is chased by the policy of today: there is nothing to re-apply.
    assert (found["reapplied"], found["set_aside"]) == (None, None)


async def test_an_invoice_shows_what_would_be_left_if_the_policy_of_today_were_applied(
    on_day_15: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers, invoice: Invoice
) -> None:
    """Warned on day 14; the new policy suspends 14 days after its warning instead of 7, and so it would here."""
    take(database, tenant, invoice, "0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning")
    *letters, suspension = default_policy().steps
    gentler = replace(default_policy(), steps=(*letters, replace(suspension, offset_days=28)))
    put_policy(database, tenant, gentler)
    found = await shown(on_day_15, staff, f"/api/invoices/{invoice.id}/dunning-preview")
    assert (found["snapshot_version"], found["current"]["version"]) == (1, 2)
    assert found["current"]["policy"] == gentler.to_data()
    assert days(found["reapplied"]) == [("r2.4-suspend", "2026-12-14")]
    assert {step["left_out"] for step in found["reapplied"]["steps"][:4]} == {
        "says no more than the final warning that stands already"
    }
    # The plan that it has stays as it is.
    assert days(found["plan"])[-1] == ("4-suspend", "2026-12-07")
    with database.tenant(tenant.id) as session:
        plan = plan_under(session, invoices.get(session, invoice.id), gentler, datetime(2026, 12, 1, 10, 0, tzinfo=UTC))
    assert [step.key for step in plan] == ["r2.4-suspend"]


async def test_a_customer_who_got_a_policy_of_its_own_meanwhile_is_re_applied_that(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers, invoice: Invoice
) -> None:
    put_policy(database, tenant, EVERY_DAY, invoice.customer_id)
    found = await shown(lonely, staff, f"/api/invoices/{invoice.id}/dunning-preview")
    assert found["current"]["customer_id"] == invoice.customer_id
    assert found["reapplied"]["calendar"]["working_days_only"] is False


async def test_an_invoice_that_is_set_aside_says_why_and_a_closed_one_has_nothing_to_re_apply(
    on_day_15: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers, invoice: Invoice
) -> None:
    put_policy(database, tenant, EVERY_DAY)
    with database.tenant(tenant.id) as session:
        chasing.pause(session, invoice.id, date(2026, 12, 24))
    path = f"/api/invoices/{invoice.id}/dunning-preview"
    paused = await shown(on_day_15, staff, path)
    assert paused["set_aside"] == "paused until 2026-12-24"
    assert paused["reapplied"] is not None
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice), NOW + timedelta(days=30))
    paid = await shown(on_day_15, staff, path)
    assert (paid["state"], paid["set_aside"], paid["reapplied"]) == ("PAID", None, None)


async def test_an_invoice_from_before_policies_had_versions_shows_its_plan_and_can_be_given_the_policy_of_today(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers, invoice: Invoice
) -> None:
    with database.system() as system:
        system.execute(
            text("UPDATE invoices SET dunning_policy_id = NULL, dunning_plan = NULL WHERE id = :id"), {"id": invoice.id}
        )
    found = await shown(lonely, staff, f"/api/invoices/{invoice.id}/dunning-preview")
    assert found["snapshot_version"] is None
    assert [step["key"] for step in found["plan"]["steps"]] == [
        "0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning", "4-suspend",
    ]  # fmt: skip
    assert found["reapplied"] is not None


async def test_an_invoice_that_is_not_there_is_named(lonely: httpx.AsyncClient, staff: Headers) -> None:
    answer = await lonely.get("/api/invoices/inv_of_nobody/dunning-preview", headers=staff)
    assert "invoice inv_of_nobody" in is_problem(answer, 404)["detail"]
