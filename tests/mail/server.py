"""A real SMTP server in this process that answers by a script, and the certificates it shows."""

import ssl
from asyncio import Server, WriteTransport
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"

HANG_UP = "hang up"


@dataclass
class Script:
    """What the server answers at each stage, None for consent; and what it saw."""

    greeting: str | None = None
    mail: str | None = None
    rcpt: str | None = None
    data: str | None = None
    quit: str | None = None
    password: bytes = b"right"
    seen: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    passwords: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


class ScriptedHandler:
    """aiosmtpd's hooks, each answering from the script."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.script.mail:
            return answer(server, self.script.mail)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.script.rcpt:
            return answer(server, self.script.rcpt)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.script.data:
            return answer(server, self.script.data)
        content = cast("bytes", envelope.content)
        self.script.raw.append(content)
        self.script.seen.append(message_from_bytes(content, EmailMessage, policy=SMTP_POLICY))
        self.script.recipients.extend(envelope.rcpt_tos)
        self.script.encrypted.append(transport(server).get_extra_info("sslcontext") is not None)
        return "250 Taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return answer(server, self.script.quit or "221 Bye")


def answer(server: SMTP, said: str) -> str:
    if said == HANG_UP:
        transport(server).abort()
    return said


def transport(server: SMTP) -> WriteTransport:
    return cast("WriteTransport", server.transport)


class Greeting(SMTP):
    """The server, whose very first line may be a refusal."""

    def __init__(self, handler: ScriptedHandler, greeting: str | None, **options: Any) -> None:
        super().__init__(handler, hostname="mail.test", **options)
        self.greeting = greeting

    async def push(self, status: Any) -> None:
        opening = isinstance(status, str) and status.startswith("220 mail.test")
        await super().push(self.greeting if opening and self.greeting else status)


class ScriptedController(Controller):
    def __init__(self, script: Script, *, implicit_tls: ssl.SSLContext | None, **options: Any) -> None:
        self.script = script
        self.options = options
        super().__init__(ScriptedHandler(script), hostname=HOST, port=0, ssl_context=implicit_tls)

    def factory(self) -> SMTP:
        return Greeting(self.handler, self.script.greeting, **self.options)

    def _trigger_server(self) -> None:
        # Port 0 is whatever is free; the controller's own trial connection must go to what the system gave.
        self.port = cast("Server", self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's is untyped


@contextmanager
def serving(script: Script, *, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """Run the scripted server and give its port; `options` are aiosmtpd's (`tls_context`, `authenticator`, …)."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
        script.passwords.append(login.password)
        return AuthResult(success=login.password == script.password, handled=False)

    if options.pop("log_in", False):
        # aiosmtpd warns of a log-in that is both demanded and in clear; offering it is enough to see what a client does.
        options |= {"authenticator": check, "auth_required": options.get("auth_require_tls", True)}
    controller = ScriptedController(script, implicit_tls=implicit_tls, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for one host name: what the server shows, and a client that trusts exactly it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certificate(host: str, folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)  # noqa: TID251 - TLS checks validity against the real clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{host}.pem"
    file.write_bytes(public + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return Certificate(server, ssl.create_default_context(cadata=public.decode()))
