"""The commands of whoever runs an installation, on a database of its own: what they do, and how they refuse."""

import pytest
from sqlalchemy import select, text

from domain.dunning_policy import default_policy
from persistence import dunning_policies, tenants
from persistence.database import Database
from persistence.models import GatewayAccountRow, StaffTokenRow, TenantRow
from persistence.secrets import CredentialBox
from tests import factories
from tests.commands.shell import KEY, PAYNOW_KEY, Run, create


def rows(database: Database, table: type[TenantRow | StaffTokenRow | GatewayAccountRow]) -> int:
    with database.system() as system:
        return len(list(system.scalars(select(table))))


def whose(database: Database, token: str) -> tenants.Staff:
    with database.system() as system:
        found = tenants.staff_by_token(system, token)
    assert found is not None
    return found


def test_migrating_twice_is_harmless(run: Run) -> None:
    assert [run("migrate").out for _ in range(2)] == ["The database is up to date.\n"] * 2


def test_a_new_tenant_gets_a_token_that_works_and_is_kept_as_a_hash_only(run: Run, migrated: Database) -> None:
    said = create(run)
    assert said.code == 0, said.err
    token = said.out.splitlines()[-1]
    assert token.startswith("dnl_")
    staff = whose(migrated, token)
    with migrated.system() as system:
        tenant = tenants.by_slug(system, "cvt")
        (row,) = system.scalars(select(StaffTokenRow))
    assert (staff.tenant_id, staff.role) == (tenant.id, "admin")
    assert (tenant.currency, tenant.time_zone, tenant.payment_terms_days) == ("USD", "Africa/Harare", 14)
    assert token not in str(vars(row))


def test_a_new_tenant_begins_with_the_default_policy_as_its_first_version(run: Run, migrated: Database) -> None:
    create(run)
    with migrated.system() as system:
        tenant = tenants.by_slug(system, "cvt")
    with migrated.tenant(tenant.id) as session:
        first = dunning_policies.of_business(session)
    assert (first.version, first.policy, first.created_by) == (1, default_policy(), "system")


@pytest.mark.parametrize(
    ("change", "country"),
    [({}, "ZW"), ({"locale": "en_ZA"}, "ZA"), ({"country": "ZA"}, "ZA"), ({"locale": "en_ZA", "country": "BW"}, "BW")],
)
def test_a_tenant_keeps_the_holidays_of_the_country_that_is_said_else_of_its_locale(
    run: Run, migrated: Database, change: dict[str, str], country: str
) -> None:
    said = create(run, change)
    assert said.code == 0, said.err
    with migrated.system() as system:
        assert tenants.by_slug(system, "cvt").country == country


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"currency": "US"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"time-zone": "Harare"}, "time-zone"),
        ({"time-zone": "../etc/passwd"}, "time-zone"),
        ({"slug": "CVT"}, "slug"),
        ({"slug": "c v t"}, "slug"),
        ({"slug": "c" * 41}, "slug"),
        ({"invoice-prefix": ""}, "invoice-prefix"),
        ({"invoice-prefix": "C" * 21}, "invoice-prefix"),
        ({"sender-email": "billing"}, "sender-email"),
        ({"contact-email": "accounts@"}, "contact-email"),
        ({"portal-url": "cvt.example"}, "portal_url"),
        ({"portal-url": "javascript:alert(1)"}, "portal_url"),
        ({"colour": "blue"}, "colour"),
        ({"locale": "klingon"}, "locale"),
        ({"country": "Zimbabwe"}, "country"),
        ({"country": "zw"}, "country"),
        ({"country": "XX"}, "country"),
        ({"locale": "en"}, "country"),
        ({"payment-terms-days": "-1"}, "payment-terms-days"),
    ],
)
def test_a_tenant_that_could_not_bill_is_refused_in_a_sentence_and_not_made(
    run: Run, migrated: Database, change: dict[str, str], named: str
) -> None:
    said = create(run, change)
    assert said.code == 2, said
    assert named in said.err.splitlines()[-1]
    assert rows(migrated, TenantRow) == rows(migrated, StaffTokenRow) == 0


def test_a_slug_is_taken_once(run: Run, migrated: Database) -> None:
    create(run)
    assert create(run, {"name": "Another"}).sentence == "slug: there is a tenant 'cvt' already."
    assert rows(migrated, TenantRow) == 1


@pytest.mark.parametrize("role", ["admin", "billing", "viewer"])
def test_a_token_has_the_role_that_was_asked_for(run: Run, migrated: Database, role: str) -> None:
    create(run)
    staff = whose(migrated, run("create-token", "--tenant", "cvt", "--name", "Rudo", "--role", role).out.strip())
    assert (staff.name, staff.role) == ("Rudo", role)


def test_a_role_or_tenant_that_is_none_is_refused(run: Run, migrated: Database) -> None:
    create(run)
    assert "'owner' is not one of" in run("create-token", "--tenant", "cvt", "--name", "Rudo", "--role", "owner").err
    assert run("create-token", "--tenant", "acme", "--name", "Rudo").sentence == "There is no tenant acme."
    assert rows(migrated, StaffTokenRow) == 1


def paynow_account(database: Database) -> GatewayAccountRow:
    with database.system() as system:
        return system.scalars(select(GatewayAccountRow)).one()


SET_PAYNOW = ("set-paynow", "--tenant", "cvt", "--currency", "ZWG", "--integration-id", "1201", "--integration-key", PAYNOW_KEY)


