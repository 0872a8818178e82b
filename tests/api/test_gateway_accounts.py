"""What was agreed with a gateway about its fees: shown without any credentials, changed by staff, audited."""

from typing import Any

import httpx
import pytest

from domain.customer import Tenant
from persistence import attempts, audit, tenants
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field, token_of
from tests.factories import usd

ACCOUNTS = "/api/gateway-accounts"
RATES = {"PAYNOW_ECOCASH": {"basis_points": 250, "fixed_minor": 10}}


@pytest.fixture
def account_id(database: Database, tenant: Tenant) -> str:
    return factories.make_account(database, tenant).id


async def test_accounts_are_shown_without_their_credentials(
    lonely: httpx.AsyncClient, staff: dict[str, str], account_id: str
) -> None:
    answer = await lonely.get(ACCOUNTS, headers=staff)
    assert answer.json() == {
        "items": [{"id": account_id, "gateway": "paynow", "currency": "USD", "fee_rates": {}}],
        "next": None,
    }


async def test_agreed_rates_are_kept_and_audited(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str], account_id: str
) -> None:
    changed = await lonely.put(f"{ACCOUNTS}/{account_id}/fee-rates", headers=staff, json=RATES)
    assert changed.json()["fee_rates"] == RATES
    assert (await lonely.get(ACCOUNTS, headers=staff)).json()["items"] == [changed.json()]
    with database.tenant(tenant.id) as session:
        assert tenants.fee_rates(session, account_id) == RATES
        _, details = audit.last_of(session, "FEE_RATES_CHANGED", account_id) or ("", {})
    assert details == {"before": {}, "after": RATES}


@pytest.mark.parametrize(
    ("rates", "field"),
    [
        ({"YOCO": {"basis_points": 250}}, "YOCO"),
        ({"PAYNOW_VISA": {"basis_points": 10_001}}, "PAYNOW_VISA.basis_points"),
        ({"PAYNOW_VISA": {"basis_points": 1, "fixed_minor": -1}}, "PAYNOW_VISA.fixed_minor"),
        ({"PAYNOW_VISA": {"basis_points": 2.5}}, "PAYNOW_VISA.basis_points"),
        ({"PAYNOW_VISA": {}}, "PAYNOW_VISA.basis_points"),
    ],
)
async def test_a_rate_that_no_gateway_takes_is_refused_by_name(
    lonely: httpx.AsyncClient, staff: dict[str, str], account_id: str, rates: dict[str, Any], field: str
) -> None:
    assert refused_field(await lonely.put(f"{ACCOUNTS}/{account_id}/fee-rates", headers=staff, json=rates)) == field
    assert (await lonely.get(ACCOUNTS, headers=staff)).json()["items"][0]["fee_rates"] == {}


async def test_anothers_account_looks_as_if_it_were_not_there(
    lonely: httpx.AsyncClient, database: Database, account_id: str
) -> None:
    stranger = token_of(database, factories.make_tenant(database))
    is_problem(await lonely.put(f"{ACCOUNTS}/{account_id}/fee-rates", headers=stranger, json={}), 404)


async def test_a_payment_shows_what_its_gateway_kept_and_of_the_card_brand_and_last_four(
    lonely: httpx.AsyncClient, database: Database, tenant: Tenant, staff: dict[str, str]
) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    attempt = factories.make_attempt(database, tenant, payment)
    bare = (await lonely.get(f"/api/payments/{payment.id}", headers=staff)).json()
    assert [bare[name] for name in ("fee", "net", "fee_is_estimate", "card_brand")] == [None, None, False, None]
    with database.tenant(tenant.id) as session:
        attempts.record_fee(session, attempt.id, usd("1.98"), is_estimate=True)
        attempts.record_answer(
            session,
            attempt.id,
            outcome=attempt.outcome,
            gateway_reference="19372",
            gateway_status=None,
            poll_url=None,
            raw="",
            now=factories.NOW,
            card_brand="visa",
            card_last_four="1111",
        )
    shown = (await lonely.get(f"/api/payments/{payment.id}", headers=staff)).json()
    assert (shown["fee"]["minor"], shown["net"]["minor"], shown["fee_is_estimate"]) == (198, 2302, True)
    assert (shown["card_brand"], shown["card_last_four"], shown["reference"]) == ("visa", "1111", "19372")
    assert (await lonely.get("/api/payments", headers=staff)).json()["items"] == [shown]
