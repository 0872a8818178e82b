"""The mail inbox of the embedded stack: takes every mail over SMTP, delivers none, and shows them.

`python -m dev.inbox --smtp-port P --http-port P --dir DIR` serves a page for people and Mailpit's API for programs, so that
the same test runs against Mailpit in compose. Two domains refuse, for tests of the mailer: `@refused.example` for good (550),
`@busy.example` for now (451).
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import click
import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import Body, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.templating import Jinja2Templates

from dev import letters
from dev.mailbox import Mailbox, Stored
from dev.ports import HOST

REFUSALS: Mapping[str, str] = {
    "refused.example": "550 5.1.1 The mailbox does not exist",
    "busy.example": "451 4.3.0 The mailbox is busy, try again later",
}
_LARGEST = 25 * 1024 * 1024  # bytes, as the large providers
_PAGE = 50
_TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates" / "inbox")
# The mail's own HTML runs no script and loads nothing from elsewhere; its links open in a tab of their own.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
)

Start = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=0)]


class Receiver:
    """What aiosmtpd asks about each mail.

    Args:
        mailbox: where mails are kept.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks methods up by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        refusal = REFUSALS.get(address.rpartition("@")[2].lower())
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Keep one mail."""
        content = envelope.original_content or b""
        identity = self._mailbox.add(
            content, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, created=datetime.now(UTC)
        )
        return f"250 2.0.0 OK queued as {identity}"


def create_app(mailbox: Mailbox) -> FastAPI:
    """The page and the API over one mailbox."""
    app = FastAPI(title="Inbox", openapi_url=None)
    _add_api(app, mailbox)
    _add_pages(app, mailbox)

    @app.get("/livez")
    @app.get("/readyz")
    async def ready() -> PlainTextResponse:
        return PlainTextResponse("ok")

    return app


def _add_api(app: FastAPI, mailbox: Mailbox) -> None:
    @app.get("/api/v1/messages")
    async def list_messages(start: Start = 0, limit: Limit = _PAGE) -> dict[str, Any]:
        return mailbox.page(start, limit)

    @app.get("/api/v1/search")
    async def search(query: str, start: Start = 0, limit: Limit = _PAGE) -> dict[str, Any]:
        return mailbox.page(start, limit, query)

    @app.delete("/api/v1/messages")
    async def delete_messages(wish: Annotated[dict[str, list[str]] | None, Body()] = None) -> PlainTextResponse:
        mailbox.delete((wish or {}).get("IDs", []))
        return PlainTextResponse("ok")

    @app.get("/api/v1/message/{identity}")
    async def get_message(identity: str) -> dict[str, Any]:
        stored = _find(mailbox, identity)
        mailbox.mark_read(stored.summary["ID"])
        return letters.message(stored.summary, stored.raw, stored.sender)

    @app.get("/api/v1/message/{identity}/headers")
    async def get_headers(identity: str) -> dict[str, list[str]]:
        return letters.headers(_find(mailbox, identity).raw)

    @app.get("/api/v1/message/{identity}/raw")
    async def get_raw(identity: str) -> Response:
        return Response(_find(mailbox, identity).raw, media_type="text/plain; charset=utf-8")

    @app.get("/api/v1/message/{identity}/part/{part_id}")
    async def get_part(identity: str, part_id: str) -> Response:
        found = letters.part(_find(mailbox, identity).raw, part_id)
        if found is None:
            raise HTTPException(404, f"The message {identity} has no part {part_id}.")
        kind, content = found
        # Whatever the part claims to be, it runs no script in the name of this page.
        return Response(content, media_type=kind, headers={"Content-Security-Policy": "sandbox; default-src 'none'"})


def _add_pages(app: FastAPI, mailbox: Mailbox) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def list_page(request: Request, query: str = "", start: Start = 0) -> Response:
        page = mailbox.page(start, _PAGE, query)
        facts = {"page": page, "query": query, "size": _PAGE}
        return _TEMPLATES.TemplateResponse(request, "list.html", facts)

    @app.get("/view/{identity}", response_class=HTMLResponse)
    async def message_page(request: Request, identity: str) -> Response:
        stored = _find(mailbox, identity)
        mailbox.mark_read(stored.summary["ID"])
        mail = letters.message(stored.summary, stored.raw, stored.sender)
        facts = {"mail": mail, "created": stored.summary["Created"], "headers": letters.headers(stored.raw)}
        return _TEMPLATES.TemplateResponse(request, "message.html", facts)

    @app.get("/view/{identity}/html", response_class=HTMLResponse)
    async def html_part(identity: str) -> Response:
        stored = _find(mailbox, identity)
        mail = letters.message(stored.summary, stored.raw, stored.sender)
        return HTMLResponse(_with_inline_images(mail), headers={"Content-Security-Policy": _MAIL_POLICY})


def _with_inline_images(mail: Mapping[str, Any]) -> str:
    """The HTML part as a page: its pictures come from the mail, its links open in a new tab."""
    addresses = {file["ContentID"]: f"/api/v1/message/{mail['ID']}/part/{file['PartID']}" for file in mail["Inline"]}
    markup = re.sub(r"cid:([^\"'\s)>]+)", lambda found: addresses.get(found[1], found[0]), mail["HTML"])
    return f'<base target="_blank">{markup}'


def _find(mailbox: Mailbox, identity: str) -> Stored:
    stored = mailbox.get(identity)
    if stored is None:
        raise HTTPException(404, f"There is no message {identity} in this inbox.")
    return stored


@asynccontextmanager
async def _receiving(mailbox: Mailbox, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    receiver = Receiver(mailbox)

    def conversation() -> SMTP:
        return SMTP(receiver, hostname="inbox.localhost", ident="Dunlin inbox", data_size_limit=_LARGEST, enable_SMTPUTF8=True)

    server = await loop.create_server(conversation, HOST, port)
    try:
        yield
    finally:
        server.close()


async def serve(directory: Path, smtp_port: int, http_port: int) -> None:
    """Receive and show mails until SIGINT or SIGTERM. SMTP listens before `/readyz` answers."""
    mailbox = Mailbox(directory)
    config = uvicorn.Config(create_app(mailbox), host=HOST, port=http_port, log_level="warning", lifespan="off")
    try:
        async with _receiving(mailbox, smtp_port):
            await uvicorn.Server(config).serve()
    finally:
        mailbox.close()


@click.command()
@click.option("--smtp-port", type=int, default=1025, show_default=True)
@click.option("--http-port", type=int, default=8025, show_default=True)
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where mails are kept."
)
def main(smtp_port: int, http_port: int, directory: Path) -> None:
    """Take every mail over SMTP and show it on a page."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn ends on these, then raises them again for whoever else listens: nobody does, and we end by returning.
        signal.signal(number, lambda _number, _frame: None)
    asyncio.run(serve(directory, smtp_port, http_port))


if __name__ == "__main__":
    main()
