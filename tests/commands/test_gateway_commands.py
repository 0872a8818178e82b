"""Entering a business's accounts at the South African gateways, and registering Yoco's webhook with its simulator."""

import pytest
from sqlalchemy import select

from gateways.transport import Transport
from gateways.yoco_webhooks import list_webhooks
from persistence.database import Database
from persistence.models import GatewayAccountRow
from persistence.secrets import CredentialBox
from tests.commands.shell import KEY, Run, create
from tests.gateways.yoco_bench import SECRET_KEY, yoco_served

OURS = {"APP_URL": "https://pay.dunlin.example"}
COMMANDS = {
    "yoco": (("--secret-key", SECRET_KEY), {"secret_key": SECRET_KEY, "webhook_secret": ""}),
    "payfast": (
        ("--merchant-id", "10000100", "--merchant-key", "46f0cd694581a", "--passphrase", "jt7NOE43FZPn"),
        {"merchant_id": "10000100", "merchant_key": "46f0cd694581a", "passphrase": "jt7NOE43FZPn"},
    ),
    "ozow": (
        ("--site-code", "TSTSTE0001", "--private-key", "215114531AFF", "--api-key", "EB5758F2", "--test"),
        {"site_code": "TSTSTE0001", "private_key": "215114531AFF", "api_key": "EB5758F2", "is_test": "true"},
    ),
}


def stored(database: Database) -> dict[str, dict[str, str]]:
    """The credentials of each gateway, decrypted."""
    with database.system() as system:
        rows = list(system.scalars(select(GatewayAccountRow)))
    assert all(row.currency == "ZAR" for row in rows)
    return {row.gateway: CredentialBox([KEY]).unseal(row.credentials) for row in rows}


@pytest.mark.parametrize("gateway", sorted(COMMANDS))
def test_an_account_is_stored_encrypted_and_no_secret_is_shown(run: Run, migrated: Database, gateway: str) -> None:
    options, credentials = COMMANDS[gateway]
    create(run, {"currency": "ZAR"})
    said = run(f"set-{gateway}", "--tenant", "cvt", *options)
    assert (said.code, said.out.startswith("Tenant cvt takes ZAR by ")) == (0, True), said
    assert stored(migrated) == {gateway: credentials}
    assert not [value for value in credentials.values() if len(value) > 5 and value in said.out + said.err]


def test_an_empty_credential_is_refused_by_name_and_nothing_is_stored(run: Run, migrated: Database) -> None:
    create(run)
    options = ("--site-code", " ", "--private-key", "a", "--api-key", "b")
    assert run("set-ozow", "--tenant", "cvt", *options).sentence.startswith("site-code: it is empty")
    assert stored(migrated) == {}


def test_yocos_public_key_is_refused_where_the_secret_one_belongs(run: Run, migrated: Database) -> None:
    create(run)
    assert run("set-yoco", "--tenant", "cvt", "--secret-key", "pk_live_1").sentence.startswith("secret-key: it must begin with")
    assert stored(migrated) == {}


def test_the_first_tenant_takes_the_accounts_of_the_environment(run: Run, migrated: Database) -> None:
    create(run)
    environment = {
        "YOCO_SECRET_KEY": SECRET_KEY,
        "YOCO_WEBHOOK_SECRET": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "PAYFAST_MERCHANT_ID": "10000100",
        "PAYFAST_MERCHANT_KEY": "46f0cd694581a",
        "OZOW_SITE_CODE": "TSTSTE0001",
        "OZOW_PRIVATE_KEY": "215114531AFF",
        "OZOW_API_KEY": "EB5758F2",
    }
    said = run("migrate", **environment)
    assert "takes ZAR by Yoco; tenant cvt takes ZAR by PayFast; tenant cvt takes ZAR by Ozow." in said.out
    assert stored(migrated)["yoco"]["webhook_secret"] == environment["YOCO_WEBHOOK_SECRET"]
    assert stored(migrated)["ozow"]["is_test"] == "false"


def test_a_registered_webhook_leaves_its_secret_stored_and_unseen_and_old_ones_stay_good(run: Run, migrated: Database) -> None:
    create(run)
    run("set-yoco", "--tenant", "cvt", "--secret-key", SECRET_KEY, "--webhook-secret", "whsec_b2xk")
    with yoco_served() as account, Transport() as transport:
        told = run("register-yoco-webhook", "--tenant", "cvt", YOCO_API_URL=account.base_url, **OURS)
        assert told.code == 0, told.err
        [hook] = list_webhooks(transport, account)
        assert (hook.url, hook.mode) == ("https://pay.dunlin.example/webhooks/yoco", "test")
        new, old = stored(migrated)["yoco"]["webhook_secret"].split()
        assert (new.startswith("whsec_"), old) == (True, "whsec_b2xk")
        assert new not in told.out + told.err

        again = run("register-yoco-webhook", "--tenant", "cvt", YOCO_API_URL=account.base_url, **OURS)
        assert "is registered at Yoco as" in again.sentence
        assert len(list_webhooks(transport, account)) == 1

        forced = run("register-yoco-webhook", "--tenant", "cvt", "--again", YOCO_API_URL=account.base_url, **OURS)
        assert forced.code == 0, forced.err
        assert len(stored(migrated)["yoco"]["webhook_secret"].split()) == 3


def test_a_webhook_is_not_registered_for_a_business_without_a_key(run: Run, migrated: Database) -> None:
    create(run)
    assert "enter it with set-yoco first" in run("register-yoco-webhook", "--tenant", "cvt", **OURS).sentence
