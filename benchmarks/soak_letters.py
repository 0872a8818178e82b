"""Counting letters: how many each customer should have got by the invoices' own plans and policies, and what the inbox has."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.letters import Letter
from persistence import dunning_plans, invoices, payments, tenants
from persistence.invoices import InvoiceDetail

_PAGE = 500

# (customer's address, letter) → how many.
Letters = Counter[tuple[str, Letter]]


@dataclass(frozen=True, slots=True)
class Post:
    """What lies in the inbox for some customers.

    Attributes:
        letters: by customer and kind, each Message-ID once.
        message_ids: every Message-ID with how often it came; SMTP cannot promise once (design, rule 10).
    """

    letters: Letters
    message_ids: Counter[str]

    @property
    def copies(self) -> int:
        """How many mails came again under a Message-ID that had come before."""
        return self.message_ids.total() - len(self.message_ids)


def due_letters(session: Session, addresses: dict[str, str]) -> Letters:
    """The letters that a story owes in which every ladder is climbed to its suspension and then all is paid.

    Args:
        session: bound to the tenant.
        addresses: of its customers, by id.
    """
    zone, due = tenants.current(session).time_zone, Letters()
    occasions: set[tuple[str, Letter, str]] = set()
    for detail in _all_invoices(session):
        address = addresses[detail.invoice.customer_id]
        due[address, Letter.INVOICE_ISSUED] += 1
        occasions |= {
            (address, step.letter, _occasion(detail, step, zone))
            for step in dunning_plans.of(session, detail)
            if step.letter is not None
        }
    due.update((address, letter) for address, letter, _ in occasions)
    due.update((address, Letter.REACTIVATION_CONFIRMATION) for address, letter in list(due) if letter is _SUSPENDED)
    due.update((addresses[customer_id], Letter.PAYMENT_CONFIRMATION) for customer_id in _payers(session))
    return due


_SUSPENDED = Letter.SUSPENSION_NOTICE


def _occasion(detail: InvoiceDetail, step: PlannedStep, zone: str) -> str:
    """What may be written about once: a suspension is the customer's, a step the invoice's, or all of a day's together."""
    if step.action is Action.SUSPEND:
        return "suspended"
    if detail.policy.one_letter_a_day:
        return f"{local_day(step.at, zone)}/{detail.invoice.total.currency}"
    return f"{detail.invoice.id}/{step.key}"


def _all_invoices(session: Session) -> Iterable[InvoiceDetail]:
    after = None
    while page := invoices.page(session, after=after, limit=_PAGE):
        yield from page
        after = page[-1].invoice.id


def _payers(session: Session) -> Iterable[str]:
    """The customer of each payment."""
    after = None
    while page := payments.page(session, after=after, limit=_PAGE):
        yield from (payment.customer_id for payment in page)
        after = page[-1].id


async def read_inbox(inbox: str, domain: str) -> Post:
    """Every mail in the inbox to an address in `domain`."""
    found: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"query": f"to:@{domain}", "limit": _PAGE}
    async with httpx.AsyncClient(base_url=inbox, timeout=120, trust_env=False) as client:
        while page := (await client.get("/api/v1/search", params=query | {"start": len(found)})).json()["messages"]:
            found += page
    return sort_post(found)


def sort_post(mails: Sequence[dict[str, Any]]) -> Post:
    """Mails, as the inbox lists them, by customer and kind. A Message-ID names its letter: `<hash>.<letter>@<host>`."""
    ids = Counter(str(mail["MessageID"]) for mail in mails)
    first = {str(mail["MessageID"]): str(mail["To"][0]["Address"]) for mail in mails}
    return Post(Letters((address, _letter_of(identity)) for identity, address in first.items()), ids)


def _letter_of(message_id: str) -> Letter:
    return Letter(message_id.partition("@")[0].rpartition(".")[2])


def compare(due: Letters, post: Post) -> list[str]:
    """Where the inbox has more or fewer letters than were due, in words; empty when each came exactly once."""
    return [
        f"{address} should have got {due[address, letter]} of {letter}, and got {post.letters[address, letter]}."
        for address, letter in sorted(due.keys() | post.letters.keys())
        if due[address, letter] != post.letters[address, letter]
    ]
