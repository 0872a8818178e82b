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
from api.unmatched import Unmatched, ask_whose, money_of
from domain.errors import InvalidInputError
from domain.payment import Outcome
from gateways.base import BadSignatureError, Gateway, Inbound, MalformedUpdateError, PaymentState, UnverifiedUpdate
from persistence import attempts, audit, reviews, tenants, webhooks
from persistence.database import bind_to_tenant
from persistence.tenants import StoredAccount
from workflows.client import EngineUnavailableError

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

LARGEST_UPDATE_BYTES = 64 * 1024
_LONGEST_EVENT_KEY = 200
_LONGEST_REFERENCE = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Update:
    """An update on its way into the inbox; `claimed` is what it says of itself, unverified."""

    adapter: Gateway
    inbound: Inbound
    claimed: UnverifiedUpdate

    @property
    def event_key(self) -> str:
        key = self.claimed.event_key
        return key if len(key) <= _LONGEST_EVENT_KEY else hashlib.sha256(key.encode()).hexdigest()

    @property
    def keepable(self) -> bytes:
        """Never the raw body, which may hold more of a card than the house keeps."""
        return self.adapter.keepable(self.inbound.body)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose attempt an update is about."""

    tenant_id: str
    payment_id: str
    account: StoredAccount


@dataclass(frozen=True, slots=True)
class _Stored:
    """What was put into the inbox, and whom to tell."""

    webhook_id: str
    tenant_id: str
    payment_id: str


@dataclass(frozen=True, slots=True)
class _Repeated:
    """What lies in the inbox already, and contradicts what is known of its payment: `cause` is the hour in which it came.

    Paynow's updates have no id of their own, so that "Paid" after a dispute looks like the "Paid" before it. The gateway is
    asked, at most once an hour however often it repeats itself.
    """

    tenant_id: str
    payment_id: str
    cause: str


@router.post("/{gateway}")
async def receive_update(gateway: str, request: Request, background: BackgroundTasks, services: Services) -> dict[str, bool]:
    """Take one update. 200 means that it is stored: a repetition, or a reference nobody knows, is answered 200 too."""
    adapter = _adapter(services, gateway)
    body = await _read(request)
    inbound = Inbound(
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        source=request.client.host if request.client else None,
        received_at=services.clock(),
    )
    match await asyncio.to_thread(_take, services, adapter, inbound):
        case _Stored() as stored:
            background.add_task(_tell, services, stored)
        case _Repeated() as repeated:
            background.add_task(_tell_again, services, repeated)
        case Unmatched() as unmatched:
            background.add_task(ask_whose, services, adapter, unmatched)
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


def _take(services: ApiServices, adapter: Gateway, inbound: Inbound) -> _Stored | _Repeated | Unmatched | None:
    """Verify and store; None when nothing is left to be done.

    Verified outside of any transaction: a gateway may want a name looked up for it.
    """
    update = _Update(adapter, inbound, adapter.read_update(inbound))
    with services.database.system() as session:
        owner = _owner(services, session, update)
        strangers = [] if owner else tenants.accounts_of_gateway(session, services.box, adapter.name)
    if owner is None:
        return _keep_unknown(services, update, strangers)
    state = adapter.verify_update(services.complete_account(owner.account), inbound)
    with services.database.system() as session:
        return _keep(session, update, owner) or _repeated(session, update, owner, state.outcome)


def _owner(services: ApiServices, session: Session, update: _Update) -> _Owner | None:
    claimed = update.claimed
    known = attempts.tenant_of(session, claimed.reference) if claimed.reference else None
    if known is None and claimed.checkout_id:
        known = attempts.tenant_of_checkout(session, update.adapter.name, claimed.checkout_id)
    if known is None:
        return None
    tenant_id, payment_id, account_id = known
    account = tenants.account(session, services.box, account_id)
    # A reference of another gateway's attempt says nothing at this gateway's door.
    return _Owner(tenant_id, payment_id, account) if account.gateway == update.adapter.name else None


def _keep(session: Session, update: _Update, owner: _Owner) -> _Stored | None:
    """Store an update about a payment, or find it stored when nobody knew its payment yet; None when it is a repetition."""
    gateway, now = update.adapter.name, update.inbound.received_at
    webhook_id = webhooks.store(
        session,
        gateway=gateway,
        event_key=update.event_key,
        body=update.keepable,
        verified=True,
        tenant_id=owner.tenant_id,
        payment_id=owner.payment_id,
        now=now,
    )
    if webhook_id is None:
        webhook_id = webhooks.match(
            session,
            gateway=gateway,
            event_key=update.event_key,
            body=update.keepable,
            tenant_id=owner.tenant_id,
            payment_id=owner.payment_id,
            now=now,
        )
        if webhook_id is not None:
            _close_question(session, update, owner, webhook_id)
    return _Stored(webhook_id, owner.tenant_id, owner.payment_id) if webhook_id else None


def _close_question(session: Session, update: _Update, owner: _Owner, webhook_id: str) -> None:
    """Nobody need look at money any more whose payment has turned up; the payment itself asks its gateway."""
    now = update.inbound.received_at
    bind_to_tenant(session, owner.tenant_id)
    review = reviews.of_webhook(session, webhook_id)
    if review is not None and reviews.lock(session, review.id).resolved_at is None:
        note = f"It came again, and belongs to payment {owner.payment_id}."
        reviews.resolve(session, review.id, "DISMISSED", audit.SYSTEM, now, note=note)
        audit.record(session, now, audit.SYSTEM, "REVIEW_DISMISSED", "Review", review.id, note=note)


def _repeated(session: Session, update: _Update, owner: _Owner, told: Outcome) -> _Repeated | None:
    """What to ask about again; None when the repetition says what is known."""
    attempt = attempts.last(session, owner.payment_id)
    if attempt is None or attempt.outcome is told:
        return None
    return _Repeated(owner.tenant_id, owner.payment_id, f"repeated-{update.inbound.received_at:%Y-%m-%dT%H}")


def _keep_unknown(services: ApiServices, update: _Update, strangers: list[StoredAccount]) -> Unmatched | None:
    """Keep an update whose reference nobody knows; the answer is 200, so that the gateway stops.

    It cannot be known whose key should have signed it, so all are tried. Without a fit its event key is its own hash: a
    forger cannot take the place of a true event. With one, and money in it, its gateway and then a person must be asked.
    """
    name, now = update.adapter.name, update.inbound.received_at
    signer, state = _signer(services, update, strangers)
    unsigned = f"unverified:{hashlib.sha256(update.inbound.body).hexdigest()}"
    with services.database.system() as session:
        webhook_id = webhooks.store(
            session,
            gateway=name,
            event_key=update.event_key if signer else unsigned,
            body=update.keepable,
            verified=signer is not None,
            tenant_id=signer.tenant_id if signer else None,
            payment_id=None,
            now=now,
        )
    log.warning(
        "an update for an unknown reference was stored", gateway=name, verified=signer is not None, webhook_id=webhook_id
    )
    told = money_of(name, state) if state else None
    if webhook_id is None or signer is None or told is None:
        return None
    claimed = update.claimed
    named = (claimed.reference or claimed.checkout_id or "none")[:_LONGEST_REFERENCE]
    return Unmatched(webhook_id, signer, told, claimed.reference, named, update.keepable, now)


def _signer(
    services: ApiServices, update: _Update, strangers: list[StoredAccount]
) -> tuple[StoredAccount | None, PaymentState | None]:
    """Whose account signed it, and what it then tells."""
    for stored in strangers:
        try:
            return stored, update.adapter.verify_update(services.complete_account(stored), update.inbound)
        except (BadSignatureError, InvalidInputError, MalformedUpdateError):
            # Not theirs, or an account whose credentials are not complete: that must not keep the others from being tried.
            continue
    return None, None


async def _tell(services: ApiServices, stored: _Stored) -> None:
    """Signal at once, as a courtesy: what does not work here, the sweeper does."""
    try:
        await services.workflows.tell_payment(stored.tenant_id, stored.payment_id, stored.webhook_id)
    except EngineUnavailableError as error:
        log.warning("the sweeper will tell the payment", webhook_id=stored.webhook_id, error=str(error))
        return
    await asyncio.to_thread(_mark_signalled, services, stored.webhook_id)


async def _tell_again(services: ApiServices, repeated: _Repeated) -> None:
    """A courtesy as well: what does not work here, the next repetition or the daily reconciliation does."""
    try:
        await services.workflows.tell_payment(repeated.tenant_id, repeated.payment_id, repeated.cause)
    except EngineUnavailableError as error:
        log.warning("a repeated update is not looked into", payment_id=repeated.payment_id, error=str(error))


def _mark_signalled(services: ApiServices, webhook_id: str) -> None:
    with services.database.system() as session:
        webhooks.mark_signalled(session, webhook_id, services.clock())
