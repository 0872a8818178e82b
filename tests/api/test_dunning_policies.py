"""The dunning policy over the API: changed by version, a customer's own first, bad ones refused with the field (L6)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.customer import Customer, Tenant
from domain.dunning_policy import default_policy
from persistence import audit, invoices
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field

POLICY = "/api/dunning-policy"
DEFAULT = default_policy().to_data()
AT_TEN = {**DEFAULT, "send_at": "10:00"}
AT_ELEVEN = {**DEFAULT, "send_at": "11:00"}
LADDER: list[dict[str, str]] = DEFAULT["steps"]

Headers = dict[str, str]


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    return factories.make_customer(database, tenant)


@pytest.fixture
def own(customer: Customer) -> str:
    """The path of a customer's policy."""
    return f"/api/customers/{customer.id}/dunning-policy"


async def shown(client: httpx.AsyncClient, staff: Headers, path: str = POLICY) -> dict[str, Any]:
    answer = await client.get(path, headers=staff)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put(client: httpx.AsyncClient, staff: Headers, policy: Any, path: str = POLICY, **more: Any) -> httpx.Response:
    return await client.put(path, headers=staff, json={"policy": policy, **more})


async def changed(client: httpx.AsyncClient, staff: Headers, policy: Any, path: str = POLICY, **more: Any) -> dict[str, Any]:
    answer = await put(client, staff, policy, path, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def audited(database: Database, tenant: Tenant, action: str) -> list[tuple[str, str, Any]]:
    """Who did it, to what, and to which version, newest first."""
    with database.tenant(tenant.id) as session:
        found = audit.page(session, after=None, limit=9, action=action)
    return [(entry.actor, entry.resource_id, entry.details["version"]) for entry in found]


async def test_a_change_is_the_next_version_with_who_when_and_why(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers
) -> None:
    before = await shown(lonely, staff)
    assert (before["version"], before["policy"]) == (1, factories.EVERY_DAY.to_data())
    after = await changed(lonely, staff, AT_TEN, note="  People read their mail at ten. ")
    assert (after["version"], after["policy"], after["customer_id"]) == (2, AT_TEN, None)
    assert (after["note"], after["created_by"]) == ("People read their mail at ten.", "Rudo (billing)")
    assert after["id"].startswith("dpo_")
    assert await shown(lonely, staff) == after
    assert audited(database, tenant, "DUNNING_POLICY_CHANGED") == [("Rudo (billing)", tenant.id, 2)]


async def test_the_same_policy_again_changes_nothing(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers
) -> None:
    first = await changed(lonely, staff, AT_TEN, note="Once.")
    # Said otherwise and meant the same.
    same = {**AT_TEN, "lift_below": {}, "steps": [{**LADDER[0], "offset": "-P0W3D"}, *LADDER[1:]]}
    assert await changed(lonely, staff, same, note="Twice.") == first
    assert len(audited(database, tenant, "DUNNING_POLICY_CHANGED")) == 1


async def test_what_is_left_out_is_as_the_documents_say(lonely: httpx.AsyncClient, staff: Headers) -> None:
    saved = await changed(lonely, staff, {"steps": [{"offset": "P1W", "action": "overdue_notice"}]})
    assert saved["policy"] == {
        "send_at": "09:00",
        "send_window": {"from": "00:00", "to": "23:59"},
        "working_days_only": False,
        "one_letter_a_day": False,
        "longest_pause_days": 30,
        "lift_below": {},
        "bills_while_suspended": True,
        "steps": [{"offset": "P7D", "action": "overdue_notice", "letter": "overdue_notice"}],
    }


async def test_a_business_may_chase_nobody(lonely: httpx.AsyncClient, staff: Headers) -> None:
    assert (await changed(lonely, staff, {"steps": []}))["policy"]["steps"] == []


def bad(index: int, **facts: Any) -> dict[str, Any]:
    """The default ladder with one step changed."""
    return {**DEFAULT, "steps": [{**step, **facts} if place == index else step for place, step in enumerate(LADDER)]}


@pytest.mark.parametrize(
    ("policy", "field", "reason"),
    [
        ({**DEFAULT, "colour": "red"}, "colour", "no such field"),
        ({**DEFAULT, "send_at": "9 o'clock"}, "send_at", "not a time of day"),
        ({**DEFAULT, "send_at": "07:59"}, "send_at", "outside the send window 08:00 to 17:00"),
        ({**DEFAULT, "send_window": {"from": "17:00", "to": "08:00"}}, "send_window", "empty window"),
        ({**DEFAULT, "send_window": {"from": "08:00"}}, "send_window", "not a window"),
        ({**DEFAULT, "working_days_only": "yes"}, "working_days_only", "neither true nor false"),
        ({**DEFAULT, "longest_pause_days": 0}, "longest_pause_days", "not between 1 and 365"),
        ({**DEFAULT, "lift_below": {"XXX": 1}}, "lift_below", "XXX"),
        ({**DEFAULT, "lift_below": {"USD": -1}}, "lift_below", "less than nothing"),
        ({**DEFAULT, "steps": "none"}, "steps", "not a list"),
        ({**DEFAULT, "steps": [*LADDER[1:], LADDER[0]]}, "steps[4]", "on a later day than the one before it"),
        (bad(1, offset="P1M"), "steps[1].offset", "not a number of days or weeks"),
        (bad(1, action="shout"), "steps[1].action", "not one of remind"),
        (bad(3, letter="overdue_notice"), "steps[3].letter", "not a letter for final_warning"),
        (bad(2, action="suspend", letter="none"), "steps[3]", "nothing but a write-off can follow the suspension"),
        ({**DEFAULT, "steps": [{"offset": "P0D", "action": "suspend"}]}, "steps[0]", "must come after the due day"),
        ({**DEFAULT, "steps": [{"offset": "-P1D", "action": "overdue_notice"}]}, "steps[0]", "before the due day"),
        ({**DEFAULT, "steps": [*LADDER[:1], LADDER[4]]}, "steps[1]", "nobody is suspended untold"),
        (bad(4, offset="P105W"), "steps[4].offset", "at most 730 days before or after the due day"),
        ({**DEFAULT, "steps": LADDER * 5}, "steps", "at most 24 steps, and this one has 25"),
        ({**DEFAULT, "send_at": "T09:00"}, "send_at", "in hours and minutes"),
        ({**DEFAULT, "send_at": None}, "send_at", "null is not a time of day"),
        ({**DEFAULT, "lift_below": {"K" * 100_000: 1}}, "lift_below", '"KKK'),
    ],
)
async def test_a_policy_that_cannot_be_meant_is_refused_with_field_and_reason(
    lonely: httpx.AsyncClient, staff: Headers, policy: dict[str, Any], field: str, reason: str
) -> None:
    refused = await put(lonely, staff, policy)
    assert refused_field(refused) == field
    assert reason in refused.json()["detail"]
    assert len(refused.text) < 999
    assert (await shown(lonely, staff))["version"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "policy"),
        ({"policy": None}, "policy"),
        ({"policy": []}, "policy"),
        ({"policy": {"steps": []}, "because": "so"}, "because"),
        ({"policy": {"steps": []}, "note": "n" * 501}, "note"),
        ({"policy": {"steps": []}, "note": 7}, "note"),
        ({"policy": {"steps": []}, "note": "a\x00b"}, "note"),
        ({"policy": {"steps": []}, "if_version": -1}, "if_version"),
        ({"policy": {"steps": []}, "if_version": 2**31}, "if_version"),
        ({"policy": {"steps": []}, "if_version": "1"}, "if_version"),
    ],
)
async def test_a_request_that_says_something_else_is_refused(
    lonely: httpx.AsyncClient, staff: Headers, body: dict[str, Any], field: str
) -> None:
    assert refused_field(await lonely.put(POLICY, headers=staff, json=body)) == field


