"""Commands about gateways: which accounts a tenant has there, and Yoco's webhook. A part of `manage.py`, which runs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parseaddr

import click
from sqlalchemy.orm import Session

from activities.gateway_calls import GatewayDesk
from domain.errors import ConflictError, InvalidInputError
from domain.money import minor_digits
from gateways import yoco_webhooks
from gateways.registry import Registry
from gateways.transport import Transport
from persistence import tenants
from persistence.contacts import email_address
from persistence.database import Database
from persistence.secrets import CredentialBox
from settings import Settings
from wiring import gateway_addresses

_RAND = "ZAR"


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The installation's database for one command; closed also when the command is refused."""
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def check_address(field: str, address: str) -> None:
    """Raises: InvalidInputError: names `field`."""
    try:
        email_address(address)
    except InvalidInputError as error:
        raise InvalidInputError(field, error.message) from None


def configure_first_tenant(system: Session, settings: Settings, now: datetime) -> list[str]:
    """Give the first tenant the sender and the gateway accounts that the environment names; what was given, for people."""
    tenant = tenants.first(system)
    if tenant is None:
        return []
    given = []
    sender = parseaddr(settings.email_from)[1]
    if sender:
        check_address("EMAIL_FROM", sender)
        tenants.set_sender(system, tenant.id, sender)
        given.append(f"tenant {tenant.slug} writes as {sender}")
    accounts = (
        ("paynow", settings.paynow_currency or tenant.currency, settings.paynow_credentials),
        ("yoco", _RAND, settings.yoco_credentials),
        ("payfast", _RAND, settings.payfast_credentials),
        ("ozow", _RAND, settings.ozow_credentials),
    )
    for gateway, currency, credentials in accounts:
        if credentials is not None:
            minor_digits(currency)
            tenants.put_account(system, CredentialBox(settings.secret_keys), tenant.id, gateway, currency, credentials, now)
            given.append(f"tenant {tenant.slug} takes {currency} by {_NAMES[gateway]}")
    return given


_NAMES = {"paynow": "Paynow", "yoco": "Yoco", "payfast": "PayFast", "ozow": "Ozow"}


def _store(settings: Settings, slug: str, gateway: str, currency: str, credentials: dict[str, str]) -> None:
    """Store a tenant's account, encrypted, and say so."""
    empty = [name for name, value in credentials.items() if name not in {"passphrase", "webhook_secret"} and not value.strip()]
    if empty:
        raise InvalidInputError(empty[0].replace("_", "-"), "it is empty; enter what the gateway issued.")
    trimmed = {name: value.strip() for name, value in credentials.items()}
    with opened(settings) as database, database.system() as system:
        tenant = tenants.by_slug(system, slug)
        box = CredentialBox(settings.secret_keys)
        tenants.put_account(system, box, tenant.id, gateway, currency, trimmed, datetime.now(UTC))
    click.echo(f"Tenant {slug} takes {currency} by {_NAMES[gateway]}.")


@click.command("set-paynow")
@click.option("--tenant", "slug", required=True)
@click.option("--currency", required=True, help="Which currency this integration takes: the integration decides it.")
@click.option("--integration-id", required=True)
@click.option("--integration-key", prompt=True, hide_input=True, help="Asked for when it is not given.")
@click.pass_obj
def set_paynow(settings: Settings, slug: str, currency: str, integration_id: str, integration_key: str) -> None:
    """Store a tenant's Paynow integration for one currency, encrypted."""
    minor_digits(currency)
    credentials = {"integration_id": integration_id, "integration_key": integration_key}
    _store(settings, slug, "paynow", currency, credentials)


