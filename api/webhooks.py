"""Gateways' updates: verified over the raw bytes, stored once, answered; the saga is told a moment later.

Temporal is not on the way to the answer: with it down, an update is still stored and answered 200, and the sweeper signals it
when it is back.
"""

import asyncio
import hashlib
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, BackgroundTasks, Request
from sqlalchemy.orm import Session

from api.problems import ProblemError
from api.services import ApiServices, Services
from domain.errors import InvalidInputError
from gateways.base import BadSignatureError, Gateway, MalformedUpdateError, UnverifiedUpdate
from persistence import attempts, tenants, webhooks
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

LARGEST_UPDATE_BYTES = 64 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What was put into the inbox, and whom to tell."""

    webhook_id: str
    tenant_id: str
    payment_id: str


@router.post("/{gateway}")
async def receive_update(gateway: str, request: Request, background: BackgroundTasks, services: Services) -> dict[str, bool]:
    """Take one update. 200 means that it is stored: a repetition, or a reference nobody knows, is answered 200 too."""
    adapter = _adapter(services, gateway)
    body = await _read(request)
    headers = dict(request.headers)
    stored = await asyncio.to_thread(_store, services, adapter, body, headers)
    if stored is not None:
        background.add_task(_tell, services, stored)
    return {"received": True}


def _adapter(services: ApiServices, gateway: str) -> Gateway:
    try:
        return services.gateways.gateway(gateway)
    except InvalidInputError as error:
        raise ProblemError(404, "not-found", str(error)) from None


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_UPDATE_BYTES:
            raise ProblemError(413, "too-large", f"An update may be {LARGEST_UPDATE_BYTES} bytes at most.")
    return bytes(body)


def _store(services: ApiServices, adapter: Gateway, body: bytes, headers: dict[str, str]) -> _Stored | None:
    """Verify and store; None when there is nobody to tell."""
    update = adapter.read_update(body, headers)
    now = services.clock()
    with services.database.system() as session:
        known = attempts.tenant_of(session, update.reference)
        if known is None:
            _keep_unknown(services, session, adapter, update, body, headers)
            return None
        tenant_id, payment_id, account_id = known
        account = services.complete_account(tenants.account(session, services.box, account_id))
        adapter.verify_update(account, body, headers)
        webhook_id = webhooks.store(
            session,
            gateway=adapter.name,
            event_key=update.event_key,
            body=body,
            verified=True,
            tenant_id=tenant_id,
            payment_id=payment_id,
            now=now,
        )
    return _Stored(webhook_id, tenant_id, payment_id) if webhook_id else None


def _keep_unknown(
    services: ApiServices, session: Session, adapter: Gateway, update: UnverifiedUpdate, body: bytes, headers: dict[str, str]
) -> None:
    """Keep an update whose reference nobody knows for a person to look at; the answer is 200, so that the gateway stops.

    It cannot be known whose key should have signed it, so all are tried. Without a fit its event key is its own hash: a
    forger cannot take the place of a true event.
    """
    owner = _signer(services, session, adapter, body, headers)
    webhooks.store(
        session,
        gateway=adapter.name,
        event_key=update.event_key if owner else f"unverified:{hashlib.sha256(body).hexdigest()}",
        body=body,
        verified=owner is not None,
        tenant_id=owner,
        payment_id=None,
        now=services.clock(),
    )
    log.warning("an update for an unknown reference was stored", gateway=adapter.name, verified=owner is not None)


def _signer(services: ApiServices, session: Session, adapter: Gateway, body: bytes, headers: dict[str, str]) -> str | None:
    for stored in tenants.accounts_of_gateway(session, services.box, adapter.name):
        try:
            adapter.verify_update(services.complete_account(stored), body, headers)
        except (BadSignatureError, MalformedUpdateError):
            continue
        return stored.tenant_id
    return None


async def _tell(services: ApiServices, stored: _Stored) -> None:
    """Signal at once, as a courtesy: what does not work here, the sweeper does."""
    try:
        await services.workflows.tell_payment(stored.tenant_id, stored.payment_id, stored.webhook_id)
    except EngineUnavailableError as error:
        log.warning("the sweeper will tell the payment", webhook_id=stored.webhook_id, error=str(error))
        return
    await asyncio.to_thread(_mark_signalled, services, stored.webhook_id)


def _mark_signalled(services: ApiServices, webhook_id: str) -> None:
    with services.database.system() as session:
        webhooks.mark_signalled(session, webhook_id, services.clock())