@pytest.mark.parametrize(
    "policy",
    [
        r'{"\ud800": 1}',
        r'{"steps": [{"\ud800": 1}]}',
        r'{"steps": [], "lift_below": {"\ud800": 1}}',
        '{"steps": [], "lift_below": {"USD": 1' + "0" * 30 + "}}",
        '{"steps": [], "longest_pause_days": 1' + "0" * 30 + "}",
        '{"steps": [], "longest_pause_days": NaN}',
        '{"steps": [{"offset": "P99999D", "action": "remind"}]}',
        r'{"steps": [], "send_at": "\u0000"}',
    ],
)
async def test_text_and_numbers_that_nobody_means_are_refused_and_break_nothing(
    lonely: httpx.AsyncClient, staff: Headers, policy: str
) -> None:
    headers = {**staff, "Content-Type": "application/json"}
    is_problem(await lonely.put(POLICY, headers=headers, content=f'{{"policy": {policy}}}'), 422)


async def test_who_looked_at_another_version_is_told_which_counts_and_changes_nothing(
    lonely: httpx.AsyncClient, staff: Headers
) -> None:
    await changed(lonely, staff, AT_TEN, if_version=1)
    detail = is_problem(await put(lonely, staff, AT_ELEVEN, if_version=1), 409)["detail"]
    assert "Version 2 of the dunning policy counts now, and you looked at version 1" in detail
    assert (await shown(lonely, staff))["policy"] == AT_TEN
    assert (await changed(lonely, staff, AT_ELEVEN, if_version=2))["version"] == 3


async def test_changes_at_the_same_moment_are_made_or_told_and_versions_have_no_gap(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers
) -> None:
    wanted = [{**DEFAULT, "send_at": f"{hour:02}:00"} for hour in range(8, 16)]
    answers = await asyncio.gather(*(put(lonely, staff, policy) for policy in wanted))
    made = sorted(answer.json()["version"] for answer in answers if answer.status_code == 200)
    assert made == list(range(2, 2 + len(made)))
    assert made
    for answer in answers:
        if answer.status_code != 200:
            assert "meanwhile" in is_problem(answer, 409)["detail"]
    assert len(audited(database, tenant, "DUNNING_POLICY_CHANGED")) == len(made)


