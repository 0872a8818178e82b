"""Tenants, their staff's tokens and their gateway accounts: found by what only the right caller knows."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.customer import Tenant
from domain.errors import NotFoundError
from persistence import tenants
from persistence.database import Database
from persistence.models import StaffTokenRow
from tests import factories
from tests.factories import BOX, NOW, PAYNOW_CREDENTIALS
from tests.persistence.refusals import refused_by


def test_a_tenant_is_found_by_its_slug(database: Database, tenant: Tenant) -> None:
    with database.system() as system:
        assert tenants.by_slug(system, tenant.slug) == tenant
        assert tenant.id in tenants.all_ids(system)


def test_a_tenant_has_the_country_whose_holidays_it_keeps(database: Database) -> None:
    assert factories.make_tenant(database).country == "ZW"
    assert factories.make_tenant(database, country="ZA").country == "ZA"


def test_a_slug_belongs_to_one_tenant(database: Database, tenant: Tenant) -> None:
    with refused_by("uq_tenants_slug"):
        factories.make_tenant(database, slug=tenant.slug)


def test_a_tenant_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(NotFoundError, match="tenant nobody"), database.system() as system:
        tenants.by_slug(system, "nobody")


def test_the_tenant_that_was_made_first_is_the_one_that_the_environment_configures(database: Database) -> None:
    first = factories.make_tenant(database, created_at=NOW - timedelta(days=3650))
    factories.make_tenant(database, created_at=NOW - timedelta(days=3649))
    with database.system() as system:
        assert tenants.first(system) == first


def test_branding_is_the_bound_tenants(database: Database, tenant: Tenant) -> None:
    with database.tenant(tenant.id) as session:
        branding = tenants.branding(session)
    assert (branding.business_name, branding.sender) == (tenant.name, tenant.sender_email)


def test_a_staff_token_opens_until_it_is_revoked_and_is_not_stored(database: Database, tenant: Tenant) -> None:
    token = f"staff-{tenant.slug}"
    with database.system() as system:
        tenants.add_token(system, tenant.id, "Rudo", "billing", token, NOW)
    with database.system() as system:
        staff = tenants.staff_by_token(system, token)
        assert staff is not None
        assert (staff.tenant_id, staff.name, staff.role) == (tenant.id, "Rudo", "billing")
        assert tenants.staff_by_token(system, f"{token}x") is None
        assert token not in str(system.execute(text("SELECT * FROM staff_tokens WHERE tenant_id = :t"), {"t": tenant.id}).all())
        system.get_one(StaffTokenRow, staff.token_id).revoked_at = NOW
    with database.system() as system:
        assert tenants.staff_by_token(system, token) is None


def test_gateway_credentials_are_sealed_at_rest_and_hidden_in_print(database: Database, tenant: Tenant) -> None:
    account = factories.make_account(database, tenant)
    secret = PAYNOW_CREDENTIALS["integration_key"]
    assert account.credentials == PAYNOW_CREDENTIALS
    assert secret not in repr(account)
    with database.system() as system:
        sealed = system.scalar(text("SELECT credentials FROM gateway_accounts WHERE id = :id"), {"id": account.id})
    assert secret.encode() not in bytes(sealed)


def test_new_credentials_replace_the_old_ones_of_the_same_currency(database: Database, tenant: Tenant) -> None:
    before = factories.make_account(database, tenant)
    with database.system() as system:
        tenants.put_account(system, BOX, tenant.id, "paynow", "USD", {"integration_id": "7", "integration_key": "new"}, NOW)
    with database.tenant(tenant.id) as session:
        after = tenants.account(session, BOX, before.id)
        assert tenants.account_for(session, BOX, "paynow", "USD") == after
    assert after.credentials["integration_id"] == "7"


def test_a_tenant_takes_a_currency_by_the_gateways_it_has_for_it(database: Database, tenant: Tenant) -> None:
    factories.make_account(database, tenant, gateway="paynow", currency="USD")
    factories.make_account(database, tenant, gateway="paynow", currency="ZWG")
    with database.tenant(tenant.id) as session:
        assert tenants.gateways_for(session, "USD") == {"paynow"}
        assert tenants.gateways_for(session, "ZAR") == set()
        assert tenants.account_for(session, BOX, "yoco", "USD") is None


def test_another_tenants_account_looks_as_if_there_were_none(database: Database, tenant: Tenant) -> None:
    theirs = factories.make_account(database, factories.make_tenant(database))
    with pytest.raises(NotFoundError, match=theirs.id), database.tenant(tenant.id) as session:
        tenants.account(session, BOX, theirs.id)
    with database.system() as system:
        assert theirs in tenants.accounts_of_gateway(system, BOX, "paynow")
