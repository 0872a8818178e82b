"""Where the inbox keeps its mails: one SQLite file, so that ten thousand of them list quickly and survive a restart.

One thread uses a `Mailbox`. Searches know Mailpit's words: `to:` `from:` `cc:` `bcc:` `subject:` `message-id:` `is:read`
`is:unread` `has:attachment`, quotes around what has spaces, `-` or `!` before what must not occur, and free words.
"""

import json
import secrets
import shlex
import sqlite3
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dev import letters

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    read INTEGER NOT NULL DEFAULT 0,
    sender TEXT NOT NULL,
    summary TEXT NOT NULL,
    words TEXT NOT NULL,
    raw BLOB NOT NULL
)
"""
_ALPHABET = string.ascii_letters + string.digits
_PEOPLE = {"to": "To", "cc": "Cc", "bcc": "Bcc", "reply-to": "ReplyTo"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One mail: its summary (Mailpit's shape), its bytes and the envelope's sender."""

    summary: dict[str, Any]
    raw: bytes
    sender: str


class Mailbox:
    """The mails in one directory.

    Args:
        directory: holds `mail.db`; made when missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(directory / "mail.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=wal")
        self._database.execute("PRAGMA synchronous=normal")
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def add(self, raw: bytes, *, sender: str, recipients: Sequence[str], created: datetime) -> str:
        """Keep a mail as it came and return its id."""
        identity = "".join(secrets.choice(_ALPHABET) for _ in range(22))
        entry = letters.summary(identity, raw, recipients, created)
        self._database.execute(
            "INSERT INTO mail (id, sender, summary, words, raw) VALUES (?, ?, ?, ?, ?)",
            [identity, sender, json.dumps(entry), letters.searchable(entry, raw), raw],
        )
        return identity

    def page(self, start: int, limit: int, query: str = "") -> dict[str, Any]:
        """One page of the list, newest first, in Mailpit's shape; `query` narrows it."""
        where, values = _condition(query)
        rows = self._database.execute(
            f"SELECT summary, read FROM mail WHERE {where} ORDER BY position DESC LIMIT ? OFFSET ?",  # noqa: S608  # only our own words
            [*values, limit, start],
        ).fetchall()
        total, unread = self._counts("1", [])
        matching, matching_unread = self._counts(where, values) if query.strip() else (total, unread)
        return {
            "total": total,
            "unread": unread,
            "count": len(rows),
            "messages_count": matching,
            "messages_unread": matching_unread,
            "start": start,
            "tags": [],
            "messages": [{**json.loads(entry), "Read": bool(read)} for entry, read in rows],
        }

    def get(self, identity: str) -> Stored | None:
        """One mail by its id, or the newest for `latest`; None when there is none."""
        newest = identity == "latest"
        row = self._database.execute(
            "SELECT summary, raw, sender FROM mail WHERE id = ? OR ? ORDER BY position DESC LIMIT 1", [identity, newest]
        ).fetchone()
        return None if row is None else Stored(json.loads(row[0]), row[1], row[2])

    def mark_read(self, identity: str) -> None:
        """Remember that somebody looked at it."""
        self._database.execute("UPDATE mail SET read = 1 WHERE id = ?", [identity])

    def delete(self, identities: Sequence[str]) -> None:
        """Forget these mails, or all of them when none is named."""
        if identities:
            self._database.executemany("DELETE FROM mail WHERE id = ?", [[identity] for identity in identities])
        else:
            self._database.execute("DELETE FROM mail")

    def _counts(self, where: str, values: Sequence[str]) -> tuple[int, int]:
        row = self._database.execute(f"SELECT count(*), total(read = 0) FROM mail WHERE {where}", values).fetchone()  # noqa: S608  # as above
        return int(row[0]), int(row[1])


def _condition(query: str) -> tuple[str, list[str]]:
    """A search as an SQL condition with its values."""
    clauses, values = ["1"], list[str]()
    for term in _terms(query):
        negated = term[0] in "-!" and len(term) > 1
        clause, used = _clause(term[1:] if negated else term)
        clauses.append(f"NOT ({clause})" if negated else clause)
        values += used
    return " AND ".join(clauses), values


def _terms(query: str) -> list[str]:
    try:
        return [term for term in shlex.split(query) if term]
    except ValueError:  # a quote that nobody closed
        return query.replace('"', " ").replace("'", " ").split()


def _clause(term: str) -> tuple[str, list[str]]:
    """One term. Fields are looked up in the stored summary; `instr` has no wildcards that a word could contain by chance."""
    key, colon, value = term.partition(":")
    key, wanted = key.lower(), value.lower()
    if (key, wanted) in _FLAGS:
        return _FLAGS[key, wanted], []
    if colon and key in _PEOPLE:
        return f"instr(lower(json_extract(summary, '$.{_PEOPLE[key]}')), ?) > 0", [wanted]
    if colon and key in _TEXTS:
        return f"instr(lower(json_extract(summary, '$.{_TEXTS[key]}')), ?) > 0", [wanted.strip("<>")]
    return "instr(words, ?) > 0", [term.lower()]


_TEXTS = {"from": "From", "subject": "Subject", "message-id": "MessageID"}
_FLAGS = {
    ("is", "read"): "read = 1",
    ("is", "unread"): "read = 0",
    ("has", "attachment"): "json_extract(summary, '$.Attachments') > 0",
    ("has", "attachments"): "json_extract(summary, '$.Attachments') > 0",
}