async def test_all_versions_are_listed_newest_first_page_by_page(lonely: httpx.AsyncClient, staff: Headers) -> None:
    for policy in (AT_TEN, AT_ELEVEN):
        await changed(lonely, staff, policy)
    page = (await lonely.get(f"{POLICY}/versions", headers=staff, params={"limit": 2})).json()
    assert [item["version"] for item in page["items"]] == [3, 2]
    assert [item["policy"] for item in page["items"]] == [AT_ELEVEN, AT_TEN]
    rest = (await lonely.get(f"{POLICY}/versions", headers=staff, params={"limit": 2, "after": page["next"]})).json()
    assert ([item["version"] for item in rest["items"]], rest["next"]) == ([1], None)
    assert refused_field(await lonely.get(f"{POLICY}/versions", headers=staff, params={"after": "dpo_1"})) == "after"


async def test_a_customer_is_chased_as_everybody_until_it_has_a_policy_of_its_own(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, customer: Customer, staff: Headers, own: str
) -> None:
    before = await shown(lonely, staff, own)
    assert (before["is_own"], before["own_version"], before["in_force"]) == (False, 0, await shown(lonely, staff))

    after = await changed(lonely, staff, AT_TEN, own, note="A promise of the director.", if_version=0)
    assert (after["is_own"], after["own_version"], after["in_force"]["policy"]) == (True, 1, AT_TEN)
    assert after["in_force"]["customer_id"] == after["customer_id"] == customer.id
    assert await shown(lonely, staff, own) == after
    assert (await shown(lonely, staff))["version"] == 1
    # The same again changes nothing.
    assert await changed(lonely, staff, AT_TEN, own) == after
    assert audited(database, tenant, "CUSTOMER_DUNNING_POLICY_CHANGED") == [("Rudo (billing)", customer.id, 1)]


async def test_a_customers_own_policy_is_taken_away_by_a_version_and_taking_it_away_twice_is_harmless(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, customer: Customer, staff: Headers, own: str
) -> None:
    await changed(lonely, staff, AT_TEN, own)
    is_problem(await lonely.delete(own, headers=staff, params={"if_version": 7}), 409)
    for _ in range(2):
        removed = await lonely.delete(own, headers=staff, params={"note": " The director left. "})
        assert removed.status_code == 200, removed.text
        assert (removed.json()["is_own"], removed.json()["own_version"]) == (False, 2)
        assert removed.json()["in_force"] == await shown(lonely, staff)
    assert audited(database, tenant, "CUSTOMER_DUNNING_POLICY_REMOVED") == [("Rudo (billing)", customer.id, 2)]
    versions = (await shown(lonely, staff, f"{own}/versions"))["items"]
    assert [(item["version"], item["policy"], item["note"]) for item in versions] == [
        (2, None, "The director left."),
        (1, AT_TEN, ""),
    ]
    # And may get one again, with the number that GET tells.
    assert (await changed(lonely, staff, AT_TEN, own, if_version=2))["own_version"] == 3


async def test_what_the_business_changes_does_not_reach_a_customer_with_its_own(
    lonely: httpx.AsyncClient, staff: Headers, own: str
) -> None:
    await changed(lonely, staff, AT_TEN, own)
    await changed(lonely, staff, AT_ELEVEN)
    assert (await shown(lonely, staff, own))["in_force"]["policy"] == AT_TEN


async def test_a_customers_bad_policy_is_refused_as_the_business_would_be(
    lonely: httpx.AsyncClient, staff: Headers, own: str
) -> None:
    assert refused_field(await put(lonely, staff, bad(1, offset="P1M"), own)) == "steps[1].offset"
    assert (await shown(lonely, staff, own))["own_version"] == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_customer_that_is_not_there_is_named(lonely: httpx.AsyncClient, staff: Headers, method: str) -> None:
    path = "/api/customers/cus_of_nobody/dunning-policy"
    answer = await lonely.request(method, path, headers=staff, json={"policy": DEFAULT})
    assert "customer cus_of_nobody" in is_problem(answer, 404)["detail"]


async def test_a_change_reaches_later_invoices_only(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: Headers
) -> None:
    issued = factories.issue_invoice(database, tenant)
    new = await changed(lonely, staff, AT_TEN)
    later = factories.issue_invoice(database, tenant)
    with database.tenant(tenant.id) as session:
        kept, given = (invoices.get(session, invoice.id) for invoice in (issued, later))
    assert kept.policy == factories.EVERY_DAY
    assert (given.policy.to_data(), given.policy_id) == (AT_TEN, new["id"])


def test_the_policy_that_the_documents_show_is_what_a_business_begins_with() -> None:
    document = (Path(__file__).parents[2] / "docs" / "collections.md").read_text(encoding="utf-8")
    shown_there = document.split("```json\n")[1].split("```")[0]
    assert json.loads(shown_there) == DEFAULT
