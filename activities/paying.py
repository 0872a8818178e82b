"""Paying: opens a payment's checkout at its gateway, once, however often it is tried."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from activities.letter_facts import LinkMaker
from domain.errors import InvalidInputError, InvariantError
from domain.payment import Outcome, PaymentStatus
from domain.payment_link import LinkStatus
from gateways.base import (
    Checkout,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayPausedError,
    GatewayUnreachableError,
    PaymentState,
)
from persistence import attempts, link_details, payments, tenants
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.link_details import LinkDetail
from persistence.payments import Payment

# What is kept of a checkout for its payer; `form` becomes a page of ours before it is shown (`api/pay/opening.py`).
_TOLD_TO_PAYER = (
    "redirect_url",
    "form",
    "instructions",
    "authorization_code",
    "authorization_expires",
    "deep_link",
    "decline_reason",
)

# Beside what the payer is told: all tries so far surely had no effect, and another one may come.
NOTHING_SENT = "nothing_sent"

_NOT_ANSWERING = (
    "{method} is not answering just now: nothing was charged. Please choose another way to pay, or try again in a few minutes"
)
_CANNOT_TAKE_IT = "{method} cannot take this payment: nothing was charged. Please choose another way to pay"


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
    """Args: links: makes the address of a payment link's page, to which the payer's browser returns, from its code."""

    def __init__(self, database: Database, desk: GatewayDesk, links: LinkMaker) -> None:
        self._database = database
        self._desk = desk
        self._links = links

    @activity.defn(name="paying.open_checkout")
    @translated
    def open_checkout(self, opening: CheckoutOpening) -> OpenedCheckout:
        """Ask the gateway to collect.

        The attempt is stored before the gateway is called. A try whose answer was lost is sent again only where that is safe,
        or where the gateway was asked about it by its trace and never heard of it; and then under the same trace, so that the
        gateway itself refuses a second debit should the first request be on its way still (design, rule 5).

        Raises:
            GatewayUnreachableError, GatewayOutcomeUnknownError: try again; the next try knows what this one may have done.
        """
        with self._database.tenant(opening.tenant_id) as session:
            payment = payments.get(session, opening.payment_id)
            gateway = self._desk.gateway(_gateway_of(payment))
            attempt = attempts.last(session, payment.id)
            if attempt is not None and attempt.checkout is not None and not _is_unsent(attempt):
                return OpenedCheckout(attempt.outcome)
            if payment.status is not PaymentStatus.PENDING or (attempt is None and not _is_still_due(session, payment)):
                return OpenedCheckout(Outcome.DECLINED)
            account = self._desk.account_for(session, gateway.name, payment.amount.currency)
        if attempt is not None and not _is_unsent(attempt) and not gateway.resending_is_safe:
            state = gateway.trace(account, attempt.id)
            if state.found:
                found = _found(state)
                self._record(opening, attempt, found, _told(found))
                return OpenedCheckout(state.outcome)
        return self._send(opening, payment, gateway, account)

    def _send(self, opening: CheckoutOpening, payment: Payment, gateway: Gateway, account: GatewayAccount) -> OpenedCheckout:
        with self._database.tenant(opening.tenant_id) as session:
            before = attempts.last(session, payment.id)
            attempt = before or attempts.add(
                session, payment, account_id=account.id, gateway=account.gateway, number=1, now=opening.now
            )
            request = self._request(session, payment, attempt)
        was_never_sent = before is None or _is_unsent(before)
        if before is not None and was_never_sent:
            # From here on nobody could tell, should this process die, whether something was sent.
            self._record(opening, attempt, Checkout(Outcome.UNKNOWN), None)
        try:
            checkout = gateway.open_checkout(account, request)
        except (GatewayUnreachableError, InvalidInputError) as error:
            if not was_never_sent:
                raise
            return self._not_sent(opening, payment, attempt, error)
        self._record(opening, attempt, checkout, _told(checkout))
        return OpenedCheckout(checkout.outcome)

    def _not_sent(
        self, opening: CheckoutOpening, payment: Payment, attempt: Attempt, error: GatewayUnreachableError | InvalidInputError
    ) -> OpenedCheckout:
        """Nothing was ever sent, so nothing was charged; the attempt says so, whatever becomes of this process.

        A gateway that could not be reached is tried again in a moment. One that is left alone for a while is not, nor one that
        cannot take this payment at all: their payer is told at once, and free to pay in another way.
        """
        is_worth_a_retry = isinstance(error, GatewayUnreachableError) and not isinstance(error, GatewayPausedError)
        words = _CANNOT_TAKE_IT if isinstance(error, InvalidInputError) else _NOT_ANSWERING
        refusal = Checkout(Outcome.DECLINED, decline_reason=words.format(method=payment.method.human_name), raw=str(error))
        told = _told(refusal) | ({NOTHING_SENT: True} if is_worth_a_retry else {})
        self._record(opening, attempt, refusal, told)
        if is_worth_a_retry:
            raise error
        return OpenedCheckout(Outcome.DECLINED)

    def _request(self, session: Session, payment: Payment, attempt: Attempt) -> CheckoutRequest:
        asking = _link_of(session, payment)
        return CheckoutRequest(
            reference=attempt.id,
            trace=attempt.id,
            amount=payment.amount,
            method=payment.method,
            description=asking.purpose,
            return_url=self._desk.addresses[attempt.gateway].return_url or self._links(asking.link.code),
            # Paynow demands an address for mobile money; whoever got the link by hand may have none.
            email=asking.customer.email or tenants.branding(session).contact_email,
            phone=payment.payer_phone,
        )

    def _record(self, opening: CheckoutOpening, attempt: Attempt, checkout: Checkout, told: dict[str, Any] | None) -> None:
        with self._database.tenant(opening.tenant_id) as session:
            attempts.record_checkout(
                session,
                attempt.id,
                outcome=checkout.outcome,
                checkout=told,
                checkout_id=checkout.checkout_id,
                poll_url=checkout.poll_url,
                gateway_reference=checkout.gateway_reference,
                gateway_status=checkout.gateway_status,
                raw=checkout.raw,
                now=opening.now,
            )


def _is_unsent(attempt: Attempt) -> bool:
    """Whether all tries so far surely had no effect."""
    return NOTHING_SENT in (attempt.checkout or {})


def _is_still_due(session: Session, payment: Payment) -> bool:
    """Nobody is asked for money for what was paid or closed while the payment waited for a worker.

    That a link's time is over meanwhile does not matter: the payment was begun in time.
    """
    asking = _link_of(session, payment)
    return asking.link.status in {LinkStatus.ACTIVE, LinkStatus.EXPIRED} and bool(asking.asked)


def _link_of(session: Session, payment: Payment) -> LinkDetail:
    """The link that a payment is made by; for one from before there were links, its invoice's own."""
    if payment.link_id is not None:
        return link_details.get(session, payment.link_id)
    if payment.invoice_id is None:
        raise InvariantError(f"Payment {payment.id} is for no link and no invoice: there is no page to return to.")
    return link_details.own_of_invoice(session, payment.invoice_id)


def _gateway_of(payment: Payment) -> str:
    gateway = payment.method.gateway
    if gateway is None:
        raise InvariantError(f"Payment {payment.id} by {payment.method.human_name} goes through no gateway.")
    return gateway


def _found(state: PaymentState) -> Checkout:
    """A checkout whose answer was lost, as far as the gateway tells of it when it is asked."""
    return Checkout(
        state.outcome,
        instructions="Your payment was started. Confirm it on your phone if you were asked to.",
        poll_url=state.poll_url,
        gateway_reference=state.gateway_reference,
        gateway_status=state.gateway_status,
        raw=state.raw,
    )


def _told(checkout: Checkout) -> dict[str, Any]:
    return {name: value for name, value in asdict(checkout).items() if name in _TOLD_TO_PAYER and value}
