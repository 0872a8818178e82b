"""Operations: the messages that tell the operators of an installation what its log tells too, and their delivery.

A message that the mail server does not take now is kept in this process and tried again. If the process ends before, it is
lost: what is left are the log, the metric and the row of the outage.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from threading import Lock

import structlog

from domain.errors import InvalidInputError
from mail.mailer import MailDeferredError, Mailer, MailRefusedError, OutgoingMail, mailbox
from persistence.outages import Outage

# Before the second try and each one after it; then the message is given up.
PAUSES = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)

_SPELLED = {"payfast": "PayFast"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """From whom to whom operators are told.

    Attributes:
        to: one address; empty: nobody is told, the log has to do.
        sender: `address` or `Name <address>`; empty: the operators' own.

    Raises:
        InvalidInputError: `to` is not one e-mail address.
    """

    to: str
    sender: str = ""

    def __post_init__(self) -> None:
        if self.to:
            try:
                mailbox("", self.to)
            except MailRefusedError as error:
                raise InvalidInputError("OPERATIONS_EMAIL", f"{self.to!r} is not one e-mail address.") from error


@dataclass(slots=True)
class _Unsent:
    mail: OutgoingMail
    next_try_at: datetime
    tries: int = 0


class Outbox:
    """Messages on their way to the operators. Safe to use from threads."""

    def __init__(self, mailer: Mailer, addresses: Addresses) -> None:
        self._mailer = mailer
        self._addresses = addresses
        self._lock = Lock()
        self._unsent: deque[_Unsent] = deque()

    def tell(self, outage: Outage, now: datetime) -> None:
        """Queue the message about an outage that has just begun or ended."""
        if not self._addresses.to:
            log.warning("nobody is told: OPERATIONS_EMAIL is not set", outage_id=outage.id)
            return
        with self._lock:
            self._unsent.append(_Unsent(message_of(outage, self._addresses, now), now))

    def send(self, now: datetime) -> None:
        """Send what is due, oldest first; what is not taken now is due again later."""
        with self._lock:
            due = [unsent for unsent in self._unsent if unsent.next_try_at <= now]
        for unsent in due:
            if self._is_done_with(unsent, now):
                with self._lock:
                    self._unsent.remove(unsent)

    def _is_done_with(self, unsent: _Unsent, now: datetime) -> bool:
        about = {"message_id": unsent.mail.message_id, "subject": unsent.mail.subject}
        try:
            self._mailer.send(unsent.mail)
        except MailDeferredError as error:
            if unsent.tries < len(PAUSES):
                unsent.next_try_at = now + PAUSES[unsent.tries]
                unsent.tries += 1
                log.warning("operations could not be told yet", **about, error=str(error))
                return False
            log.exception("operations could not be told", **about)
        except MailRefusedError:
            log.exception("operations could not be told: check OPERATIONS_EMAIL and EMAIL_FROM", **about)
        else:
            log.info("operations were told", **about)
        return True


def message_of(outage: Outage, addresses: Addresses, now: datetime) -> OutgoingMail:
    """The message that an outage has begun or, when it is closed, that it has ended; the second answers the first."""
    gateway = _SPELLED.get(outage.gateway, outage.gateway.capitalize())
    sender = addresses.sender or addresses.to
    host = parseaddr(sender)[1].rpartition("@")[2]
    opening_id, closing_id = (f"<{outage.id}.{word}@{host}>" for word in ("opened", "closed"))
    is_over = outage.closed_at is not None
    return OutgoingMail(
        sender=sender,
        to=addresses.to,
        subject=f"Dunlin: {gateway} {'answers again' if is_over else 'does not answer'} ({outage.business_slug})",
        text=_ended(outage, gateway) if is_over else _begun(outage, gateway),
        html="",
        message_id=closing_id if is_over else opening_id,
        sent_at=now,
        headers={"In-Reply-To": opening_id, "References": opening_id} if is_over else {},
    )


def _begun(outage: Outage, gateway: str) -> str:
    return f"""\
{gateway} does not answer for {outage.business_name} ({outage.business_slug}): at least half of the calls
of the last minute failed.

Since:      {_instant(outage.opened_at)}
Account:    {outage.account_id}
Last error: {outage.error}

What happens meanwhile
Dunlin leaves this account alone and tries it again every 30 seconds. Payers can use the other ways to pay that the business
offers. Nothing is lost: payments that are under way are looked up when {gateway} answers again, and what {gateway} tells by
itself is taken as ever. Other gateways and other businesses are not held up.

What to do
If other businesses are affected too, see whether {gateway} has announced trouble, and call its support if it lasts. If it is
this business alone, its keys may have changed at {gateway}: enter the new ones with `python -m manage set-{outage.gateway}`.
Another message comes when {gateway} answers again.
"""


def _ended(outage: Outage, gateway: str) -> str:
    return f"""\
{gateway} answers again for {outage.business_name} ({outage.business_slug}).

From:    {_instant(outage.opened_at)}
To:      {_instant(outage.closed_at or outage.opened_at)}
Account: {outage.account_id}

Payments that were under way are being looked up. There is nothing to do; what stays unknown is listed for review.
"""


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
