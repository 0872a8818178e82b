"""Answers stored by `Idempotency-Key`: played again for 24 hours, failures too.

A key belongs to an account. Another request under a key is refused with 422; the same one with 409 while the first is still
being worked on.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from fastapi import Response

from dev.simulators.yoco_book import Book
from dev.simulators.yoco_wire import RefusedError

KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Posting:
    """A POST under a key; without a key nothing is stored."""

    merchant_id: str
    key: str
    path: str
    body: bytes

    @property
    def place(self) -> str:
        return f"{self.merchant_id}/{self.key}"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.path}\n".encode() + self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer, and what it was given to."""

    fingerprint: str
    at: float
    status: int
    body: str
    media_type: str


class Ledger:
    """The stored answers of `book`, and the keys that are being worked on."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._working: set[str] = set()

    def stored(self, posting: Posting) -> Response | None:
        """The stored answer; None when this is the first of its key.

        Raises:
            RefusedError: 409 or 422.
        """
        stored = self._stored(posting)
        if stored is not None and stored.fingerprint != posting.fingerprint:
            raise RefusedError(422, "idempotency_mismatch", "The idempotency key was used with another request.")
        if stored is not None:
            headers = {"Idempotent-Replayed": "true"}
            return Response(stored.body, stored.status, headers, stored.media_type)
        if posting.key and posting.place in self._working:
            raise RefusedError(409, "idempotency_in_progress", "A request with this idempotency key is still being processed.")
        return None

    @contextmanager
    def working(self, posting: Posting) -> Iterator[None]:
        """While it lasts, whoever else comes with this key is told to wait."""
        self._working.add(posting.place)
        try:
            yield
        finally:
            self._working.discard(posting.place)

    def keep(self, posting: Posting, response: Response) -> None:
        """Store an answer, whatever it says."""
        if not posting.key:
            return
        body = bytes(response.body).decode("utf-8")
        stored = Stored(posting.fingerprint, time.time(), response.status_code, body, response.media_type or "text/plain")
        self._book.answers[posting.place] = asdict(stored)
        self._book.save()

    def _stored(self, posting: Posting) -> Stored | None:
        entry = self._book.answers.get(posting.place)
        if not posting.key or entry is None or entry["at"] < time.time() - KEPT_SECONDS:
            return None
        return Stored(**entry)
