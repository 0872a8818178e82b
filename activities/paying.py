"""Paying: opens a payment's checkout at its gateway, once, however often it is tried."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from activities.letter_facts import LinkMaker
from domain.errors import InvariantError
from domain.invoice import InvoiceState
from domain.payment import Outcome, PaymentStatus
from gateways.base import Checkout, CheckoutRequest, GatewayAccount, PaymentState
from persistence import attempts, customers, invoices, payments, tenants
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment

_TOLD_TO_PAYER = (
    "redirect_url",
    "instructions",
    "authorization_code",
    "authorization_expires",
    "deep_link",
    "decline_reason",
)


@dataclass(frozen=True, slots=True)
class CheckoutOpening:
    """Which payment to open a checkout for, and the workflow's time (UTC)."""

    tenant_id: str
    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """What came of it. What the payer must do is read from the database: it stays out of the workflow's history.

    Attributes:
        outcome: PENDING: the payer can go on; DECLINED: refused at once; UNKNOWN: the gateway's answer was lost.
    """

    outcome: Outcome


class Paying:
    """Args: links: makes the address of an invoice's own page, to which the payer's browser returns."""

    def __init__(self, database: Database, desk: GatewayDesk, links: LinkMaker) -> None:
        self._database = database
        self._desk = desk
        self._links = links

    @activity.defn(name="paying.open_checkout")
    @translated
    def open_checkout(self, opening: CheckoutOpening) -> OpenedCheckout:
        """Ask the gateway to collect.

        The attempt is stored before the gateway is called. A try whose answer was lost is looked up by its trace before
        anything is sent again; only when the gateway never heard of it is it sent once more, under the same trace, so that
        the gateway itself refuses a second debit should the first request be on its way still (design, rule 5).

        Raises:
            GatewayUnreachableError, GatewayOutcomeUnknownError: try again; the next try looks it up first.
        """
        with self._database.tenant(opening.tenant_id) as session:
            payment = payments.get(session, opening.payment_id)
            gateway = _gateway_of(payment)
            attempt = attempts.last(session, payment.id)
            if attempt is not None and attempt.checkout is not None:
                return OpenedCheckout(attempt.outcome)
            if payment.status is not PaymentStatus.PENDING or (attempt is None and not _is_still_due(session, payment)):
                return OpenedCheckout(Outcome.DECLINED)
            account = self._desk.account_for(session, gateway, payment.amount.currency)
        if attempt is not None:
            state = self._desk.gateway(gateway).trace(account, attempt.id)
            if state.found:
                self._record_found(opening, attempt, state)
                return OpenedCheckout(state.outcome)
        return self._send(opening, payment, account)

    def _send(self, opening: CheckoutOpening, payment: Payment, account: GatewayAccount) -> OpenedCheckout:
        with self._database.tenant(opening.tenant_id) as session:
            attempt = attempts.last(session, payment.id) or attempts.add(
                session, payment, account_id=account.id, gateway=account.gateway, number=1, now=opening.now
            )
            request = self._request(session, payment, attempt)
        checkout = self._desk.gateway(account.gateway).open_checkout(account, request)
        with self._database.tenant(opening.tenant_id) as session:
            attempts.record_checkout(
                session,
                attempt.id,
                outcome=checkout.outcome,
                checkout=_told(checkout),
                poll_url=checkout.poll_url,
                gateway_reference=checkout.gateway_reference,
                gateway_status=checkout.gateway_status,
                raw=checkout.raw,
                now=opening.now,
            )
        return OpenedCheckout(checkout.outcome)

    def _request(self, session: Session, payment: Payment, attempt: Attempt) -> CheckoutRequest:
        customer = customers.get(session, payment.customer_id)
        if payment.invoice_id is None:
            raise InvariantError(f"Payment {payment.id} is for no invoice: there is no page to return to.")
        detail = invoices.get(session, payment.invoice_id)
        return CheckoutRequest(
            reference=attempt.id,
            trace=attempt.id,
            amount=payment.amount,
            method=payment.method,
            description=f"Invoice {detail.invoice.number}",
            return_url=self._desk.addresses[attempt.gateway].return_url or self._links(detail.payment_token),
            # Paynow demands an address for mobile money; whoever got the link by hand may have none.
            email=customer.email or tenants.branding(session).contact_email,
            phone=payment.payer_phone,
        )

    def _record_found(self, opening: CheckoutOpening, attempt: Attempt, state: PaymentState) -> None:
        with self._database.tenant(opening.tenant_id) as session:
            attempts.record_checkout(
                session,
                attempt.id,
                outcome=state.outcome,
                checkout={"instructions": "Your payment was started. Confirm it on your phone if you were asked to."},
                poll_url=state.poll_url,
                gateway_reference=state.gateway_reference,
                gateway_status=state.gateway_status,
                raw=state.raw,
                now=opening.now,
            )


def _is_still_due(session: Session, payment: Payment) -> bool:
    """Nobody is asked for money on an invoice that was paid or closed while the payment waited for a worker."""
    return payment.invoice_id is None or invoices.get(session, payment.invoice_id).invoice.state is InvoiceState.OPEN


def _gateway_of(payment: Payment) -> str:
    gateway = payment.method.gateway
    if gateway is None:
        raise InvariantError(f"Payment {payment.id} by {payment.method.human_name} goes through no gateway.")
    return gateway


def _told(checkout: Checkout) -> dict[str, Any]:
    return {name: value for name, value in asdict(checkout).items() if name in _TOLD_TO_PAYER and value}