@click.command("set-yoco")
@click.option("--tenant", "slug", required=True)
@click.option("--secret-key", prompt=True, hide_input=True, help="sk_live_… or sk_test_…; asked for when it is not given.")
@click.option(
    "--webhook-secret", default="", help="whsec_… of a webhook that is registered already; see register-yoco-webhook."
)
@click.pass_obj
def set_yoco(settings: Settings, slug: str, secret_key: str, webhook_secret: str) -> None:
    """Store a tenant's Yoco key, encrypted. Its payments are confirmed once the webhook is registered."""
    if not secret_key.strip().startswith(("sk_live_", "sk_test_")):
        raise InvalidInputError("secret-key", "it must begin with sk_live_ or sk_test_: take the secret key.")
    _store(settings, slug, "yoco", _RAND, {"secret_key": secret_key, "webhook_secret": webhook_secret})


@click.command("set-payfast")
@click.option("--tenant", "slug", required=True)
@click.option("--merchant-id", required=True)
@click.option("--merchant-key", prompt=True, hide_input=True, help="Asked for when it is not given.")
@click.option("--passphrase", prompt=True, hide_input=True, default="", help="As on the account; empty when it has none.")
@click.pass_obj
def set_payfast(settings: Settings, slug: str, merchant_id: str, merchant_key: str, passphrase: str) -> None:
    """Store a tenant's PayFast account, encrypted."""
    credentials = {"merchant_id": merchant_id, "merchant_key": merchant_key, "passphrase": passphrase}
    _store(settings, slug, "payfast", _RAND, credentials)


@click.command("set-ozow")
@click.option("--tenant", "slug", required=True)
@click.option("--site-code", required=True)
@click.option("--private-key", prompt=True, hide_input=True, help="Asked for when it is not given.")
@click.option("--api-key", prompt=True, hide_input=True, help="Asked for when it is not given.")
@click.option("--test/--live", "is_test", default=False, show_default="live", help="Test payments move no money.")
@click.pass_obj
def set_ozow(settings: Settings, slug: str, site_code: str, private_key: str, api_key: str, *, is_test: bool) -> None:
    """Store a tenant's Ozow site, encrypted."""
    credentials = {"site_code": site_code, "private_key": private_key, "api_key": api_key, "is_test": str(is_test).lower()}
    _store(settings, slug, "ozow", _RAND, credentials)


@click.command("register-yoco-webhook")
@click.option("--tenant", "slug", required=True)
@click.option("--again", is_flag=True, help="Register once more although our address is registered: its old secret is lost.")
@click.pass_obj
def register_yoco_webhook(settings: Settings, slug: str, *, again: bool) -> None:
    """Have Yoco tell us of payments. It shows the webhook's secret only now; it is stored, encrypted, beside the old ones."""
    desk = GatewayDesk(Registry({}), CredentialBox(settings.secret_keys), gateway_addresses(settings))
    with opened(settings) as database, Transport() as transport:
        with database.system() as system:
            tenant = tenants.by_slug(system, slug)
        with database.tenant(tenant.id) as session:
            stored = tenants.account_for(session, desk.box, "yoco", _RAND)
        if stored is None:
            raise ConflictError(f"Tenant {slug} has no Yoco key yet: enter it with set-yoco first.")
        account = desk.complete(stored)
        known = [hook for hook in yoco_webhooks.list_webhooks(transport, account) if hook.url == account.result_url]
        if known and not again:
            raise ConflictError(
                f"{account.result_url} is registered at Yoco as {known[0].id}. If its secret is not stored here, run this with "
                "--again; Yoco keeps five webhooks at most."
            )
        made = yoco_webhooks.register_webhook(transport, account, account.result_url, f"dunlin-{slug}")
        secrets = " ".join([made.secret, *account.credentials.get("webhook_secret", "").split()])
        credentials = {**account.credentials, "webhook_secret": secrets}
        with database.system() as system:
            tenants.put_account(system, desk.box, tenant.id, "yoco", _RAND, credentials, datetime.now(UTC))
    click.echo(f"Yoco tells {account.result_url} of {slug}'s payments in {made.mode} mode (webhook {made.id}).")


GATEWAY_COMMANDS = (set_paynow, set_yoco, set_payfast, set_ozow, register_yoco_webhook)
