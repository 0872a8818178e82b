"""Reading a received mail: from its bytes to Mailpit's JSON shapes.

Shapes (Mailpit API v1): a summary as in the list, and the whole message. Addresses are `{"Name", "Address"}`; times are
RFC 3339 in UTC. Mailpit counts who was in the envelope but in no header as blind copy, and so do we.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any, cast

_SNIPPET = 250


class _Lenient(EmailPolicy):
    """The default reading of headers; what it chokes on is shown as it came."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:  # noqa: BLE001  # the standard library's parser fails on odd headers with whatever comes, IndexError too
            return str(value).encode(errors="replace").decode()


def parse(raw: bytes) -> EmailMessage:
    """Read a mail leniently: what came over the wire is shown, however odd."""
    return message_from_bytes(raw, policy=cast("EmailPolicy[EmailMessage]", _Lenient()))


def summary(identity: str, raw: bytes, recipients: Sequence[str], created: datetime) -> dict[str, Any]:
    """A mail as the list shows it, unread.

    Args:
        identity: its id in this inbox.
        recipients: the envelope's `RCPT TO` addresses.
        created: when it came in.
    """
    mail = parse(raw)
    return {
        "ID": identity,
        "MessageID": _header(mail, "Message-ID").strip().strip("<>"),
        "Read": False,
        **_people(mail, recipients),
        "Subject": _header(mail, "Subject"),
        "Created": created.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "Username": "",
        "Tags": [],
        "Size": len(raw),
        "Attachments": sum(not part["Inline"] for part in _files(mail)),
        "Snippet": _snippet(mail),
    }


def message(entry: dict[str, Any], raw: bytes, sender: str) -> dict[str, Any]:
    """A mail as its own page shows it.

    Args:
        entry: its summary.
        sender: the envelope's `MAIL FROM` address.
    """
    mail = parse(raw)
    files = _files(mail)
    shared = ("ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Username", "Tags", "Size")
    return {
        **{name: entry[name] for name in shared},
        "ReturnPath": sender,
        "Date": _date(mail) or entry["Created"],
        "ListUnsubscribe": {"Header": _header(mail, "List-Unsubscribe"), "Links": [], "Errors": "", "HeaderPost": ""},
        "Text": text(mail),
        "HTML": html(mail),
        "Inline": [_without_inline(part) for part in files if part["Inline"]],
        "Attachments": [_without_inline(part) for part in files if not part["Inline"]],
    }


def headers(raw: bytes) -> dict[str, list[str]]:
    """All headers by name, each with its values in the order in which they came, decoded."""
    found: dict[str, list[str]] = {}
    for name, value in parse(raw).items():
        found.setdefault(name, []).append(str(value))
    return found


def part(raw: bytes, part_id: str) -> tuple[str, bytes] | None:
    """Content type and bytes of one attachment or inline image; None when there is no such part."""
    for number, piece in enumerate(parse(raw).walk()):
        if str(number) == part_id and not piece.is_multipart():
            return piece.get_content_type(), _bytes(piece)
    return None


def text(mail: EmailMessage) -> str:
    """The plain text, empty when the mail has none."""
    return _body(mail, "plain")


def html(mail: EmailMessage) -> str:
    """The HTML text, empty when the mail has none."""
    return _body(mail, "html")


def searchable(entry: dict[str, Any], raw: bytes) -> str:
    """What a search without a field looks through, in lower case."""
    mail = parse(raw)
    people = [f"{person['Name']} {person['Address']}" for group in ("To", "Cc", "Bcc", "ReplyTo") for person in entry[group]]
    people.append(f"{entry['From']['Name']} {entry['From']['Address']}")
    return "\n".join([entry["Subject"], entry["MessageID"], *people, text(mail), _plain(html(mail))]).lower()


def _people(mail: EmailMessage, recipients: Sequence[str]) -> dict[str, Any]:
    groups = {name: _addresses(mail.get_all(header, [])) for name, header in _GROUPS.items()}
    named = {person["Address"].lower() for name in ("To", "Cc", "Bcc") for person in groups[name]}
    groups["Bcc"] += [{"Name": "", "Address": address} for address in recipients if address.lower() not in named]
    sender = _addresses(mail.get_all("From", []))
    return {"From": sender[0] if sender else {"Name": "", "Address": ""}, **groups}


_GROUPS = {"To": "To", "Cc": "Cc", "Bcc": "Bcc", "ReplyTo": "Reply-To"}


def _addresses(values: Iterable[Any]) -> list[dict[str, str]]:
    return [{"Name": name, "Address": address} for name, address in getaddresses([str(value) for value in values]) if address]


def _header(mail: EmailMessage, name: str) -> str:
    return str(mail.get(name, ""))


def _date(mail: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_header(mail, "Date")).isoformat()
    except ValueError:
        return None


def _body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body(preferencelist=(kind,))
    if found is None:
        return ""
    charset = found.get_content_charset("utf-8")
    try:
        return _bytes(cast("EmailMessage", found)).decode(charset, errors="replace")
    except LookupError:  # a charset that nobody knows
        return _bytes(cast("EmailMessage", found)).decode(errors="replace")


def _bytes(piece: EmailMessage) -> bytes:
    payload = piece.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _files(mail: EmailMessage) -> list[dict[str, Any]]:
    """Everything in the mail that is neither a container nor one of its two texts."""
    texts = [mail.get_body(preferencelist=(kind,)) for kind in ("plain", "html")]
    return [
        {
            "PartID": str(number),
            "FileName": piece.get_filename() or "",
            "ContentType": piece.get_content_type(),
            "ContentID": str(piece.get("Content-ID", "")).strip("<>"),
            "Size": len(_bytes(piece)),
            "Inline": piece.get_content_disposition() != "attachment" and "Content-ID" in piece,
        }
        for number, piece in enumerate(mail.walk())
        if not piece.is_multipart() and all(piece is not each for each in texts)
    ]


def _without_inline(file: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in file.items() if name != "Inline"}


def _snippet(mail: EmailMessage) -> str:
    words = " ".join((text(mail) or _plain(html(mail))).split())
    return words if len(words) <= _SNIPPET else f"{words[:_SNIPPET]}..."


def _plain(markup: str) -> str:
    """HTML without its tags: good enough to search and to sum up, never shown as the mail."""
    without_code = re.sub(r"(?is)<(style|script|head)\b.*?</\1>", " ", markup)
    return unescape(re.sub(r"<[^>]*>", " ", without_code))
