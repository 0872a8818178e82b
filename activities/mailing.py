"""Mailing: writes a claimed letter from the facts as they are now, and hands it to the mail server."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.chasing_facts import is_list, still_asked_for
from activities.clock import present
from activities.failures import translated
from activities.letter_facts import LinkMaker, is_wanted, letter_facts
from domain.calendar import local_day
from domain.errors import InvalidInputError, InvariantError
from domain.letters import Branding
from mail.letters import RenderedLetter, render
from mail.mailer import MailDeferredError, Mailer, MailRefusedError, OutgoingMail, mailbox
from persistence import customers, invoices, letter_invoices, messages, tenants
from persistence.database import Database
from persistence.messages import Message
from public_holidays import sending_calendar

# Five retries over 24 hours (requirements M5): pauses before the second try and each one after it.
RETRY_PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)
MAXIMUM_TRIES = len(RETRY_PAUSES) + 1


class Delivery(StrEnum):
    """What became of a letter."""

    SENT = "SENT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """A claimed letter (`msg_…`) and the workflow's time (UTC)."""

    tenant_id: str
    message_id: str
    now: datetime


class Mailing:
    """Args: links: makes the addresses of our own pages."""

    def __init__(self, database: Database, mailer: Mailer, links: LinkMaker) -> None:
        self._database = database
        self._mailer = mailer
        self._links = links

    @activity.defn(name="mailing.deliver")
    @translated
    def deliver(self, request: DeliveryRequest) -> Delivery:
        """Send one letter; what was sent is not sent again, and what has become pointless is not sent at all.

        Sending lies between two transactions: a crash in the gap sends the letter a second time, with the same Message-ID
        (design, rule 10).
        """
        request = replace(request, now=present(request.now))
        with self._database.tenant(request.tenant_id) as session:
            message = messages.get(session, request.message_id)
            # Nobody puts a further invoice on a letter's list while it is being written, nor afterwards.
            customers.lock(session, message.customer_id)
            message = messages.get(session, request.message_id)
            if message.status != "QUEUED":
                return Delivery(message.status)
            if not is_wanted(session, message, request.now):
                messages.mark_cancelled(session, message.id, "Paid, closed or set aside before it could be sent.")
                return Delivery.CANCELLED
            _wait_for_office_hours(session, message, request.now)
            try:
                branding = tenants.branding(session)
                letter = render(letter_facts(session, message, self._links, request.now), branding)
            except (InvalidInputError, InvariantError) as error:
                # The next try would find the same: what is wrong with the letter stands in the log.
                messages.mark_failed(session, message.id, str(error), request.now)
                return Delivery.FAILED
            messages.mark_written(session, message.id, letter.subject)
            if is_list(message):
                told = [detail.invoice.id for detail in still_asked_for(session, message, request.now)]
                letter_invoices.mark_told(session, message.id, told)
        return self._send(request, message, letter, branding)

    def _send(self, request: DeliveryRequest, message: Message, letter: RenderedLetter, branding: Branding) -> Delivery:
        mail = OutgoingMail(
            sender=mailbox(branding.business_name, branding.sender),
            to=message.to_address,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            message_id=message.message_id,
            reply_to=branding.contact_email,
            sent_at=request.now,
        )
        try:
            self._mailer.send(mail)
        except MailRefusedError as error:
            return self._failed(request, str(error))
        except MailDeferredError as error:
            return self._deferred(request, message, str(error))
        with self._database.tenant(request.tenant_id) as session:
            messages.mark_sent(session, message.id, letter.subject, request.now)
        return Delivery.SENT

    def _failed(self, request: DeliveryRequest, error: str) -> Delivery:
        with self._database.tenant(request.tenant_id) as session:
            messages.mark_failed(session, request.message_id, error, request.now)
        return Delivery.FAILED

    def _deferred(self, request: DeliveryRequest, message: Message, error: str) -> Delivery:
        # Counted in the log: an outage of the database costs tries of the activity, not of the letter.
        tries = message.tries + 1
        if tries >= MAXIMUM_TRIES:
            return self._failed(request, error)
        with self._database.tenant(request.tenant_id) as session:
            messages.mark_deferred(session, request.message_id, error)
        # The server's words may name the address: they stand in the log of messages, not in the history.
        raise ApplicationError(
            f"Letter {request.message_id} was not taken yet: the log of messages says why.",
            type="MailDeferred",
            next_retry_delay=RETRY_PAUSES[tries - 1],
        ) from None


def _wait_for_office_hours(session: Session, message: Message, now: datetime) -> None:
    """Let a chasing letter that could not be sent in its hour wait for the next one; this is no try."""
    if not message.letter.chases or message.invoice_id is None:
        return
    tenant, policy = tenants.current(session), invoices.get(session, message.invoice_id).policy
    today = local_day(now, tenant.time_zone)
    opens = sending_calendar(policy, tenant, today, today).next_open(now)
    if opens > now:
        raise ApplicationError(
            f"Letter {message.id} waits for the hours in which people are written to: {opens:%Y-%m-%d %H:%M} UTC.",
            type="MailDeferred",
            next_retry_delay=opens - now,
        )
