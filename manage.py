"""Commands for whoever runs an installation: `python -m manage --help`."""

import re
import secrets
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from cryptography.fernet import Fernet
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.customer_import import ImportFile
from domain.dunning_policy import default_policy
from domain.errors import DunlinError, InvalidInputError
from domain.letters import Branding
from domain.money import Money, minor_digits
from manage_gateways import GATEWAY_COMMANDS, check_address, configure_first_tenant, opened
from persistence import audit, checks, dunning_policies, imports, migrate, tenants
from persistence.imports import ImportOutcome
from persistence.models import TenantRow
from public_holidays import require_country
from settings import Settings
from wording import write_money

TOKEN_PREFIX = "dnl_"  # noqa: S105 - what a token begins with, so that a leaked one can be searched for
_TOKEN_BYTES = 32
# As the table holds them (`persistence/models/tenancy.py`).
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LONGEST_PREFIX = 20
# What mistakes in arguments and settings exit with.
_USAGE_ERROR = 2


def new_token() -> str:
    """A staff token with full entropy; shown once and stored as a hash only."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def make_tenant(system: Session, now: datetime, **facts: Any) -> Tenant:
    """A new tenant with the default dunning policy; `facts` are the columns of `TenantRow`.

    Raises:
        InvalidInputError: names the fact that cannot be billed or written letters with.
    """
    _check_slug_and_prefix(facts["slug"], facts["invoice_prefix"])
    minor_digits(facts["currency"])
    try:
        ZoneInfo(facts["time_zone"])
    except (KeyError, ValueError, OSError):
        raise InvalidInputError("time-zone", f"{facts['time_zone']!r} is not a zone such as Africa/Harare.") from None
    check_address("sender-email", facts["sender_email"])
    check_address("contact-email", facts["contact_email"])
    # As every letter and page will be written: what cannot be is refused here rather than there.
    write_money(Money.zero(facts["currency"]), facts["locale"])
    Branding(
        business_name=facts["name"],
        contact_email=facts["contact_email"],
        sender=facts["sender_email"],
        address_line=facts["address_line"],
        portal_url=facts["portal_url"],
        colour=facts["colour"],
    )
    country = facts.pop("country", None) or facts["locale"].rpartition("_")[2].upper()
    require_country(country)
    tenant = tenants.add(system, TenantRow(**facts, country=country, created_at=now))
    dunning_policies.add_first(system, tenant.id, default_policy(), audit.SYSTEM, now)
    return tenant


def _check_slug_and_prefix(slug: str, invoice_prefix: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            "slug", f"{slug!r} is not a short name in small letters, digits and hyphens (40 at most), such as cvt."
        )
    if not (0 < len(invoice_prefix) <= _LONGEST_PREFIX and invoice_prefix.isprintable()):
        raise InvalidInputError("invoice-prefix", f"{invoice_prefix!r} is not 1 to {_LONGEST_PREFIX} letters such as CVT-.")


@click.group(help=__doc__)
@click.pass_context
def cli(context: click.Context) -> None:
    context.obj = Settings()


@cli.command("secret-key")
def secret_key() -> None:
    """Make a key for DUNLIN_SECRET_KEY."""
    click.echo(Fernet.generate_key().decode())


@cli.command("migrate")
@click.pass_obj
def migrate_database(settings: Settings) -> None:
    """Bring the database up to date, and the first tenant's gateways in line with the environment."""
    with opened(settings) as database:
        migrate.upgrade(database.engine)
        with database.system() as system:
            given = configure_first_tenant(system, settings, datetime.now(UTC))
    click.echo("; ".join(["The database is up to date", *given]) + ".")


@cli.command("create-tenant")
@click.option("--slug", required=True, help="Short name in small letters, such as `cvt`.")
@click.option("--name", required=True, help="As on invoices and letters.")
@click.option("--currency", required=True, help="What it bills in: USD, ZAR, ZWG …")
@click.option("--time-zone", required=True, help="Such as Africa/Harare.")
@click.option("--payment-terms-days", type=click.IntRange(0, 365), default=14, show_default=True)
@click.option("--prices-include-tax/--prices-exclude-tax", default=False, show_default=True)
@click.option("--invoice-prefix", required=True, help="What invoice numbers begin with, such as `CVT-`.")
@click.option("--sender-email", required=True, help="The address that letters come from.")
@click.option("--contact-email", required=True, help="Where customers' questions go.")
@click.option("--address-line", required=True, help="Such as `Harare, Zimbabwe`.")
@click.option("--portal-url", required=True, help="Where customers see their account.")
@click.option("--colour", default="#1e3a5f", show_default=True)
@click.option("--locale", default="en_ZW", show_default=True)
@click.option("--country", help="Its public holidays are kept: ZW, ZA …; that of the locale when left out.")
@click.pass_obj
def create_tenant(settings: Settings, /, **facts: Any) -> None:
    """Make a tenant and its first staff token, which is shown once."""
    now, token = datetime.now(UTC), new_token()
    with opened(settings) as database, database.system() as system:
        if tenants.slug_exists(system, facts["slug"]):
            raise InvalidInputError("slug", f"there is a tenant {facts['slug']!r} already.")
        tenant = make_tenant(system, now, **facts)
        tenants.add_token(system, tenant.id, "first token", "admin", token, now)
        configure_first_tenant(system, settings, now)
    click.echo(f"Tenant {tenant.slug} ({tenant.id}). Its first staff token, shown only now:\n{token}")


