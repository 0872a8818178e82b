"""The page between ours and a provider's that wants a form posted by the payer's browser (PayFast): it posts it by itself.

The form was stored without what only the account knows; it is completed and signed here, each time it is shown.
"""

from urllib.parse import quote

import structlog
from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.exc import OperationalError

from api.pay.opening import Opened, is_by, open_link
from api.pay.rendering import away, origin_of, render
from api.services import ApiServices, Services
from domain.errors import InvalidInputError, NotFoundError
from domain.letters import Branding
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus
from gateways.base import GatewayError, Handover
from persistence import attempts, link_details, payments, tenants
from persistence.tenants import StoredAccount

router = APIRouter(prefix="/pay", tags=["paying"], include_in_schema=False)

Form = tuple[tuple[str, str], ...]

log = structlog.get_logger(__name__)


@router.get("/{code}/handover/{payment_id}")
def hand_over(code: str, payment_id: str, services: Services) -> Response:
    """Send the payer on to the provider, as long as the payment waits for that; else back to the link's own page."""
    page = f"/pay/{quote(code, safe='')}"
    try:
        opened = open_link(services, code)
        method, branding, handover = _handover(services, opened, payment_id)
    except NotFoundError:
        return RedirectResponse(page, 303)
    except (GatewayError, InvalidInputError) as error:
        log.error("a payer could not be handed over", payment_id=payment_id, error=str(error))  # noqa: TRY400 - no more to tell
        return away()
    except OperationalError as error:
        return away(error)
    return render(
        "handover.html",
        branding=branding,
        # Browsers hold the provider's own redirects after the post to this rule as well, and where those lead is the provider's
        # business: any host, as long as it is encrypted.
        form_action=f"{origin_of(handover.action)} https:",
        headers={"Cache-Control": "no-store"},
        page=page,
        method_name=method.human_name,
        handover=handover,
    )


def _handover(services: ApiServices, opened: Opened, payment_id: str) -> tuple[PaymentMethod, Branding, Handover]:
    method, branding, stored, form = _waiting_form(services, opened, payment_id)
    gateway = services.gateways.gateway(stored.gateway)
    return method, branding, gateway.handover(services.complete_account(stored), form)


def _waiting_form(
    services: ApiServices, opened: Opened, payment_id: str
) -> tuple[PaymentMethod, Branding, StoredAccount, Form]:
    """The stored form of a payment that still waits for its payer.

    Raises:
        NotFoundError: there is none, the payment belongs to another link, or what it was to pay is paid or closed by now.
    """
    with services.database.tenant(opened.tenant_id) as session:
        payment, attempt = payments.get(session, payment_id), attempts.last(session, payment_id)
        form = (attempt.checkout or {}).get("form") if attempt else None
        is_waiting = payment.status is PaymentStatus.PENDING and attempt is not None and attempt.outcome is Outcome.PENDING
        detail = link_details.get(session, opened.link.id)
        is_asked_for = detail.link.status is LinkStatus.ACTIVE and bool(detail.asked)
        if attempt is None or not (form and is_waiting and is_asked_for and is_by(payment, detail.link)):
            raise NotFoundError("form to hand over for payment", payment_id)
        stored = tenants.account(session, services.box, attempt.account_id)
        return payment.method, tenants.branding(session), stored, tuple((name, value) for name, value in form)
