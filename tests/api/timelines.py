"""Somebody who reads timelines at the API, and an invoice of which there is much to read."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
from fastapi import FastAPI

from domain.invoice import Invoice
from domain.moves import MoveKind
from domain.payment import PaymentMethod
from persistence import messages
from persistence.database import Database
from tests.api.serving import caller, running, settings, token_of
from tests.persistence.timeline_story import Story, at

MOVED = "Moved from Monday, August 10, 2026 to Wednesday, August 12, 2026:"


@dataclass
class Reader:
    """Somebody of the business who reads timelines, at a time of the test's choice."""

    app: FastAPI
    client: httpx.AsyncClient

    async def read(self, story: Story, when: str, invoice: Invoice | None = None, **query: Any) -> dict[str, Any]:
        path = f"invoices/{invoice.id}" if invoice else f"customers/{story.customer.id}"
        self.app.state.services = dataclasses.replace(self.app.state.services, clock=lambda: at(when))
        answer = await self.client.get(
            f"/api/{path}/timeline", headers=token_of(story.database, story.tenant, "viewer"), params=query
        )
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def past(self, story: Story, when: str, invoice: Invoice | None = None) -> list[tuple[str, str, str, str, str]]:
        """(local day and hour, kind, title, actor, reason), oldest first."""
        shown = await self.read(story, when, invoice, limit=200)
        return [
            (f"{item['local_day']} {item['local_time']}", item["kind"], item["title"], item["actor"], item["reason"])
            for item in reversed(shown["items"])
        ]

    async def ahead(self, story: Story, when: str, invoice: Invoice | None = None) -> list[str]:
        return [entry["title"] for entry in (await self.read(story, when, invoice))["upcoming"]]


@asynccontextmanager
async def reading(database_url: str) -> AsyncIterator[Reader]:
    async with running(settings(database_url)) as app, caller(app) as client:
        yield Reader(app, client)


def chased_until_suspended(database: Database) -> tuple[Story, Invoice]:
    """Due on Heroes' Day, which moves the first notice; paid in part, paused, disputed, suspended, paid."""
    story = Story.of(database)
    invoice = story.issue("2026-07-27 10:00")
    story.make_link("2026-07-28 11:00", invoice, "40")
    story.take("2026-08-07 09:00", invoice, "0-remind")
    story.send_all("2026-08-07 09:01")
    story.take("2026-08-12 09:00", invoice, "1-overdue_notice")
    story.send_all("2026-08-12 09:01")
    story.fail("2026-08-13 10:05", story.begin("2026-08-13 10:00", invoice, "40"), "The payer did not confirm.")
    story.pay("2026-08-14 10:00", invoice, "40", PaymentMethod.BANK_TRANSFER)
    story.move("2026-08-15 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 20))
    story.resume("2026-08-21 09:00", invoice)
    story.move("2026-08-21 10:00", invoice, MoveKind.DISPUTE)
    story.move("2026-08-22 10:00", invoice, MoveKind.RESOLVE)
    story.take("2026-08-24 09:00", invoice, "3-final_warning")
    with database.tenant(story.tenant.id) as session:
        messages.mark_failed(session, story.last_letter().id, "550 No such mailbox.", at("2026-08-24 09:02"))
    story.take("2026-08-31 09:00", invoice, "4-suspend")
    story.send_all("2026-08-31 09:01")
    return story, invoice