@cli.command("create-token")
@click.option("--tenant", "slug", required=True)
@click.option("--name", required=True, help="Whose it is; the audit log shows it.")
@click.option("--role", type=click.Choice(["admin", "billing", "viewer"]), default="billing", show_default=True)
@click.pass_obj
def create_token(settings: Settings, slug: str, name: str, role: str) -> None:
    """Make a staff token, which is shown once."""
    token = new_token()
    with opened(settings) as database, database.system() as system:
        tenants.add_token(system, tenants.by_slug(system, slug).id, name, role, token, datetime.now(UTC))
    click.echo(token)


_CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@cli.command("import")
@click.option("--tenant", "slug", required=True)
@click.option("--plans", type=_CSV, help="CSV: code,name,price,currency,interval_months,tax_percent,prorated")
@click.option("--customers", type=_CSV, help="CSV: reference,name,email,phone,plan,quantity,starts_on,ends_on")
@click.option(
    "--charges", type=_CSV, help="CSV: customer_reference,description,quantity,unit_price,currency,tax_percent,charge_on"
)
@click.option("--dry-run", is_flag=True, help="Check everything, list every bad row, and store nothing.")
@click.pass_obj
def import_csv(
    settings: Settings, slug: str, plans: Path | None, customers: Path | None, charges: Path | None, *, dry_run: bool
) -> None:
    """Import plans, customers with subscriptions, and charges: all rows or, while one is bad, none."""
    given = {ImportFile.PLANS: plans, ImportFile.CUSTOMERS: customers, ImportFile.CHARGES: charges}
    files = {kind: path.read_bytes() for kind, path in given.items() if path is not None}
    if not files:
        raise InvalidInputError("import", "name at least one file: --plans, --customers or --charges.")
    with opened(settings) as database:
        with database.system() as system:
            tenant_id = tenants.by_slug(system, slug).id
        with database.tenant(tenant_id) as session:
            outcome = imports.run(session, files, actor="command line", now=datetime.now(UTC), dry_run=dry_run)
    _report(outcome, dry_run=dry_run)


def _report(outcome: ImportOutcome, *, dry_run: bool) -> None:
    if outcome.result is None:
        for problem in outcome.problems:
            click.echo(str(problem), err=True)
        click.echo(f"Mistakes: {len(outcome.problems)}. Nothing was imported.", err=True)
        sys.exit(1)
    for change in outcome.changes:
        click.echo(str(change))
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in asdict(outcome.result).items() if count)
    click.echo(f"{'Dry run, nothing stored' if dry_run else 'Imported'}: {counts or 'nothing new'}.")


@cli.command("check")
@click.pass_obj
def check(settings: Settings) -> None:
    """Prove that ledger, invoices, numbers, payments and letters agree; exits 1 and names the rows when they do not."""
    with opened(settings) as database, database.system() as system:
        findings = checks.run(system)
    for finding in findings:
        click.echo(f"BROKEN: {finding.check}\n  " + "\n  ".join(finding.rows), err=True)
    if findings:
        sys.exit(1)
    click.echo(f"All {len(checks.CHECKS)} checks hold.")


for command in GATEWAY_COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run a command; a mistake in its arguments or settings is one sentence, not a traceback."""
    try:
        cli(standalone_mode=True)
    except DunlinError as error:
        _give_up(str(error))
    except ValidationError as error:
        _give_up(" ".join(f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}." for one in error.errors()))
    except OperationalError as error:
        _give_up(f"DATABASE_URL: the database cannot be used: {str(error.orig).partition(chr(10))[0]}.")


def _give_up(message: str) -> None:
    click.echo(message.strip(), err=True)
    sys.exit(_USAGE_ERROR)


if __name__ == "__main__":
    main()