def test_a_paynow_integration_is_stored_encrypted_and_its_key_is_not_shown(run: Run, migrated: Database) -> None:
    create(run)
    said = run(*SET_PAYNOW)
    assert said.out == "Tenant cvt takes ZWG by Paynow.\n"
    assert PAYNOW_KEY not in said.out + said.err
    account = paynow_account(migrated)
    assert (account.gateway, account.currency) == ("paynow", "ZWG")
    assert PAYNOW_KEY.encode() not in account.credentials
    assert CredentialBox([KEY]).unseal(account.credentials) == {"integration_id": "1201", "integration_key": PAYNOW_KEY}


def test_setting_paynow_again_replaces_the_key(run: Run, migrated: Database) -> None:
    create(run)
    run(*SET_PAYNOW)
    run(*SET_PAYNOW[:-1], "another")
    assert CredentialBox([KEY]).unseal(paynow_account(migrated).credentials)["integration_key"] == "another"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DUNLIN_SECRET_KEY": ""}, "DUNLIN_SECRET_KEY: it is not set; make a key with `python -m manage secret-key`"),
        ({"DUNLIN_SECRET_KEY": "too short"}, "DUNLIN_SECRET_KEY: not a Fernet key"),
    ],
)
def test_without_a_usable_key_nothing_is_stored(run: Run, migrated: Database, variables: dict[str, str], told: str) -> None:
    create(run)
    assert told in run(*SET_PAYNOW, **variables).sentence
    assert rows(migrated, GatewayAccountRow) == 0


def test_paynow_in_a_currency_that_is_none_is_refused(run: Run, migrated: Database) -> None:
    create(run)
    assert run(*(part.replace("ZWG", "ZIG") for part in SET_PAYNOW)).sentence.startswith("currency: 'ZIG' is not a currency")
    assert rows(migrated, GatewayAccountRow) == 0


ENVIRONMENT = {"PAYNOW_INTEGRATION_ID": "1201", "PAYNOW_INTEGRATION_KEY": PAYNOW_KEY}


def test_the_first_tenant_takes_the_paynow_of_the_environment(run: Run, migrated: Database) -> None:
    create(run)
    create(run, {"slug": "second", "currency": "ZAR"})
    for _ in range(2):
        assert run("migrate", **ENVIRONMENT).out == "The database is up to date; tenant cvt takes USD by Paynow.\n"
    account = paynow_account(migrated)
    with migrated.system() as system:
        assert account.tenant_id == tenants.by_slug(system, "cvt").id
    assert account.currency == "USD"
    assert CredentialBox([KEY]).unseal(account.credentials)["integration_key"] == PAYNOW_KEY


def test_the_first_tenant_writes_from_the_address_of_the_environment(run: Run, migrated: Database) -> None:
    create(run)
    assert "tenant cvt writes as noreply@cvt.example" in run("migrate", EMAIL_FROM="CVT <noreply@cvt.example>").out
    with migrated.system() as system:
        assert tenants.by_slug(system, "cvt").sender_email == "noreply@cvt.example"


def test_a_tenant_that_comes_after_the_environment_takes_its_paynow_too(run: Run, migrated: Database) -> None:
    create(run, {}, **ENVIRONMENT, PAYNOW_CURRENCY="ZWG")
    assert paynow_account(migrated).currency == "ZWG"


def test_a_currency_of_the_environment_that_is_none_is_refused(run: Run, migrated: Database) -> None:
    create(run)
    assert "'Dollar' is not a currency" in run("migrate", **ENVIRONMENT, PAYNOW_CURRENCY="Dollar").sentence
    assert rows(migrated, GatewayAccountRow) == 0


def test_a_sender_of_the_environment_that_no_mail_can_come_from_is_refused(run: Run, migrated: Database) -> None:
    create(run)
    assert run("migrate", EMAIL_FROM="our accounts").sentence.startswith("EMAIL_FROM: ")
    with migrated.system() as system:
        assert tenants.by_slug(system, "cvt").sender_email == "billing@cvt.example"


def test_good_books_are_said_to_be_good(run: Run, migrated: Database) -> None:
    tenant = factories.make_tenant(migrated)
    invoice = factories.issue_invoice(migrated, tenant)
    factories.settle_payment(migrated, tenant, factories.start_payment(migrated, tenant, invoice))
    said = run("check")
    assert said.code == 0, said.err
    assert said.out.startswith("All ")


def test_broken_books_are_named_row_by_row_and_fail_the_command(run: Run, migrated: Database) -> None:
    tenant = factories.make_tenant(migrated)
    invoice = factories.issue_invoice(migrated, tenant)
    with migrated.system() as system:
        system.execute(text("ALTER TABLE invoice_lines DISABLE TRIGGER USER"))
        system.execute(text("UPDATE invoice_lines SET net = net + 1, gross = gross + 1"))
        system.execute(text("ALTER TABLE invoice_lines ENABLE TRIGGER USER"))
    said = run("check")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"BROKEN: an invoice's lines make its totals\n  {invoice.number}\n"


def test_a_secret_key_can_be_used_as_it_is_printed(run: Run) -> None:
    made = [run("secret-key").out.strip() for _ in range(2)]
    assert made[0] != made[1]
    for key in made:
        box = CredentialBox([key])
        assert box.unseal(box.seal({"integration_key": "x"})) == {"integration_key": "x"}


def test_a_database_that_does_not_answer_is_one_sentence_without_its_password(run: Run) -> None:
    said = run("check", DATABASE_URL="postgresql://dunlin:hunter2@127.0.0.1:1/dunlin").sentence
    assert said.startswith("DATABASE_URL: the database cannot be used: ")
    assert "hunter2" not in said


def test_a_setting_that_cannot_be_read_is_named(run: Run) -> None:
    assert run("secret-key", SMTP_PORT="none").sentence.startswith("SMTP_PORT: ")
