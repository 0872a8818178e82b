"""The audit log as staff read it: what was done, by whom, newest first."""

import httpx
import pytest

from domain.customer import Tenant
from persistence import audit
from persistence.database import Database
from tests import factories
from tests.api.serving import token_of

LOG = "/api/audit"


@pytest.fixture
def viewer(database: Database, tenant: Tenant) -> dict[str, str]:
    """Somebody who may only look, at a log of three entries."""
    with database.tenant(tenant.id) as session:
        audit.record(
            session, factories.NOW, "Rudo", "REVIEW_MATCHED", "Review", "rev_1", payment_id="pay_1", amount="USD 25.00"
        )
        audit.record(session, factories.NOW, "system", "ONLINE_PAYMENT_RECEIVED", "Payment", "pay_1", amount="USD 25.00")
        audit.record(session, factories.NOW, "Rudo", "REVIEW_DISMISSED", "Review", "rev_2", note="Nothing came.")
    return token_of(database, tenant, "viewer")


async def seen(client: httpx.AsyncClient, viewer: dict[str, str], **query: str) -> list[str]:
    """The ids of the things in the log, as they are listed."""
    answer = await client.get(LOG, headers=viewer, params=query)
    assert answer.status_code == 200, answer.text
    return [entry["resource_id"] for entry in answer.json()["items"]]


async def test_who_decided_what_is_told_with_its_details(lonely: httpx.AsyncClient, viewer: dict[str, str]) -> None:
    (entry,) = (await lonely.get(LOG, headers=viewer, params={"action": "REVIEW_MATCHED"})).json()["items"]
    assert (entry["actor"], entry["action"], entry["resource_type"]) == ("Rudo", "REVIEW_MATCHED", "Review")
    assert entry["details"] == {"payment_id": "pay_1", "amount": "USD 25.00"}
    assert entry["at"] == "2026-11-01T08:00:00Z"


async def test_it_is_read_by_kind_by_thing_and_by_deed(lonely: httpx.AsyncClient, viewer: dict[str, str]) -> None:
    assert await seen(lonely, viewer) == ["rev_2", "pay_1", "rev_1"]
    assert await seen(lonely, viewer, resource_type="Review") == ["rev_2", "rev_1"]
    assert await seen(lonely, viewer, resource_id="pay_1") == ["pay_1"]
    assert await seen(lonely, viewer, action="REVIEW_DISMISSED") == ["rev_2"]
    assert await seen(lonely, viewer, resource_type="Payment", action="REVIEW_DISMISSED") == []
