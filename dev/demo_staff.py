"""What staff decide in the demo about who has not paid: a promise to pay, a mistake, a lost cause, a complaint."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dev.demo_business import Business


@dataclass(frozen=True, slots=True)
class Decision:
    """One staff move (`POST /api/invoices/{id}/<move>`), and how the demo tells it."""

    move: str
    reason: str
    how: str


PROMISE = Decision("pause", "She rang: her salary comes on Friday.", "promised to pay")
MISTAKE = Decision("void", "The till was returned before the month began.", "billed by mistake, taken back by a credit note")
LOST = Decision("write-off", "The shop has closed for good.", "written off")
COMPLAINT = Decision("dispute", "Says that the till never worked.", "disputed")

DECISIONS = {"cvt": (PROMISE, MISTAKE, LOST, COMPLAINT), "crechebooks": (PROMISE, MISTAKE)}


async def let_staff_decide(business: Business, decisions: tuple[Decision, ...]) -> list[str]:
    """Make each decision about one invoice that is still open, the oldest first; what was decided, in words."""
    waiting = await business.open_invoices()
    told = []
    for invoice, decision in zip(waiting, decisions, strict=False):
        body: dict[str, Any] = {"reason": decision.reason}
        if decision is PROMISE:
            # The suspension is three weeks after the due day, by the invoice's own clock, which was skipped ahead.
            body["until"] = str(date.fromisoformat(invoice["due_on"]) + timedelta(days=28))
        await business.post(f"/api/invoices/{invoice['id']}/{decision.move}", body)
        told.append(f"{invoice['number']} {decision.how}")
    await business.wait_for_letters()
    return told


async def tell_timeline(business: Business, entries: int = 6) -> tuple[str, list[str]]:
    """The newest of a paused invoice's timeline, as staff read it: the invoice's number, and a line an entry."""
    paused = next(invoice for invoice in await business.open_invoices() if invoice["paused_until"])
    shown = await business.get(f"/api/invoices/{paused['id']}/timeline?limit={entries}")
    lines = [f"next: {entry['title']}" for entry in shown["upcoming"]]
    for entry in shown["items"]:
        by = "" if entry["actor"] == "system" else f" ({entry['actor']}: {entry['reason']})"
        lines.append(f"{entry['local_day']} {entry['local_time']} {entry['title']}{by}")
    return str(paused["number"]), lines
