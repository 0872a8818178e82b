"""What an empty stack is furnished with: two businesses, their staff tokens and their accounts at the gateways.

Run after the migrations at every start; what is there already is left alone.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from manage import make_tenant, new_token
from persistence import tenants
from persistence.database import Database
from persistence.secrets import CredentialBox
from settings import Settings

BUSINESSES: tuple[dict[str, Any], ...] = (
    {
        "slug": "cvt",
        "name": "Christus Veritas Technologies",
        "currency": "USD",
        "time_zone": "Africa/Harare",
        "payment_terms_days": 14,
        "prices_include_tax": False,
        "invoice_prefix": "CVT-",
        "sender_email": "noreply@cvt.example",
        "contact_email": "accounts@cvt.example",
        "address_line": "Harare, Zimbabwe",
        "portal_url": "https://cvt.example/clients",
        "colour": "#1e3a5f",
        "locale": "en_ZW",
        "country": "ZW",
    },
    {
        "slug": "crechebooks",
        "name": "Little Acorns Crèche",
        "currency": "ZAR",
        "time_zone": "Africa/Johannesburg",
        "payment_terms_days": 7,
        "prices_include_tax": True,
        "invoice_prefix": "LAC-",
        "sender_email": "fees@littleacorns.example",
        "contact_email": "office@littleacorns.example",
        "address_line": "Johannesburg, South Africa",
        "portal_url": "https://littleacorns.example/parents",
        "colour": "#9a3412",
        "locale": "en_ZA",
        "country": "ZA",
    },
)


def prepare(stack: dict[str, Any]) -> dict[str, Any]:
    """Furnish the database that the environment names.

    Args:
        stack: the draft of `stack.json`, with `credentials` of the gateways and the `tenants` of the former start.

    Returns:
        `tenants`: slug and staff token of each, for `stack.json`.
    """
    settings = Settings()
    database = Database(settings.database_url)
    known = {tenant["slug"]: tenant["staff_token"] for tenant in stack.get("tenants", [])}
    now = datetime.now(UTC)
    with database.system() as system:
        for business in BUSINESSES:
            if not tenants.slug_exists(system, business["slug"]):
                make_tenant(system, now, **business)
            if business["slug"] not in known:
                known[business["slug"]] = _token(system, business["slug"], now)
        _take_paynow(system, settings, stack["credentials"]["paynow"]["integrations"], now)
        _take_rand(system, settings, stack["credentials"], now)
    database.close()
    return {"tenants": [{"slug": slug, "staff_token": token} for slug, token in known.items()]}


def _token(system: Session, slug: str, now: datetime) -> str:
    token = new_token()
    tenants.add_token(system, tenants.by_slug(system, slug).id, "demo", "admin", token, now)
    return token


def _take_paynow(system: Session, settings: Settings, integrations: list[dict[str, str]], now: datetime) -> None:
    """The Zimbabwean business takes each currency by an integration of its own, as Paynow wants it."""
    box = CredentialBox(settings.secret_keys)
    tenant = tenants.by_slug(system, "cvt")
    for one in integrations:
        credentials = {"integration_id": one["id"], "integration_key": one["key"]}
        tenants.put_account(system, box, tenant.id, "paynow", one["currency"], credentials, now)


def _take_rand(system: Session, settings: Settings, credentials: dict[str, dict[str, str]], now: datetime) -> None:
    """The South African business takes rand by card, instant EFT and PayFast."""
    box = CredentialBox(settings.secret_keys)
    tenant = tenants.by_slug(system, "crechebooks")
    for gateway in ("yoco", "payfast", "ozow"):
        tenants.put_account(system, box, tenant.id, gateway, "ZAR", credentials[gateway], now)
