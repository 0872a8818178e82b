"""Delivery: one composed mail to one SMTP server, and what the server's answer means for trying again.

Which errors are tried again, and how often, is decided in `activities/failures.py`; words and looks are `mail/letters.py`.
"""

import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError, NonASCIILocalPartDefect
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Protocol

from domain.errors import DunlinError, InvalidInputError

# Refusals that are about our own log-in or encryption: true of every mail until an operator mends the settings.
_OURS_TO_MEND = {530, 534, 535, 538}

_FIRST_PERMANENT = 500

# Seven bits: not every server on the way offers 8BITMIME, and a name with an emoji must arrive through all of them.
_ON_THE_WIRE = SMTP.clone(cte_type="7bit")


class MailRefusedError(DunlinError):
    """This mail will never be taken: trying again cannot help (requirements M5).

    Attributes:
        code: the server's answer, 5xx; None when the address or a header is such that no server was asked.
        text: the server's own words, or ours.
    """

    def __init__(self, code: int | None, text: str) -> None:
        super().__init__(f"The mail was refused: {text}" if code is None else f"The mail was refused ({code}): {text}")
        self.code = code
        self.text = text


class MailDeferredError(DunlinError):
    """The mail was not taken now (4xx, connection, time-out, log-in): try again later.

    A connection that breaks after the text was sent looks the same, so a mail may arrive twice, with the same Message-ID.
    """


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail to one person.

    Attributes:
        sender: `address` or `Name <address>`; make it with `mailbox`, which quotes names that people typed.
        to: likewise.
        html: empty: the mail is plain text.
        message_id: with its angle brackets, from `domain.letters.message_id`.
        sent_at: the Date header; must know its zone.
        reply_to: where answers go when not to the sender.
        headers: further headers by name.
    """

    sender: str
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    sent_at: datetime
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Mailer(Protocol):
    """Something that delivers mail."""

    def send(self, mail: OutgoingMail) -> None:
        """Hand `mail` over; returning means that the server took responsibility for it.

        Raises:
            MailRefusedError: it will never be taken.
            MailDeferredError: it was not taken now.
        """
        ...


class Security(StrEnum):
    """How the connection is protected. `SMTP_SECURE=true` is TLS, `false` is STARTTLS."""

    NONE = "none"  # never encrypted: for an inbox on this machine or network
    STARTTLS = "starttls"  # encrypted where the server offers it, always before a log-in
    TLS = "tls"  # encrypted from the first byte


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where and how to deliver.

    Attributes:
        user: log-in name; None delivers without logging in.
        password: never logged.
        timeout_seconds: for connecting, and for each answer.

    Raises:
        InvalidInputError: a log-in that could not work, or would go over the network in clear.
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if (self.user is None) != (self.password is None):
            raise InvalidInputError("SMTP_PASS", "SMTP_USER and SMTP_PASS go together; give both or neither.")
        if not f"{self.user}{self.password}".isascii():
            raise InvalidInputError("SMTP_PASS", "SMTP servers take ASCII characters only in SMTP_USER and SMTP_PASS.")
        if self.user is not None and self.security is Security.NONE and not self.is_this_machine:
            raise InvalidInputError("SMTP_SECURE", f"the password would go to {self.host} in clear; choose starttls or tls.")

    @property
    def is_this_machine(self) -> bool:
        """Whether what is sent in clear stays on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


