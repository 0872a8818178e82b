"""Opening a payment link by its code, and the payments that whoever has the link may see."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.pay.schemas import CheckoutShown
from api.services import ApiServices
from domain.errors import NotFoundError
from domain.payment import PaymentStatus
from domain.payment_link import LinkType, PaymentLink
from persistence import links, payments
from persistence.attempts import Attempt
from persistence.payments import Payment

# A page that is followed for a day shows the last ones: nobody reads further back.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened, as it stood then: one whose time is over is marked EXPIRED by opening it."""

    tenant_id: str
    link: PaymentLink


def open_link(services: ApiServices, code: str) -> Opened:
    """Raises: NotFoundError: the code opens nothing."""
    found = None
    if "\x00" not in code:  # no database looks for that
        with services.database.system() as session:
            found = links.tenant_of_code(session, code)
    if found is None:
        raise NotFoundError("payment link", "of this address")
    tenant_id, link_id = found
    # A transaction of its own: that the link has expired is kept, also when what was asked for is refused because of it.
    with services.database.tenant(tenant_id) as session:
        return Opened(tenant_id, links.touch(session, link_id, services.clock()))


def payments_by(session: Session, link: PaymentLink) -> list[Payment]:
    """The payments that belong to a link, newest first: all of the invoice's for an INVOICE link, else those made by it."""
    if link.type is LinkType.INVOICE:
        return payments.page(session, after=None, limit=MOST_SHOWN, invoice_id=link.invoice_id)
    return payments.page(session, after=None, limit=MOST_SHOWN, link_id=link.id)


def is_by(payment: Payment, link: PaymentLink) -> bool:
    """Whether a payment is one of `payments_by`."""
    return payment.invoice_id == link.invoice_id if link.type is LinkType.INVOICE else payment.link_id == link.id


def checkout_shown(services: ApiServices, link: PaymentLink, payment: Payment, attempt: Attempt | None) -> CheckoutShown:
    """What the payer is to do next, as the gateway answered; where it wants a form posted, that is a page of ours to go to."""
    told = dict((attempt.checkout if attempt else None) or {})
    if not told and payment.status is PaymentStatus.PENDING:
        told = {"instructions": "The payment provider has not answered yet. We are finding out; please do not pay again."}
    if "form" in told:
        told["redirect_url"] = f"{services.payment_page(link.code)}/handover/{payment.id}"
    return CheckoutShown(payment_id=payment.id, status=payment.status.value, **told)