class SmtpMailer:
    """Delivers over SMTP, with one connection per mail. Safe to call from threads: nothing is kept between calls."""

    def __init__(self, settings: SmtpSettings, tls: ssl.SSLContext | None = None) -> None:
        """`tls` trusts another authority than the system's; certificates and host names are checked in any case."""
        self._settings = settings
        self._tls = tls or ssl.create_default_context()

    def send(self, mail: OutgoingMail) -> None:
        message = compose(mail)
        connection = self._connect()
        try:
            _hand_over(connection, message)
        finally:
            _hang_up(connection)

    def _connect(self) -> smtplib.SMTP:
        """An encrypted and logged-in connection; all that goes wrong here is no fault of the mail's."""
        server = f"{self._settings.host}:{self._settings.port}"
        try:
            connection = self._dial()
            try:
                self._log_in(connection)
            except BaseException:
                connection.close()
                raise
        except smtplib.SMTPAuthenticationError as error:
            raise MailDeferredError(
                f"{server} refused the log-in ({_reason(error)}): check SMTP_USER and SMTP_PASS."
            ) from error
        except ssl.SSLError as error:
            raise MailDeferredError(f"No safe connection to {server} ({error}): check its certificate.") from error
        except OSError as error:  # smtplib's own errors are of this kind too
            raise MailDeferredError(f"The mail server {server} cannot be used now: {_reason(error)}.") from error
        return connection

    def _dial(self) -> smtplib.SMTP:
        settings = self._settings
        host, port, timeout = settings.host, settings.port, settings.timeout_seconds
        if settings.security is Security.TLS:
            return smtplib.SMTP_SSL(host, port, _own_name(), timeout=timeout, context=self._tls)
        return smtplib.SMTP(host, port, _own_name(), timeout=timeout)

    def _log_in(self, connection: smtplib.SMTP) -> None:
        settings = self._settings
        connection.ehlo_or_helo_if_needed()
        encrypted = settings.security is Security.TLS
        if settings.security is Security.STARTTLS and connection.has_extn("starttls"):
            connection.starttls(context=self._tls)
            connection.ehlo()
            encrypted = True
        if settings.user is None or settings.password is None:
            return
        if not encrypted and not settings.is_this_machine:
            raise MailDeferredError(
                f"{settings.host}:{settings.port} offers no STARTTLS, and the password is not sent in clear: "
                "set SMTP_SECURE=true and the port of implicit TLS (465)."
            )
        connection.login(settings.user, settings.password)


def mailbox(name: str, address: str) -> str:
    """`Name <address>` for `OutgoingMail`, the name quoted where it must be.

    Raises:
        MailRefusedError: `address` is no e-mail address.
    """
    one_line = " ".join(name.split())
    return str(Address(display_name=one_line, addr_spec=_address("address", address).addr_spec))


def compose(mail: OutgoingMail) -> EmailMessage:
    """`mail` as a message of two alternatives, text and HTML, or of text alone.

    Raises:
        MailRefusedError: an address or a header is such that no server would take it.
    """
    message = EmailMessage(policy=_ON_THE_WIRE)
    try:
        message["From"] = _address("sender", mail.sender)
        message["To"] = _address("to", mail.to)
        if mail.reply_to is not None:
            message["Reply-To"] = _address("reply_to", mail.reply_to)
        message["Subject"] = mail.subject
        message["Date"] = mail.sent_at
        message["Message-ID"] = mail.message_id
        # Says to out-of-office robots that nobody is here to talk to (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        for name, value in mail.headers.items():
            message[name] = value
    except (ValueError, MessageError) as error:
        raise MailRefusedError(None, f"a header cannot be written: {error}") from error
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def _address(field_name: str, text: str) -> Address:
    """The one address in `text`, its domain in the ASCII form that every server takes."""
    try:
        header: Any = SMTP.header_factory("To", text)  # the stubs know neither its addresses nor its defects
        (address,) = header.addresses
        # What the parser had to guess at would reach somebody else; names beyond ASCII are the server's to take or refuse.
        guessed = [defect for defect in header.defects if not isinstance(defect, NonASCIILocalPartDefect)]
        domain = address.domain.encode("idna").decode("ascii")
        well_formed = bool(address.username and domain) and not guessed
    except (ValueError, IndexError):  # IndexError: the standard library's parser on `name@`
        well_formed = False
    if not well_formed:
        raise MailRefusedError(None, f"{field_name} is {text!r}, which is not one e-mail address.")
    return Address(display_name=address.display_name, username=address.username, domain=domain)


def _hand_over(connection: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, said),) = error.recipients.values()
        raise _judge(code, said) from error
    except smtplib.SMTPResponseException as error:
        raise _judge(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefusedError(None, "the mail server takes no address with characters beyond ASCII.") from error
    except OSError as error:
        raise MailDeferredError(f"The connection broke before the mail was taken: {_reason(error)}.") from error


def _judge(code: int, said: bytes | str) -> DunlinError:
    if code < _FIRST_PERMANENT:
        return MailDeferredError(f"The mail server asks to try later ({_words(code, said)}).")
    if code in _OURS_TO_MEND:
        return MailDeferredError(f"The mail server wants a log-in or encryption first ({_words(code, said)}): check SMTP_*.")
    return MailRefusedError(code, _text(said))


def _hang_up(connection: smtplib.SMTP) -> None:
    # The mail is with the server, or its fate is known: a bad good-bye must not make it look unsent and be sent again.
    with suppress(OSError):
        connection.quit()
    connection.close()


def _own_name() -> str:
    """How we greet. Not `socket.getfqdn()`: it asks DNS, which no time-out of ours covers."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    return str(error).rstrip(".") or type(error).__name__


def _words(code: int, said: bytes | str) -> str:
    return f"{code} {_text(said)}"


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
