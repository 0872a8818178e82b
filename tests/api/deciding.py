"""Money in question, and the people who decide about it."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from domain.money import Money
from persistence import attempts, checks, payments, reviews
from persistence.payments import Payment
from persistence.reviews import MoneyInQuestion, Review
from tests import factories
from tests.api.paying import Bill
from tests.api.serving import YEARS_AGO
from tests.api.waiting import eventually

REVIEWS = "/api/reviews"


@dataclass(frozen=True)
class Question:
    """A review about a payment that waits at Paynow, or about money for none."""

    bill: Bill
    payment: Payment
    review: Review

    @property
    def path(self) -> str:
        return f"{REVIEWS}/{self.review.id}"

    async def decide(self, client: httpx.AsyncClient, staff: dict[str, str], move: str, **body: Any) -> httpx.Response:
        return await client.post(f"{self.path}/{move}", headers=staff, json=body)

    def now_of(self, payment_id: str) -> Payment:
        with self.bill.database.tenant(self.bill.tenant.id) as session:
            return payments.get(session, payment_id)

    async def becomes(self, payment_id: str, status: str) -> Payment:
        async def look() -> Payment | None:
            found = self.now_of(payment_id)
            return found if found.status == status else None

        return await eventually(look, f"payment {payment_id} {status}")

    def payments(self) -> list[Payment]:
        """All of the business, oldest first."""
        with self.bill.database.tenant(self.bill.tenant.id) as session:
            return sorted(payments.page(session, after=None, limit=50), key=lambda payment: payment.id)

    def letters(self) -> list[str]:
        with self.bill.database.tenant(self.bill.tenant.id) as session:
            return list(session.scalars(text("SELECT letter FROM messages ORDER BY id")))

    def audited(self) -> list[tuple[str, str]]:
        """(action, actor) about the review."""
        query = text("SELECT action, actor FROM audit_log WHERE resource_id = :id ORDER BY id")
        with self.bill.database.tenant(self.bill.tenant.id) as session:
            return [(action, actor) for action, actor in session.execute(query, {"id": self.review.id})]

    def books_are_in_order(self) -> bool:
        with self.bill.database.tenant(self.bill.tenant.id) as session:
            return checks.run(session) == []


def pending(bill: Bill) -> Payment:
    """A payment of all that is due, of which Paynow was asked and never told."""
    payment = factories.start_payment(bill.database, bill.tenant, bill.invoice)
    factories.make_attempt(bill.database, bill.tenant, payment)
    return payment


def ask(
    bill: Bill, reason: str, *, amount: Money | None = None, reference: str | None = None, payment: Payment | None = None
) -> Question:
    """A question about a pending payment, and about the money that the gateway named, if any."""
    payment = payment or pending(bill)
    money = MoneyInQuestion("paynow", reference, amount) if amount or reference else None
    with bill.database.tenant(bill.tenant.id) as session:
        reviews.open_for(session, payment.id, reason, "Look it up at the gateway.", YEARS_AGO, money)
        found = [review for review in reviews.unresolved(session, after=None, limit=50) if review.payment_id == payment.id]
    return Question(bill, payment, next(review for review in found if review.reason == reason))


def told_reference(bill: Bill, payment: Payment, reference: str) -> None:
    """Paynow's own id of a payment as it is kept when Paynow tells it."""
    with bill.database.tenant(bill.tenant.id) as session:
        attempt = attempts.last(session, payment.id)
        assert attempt is not None
        attempts.record_answer(
            session,
            attempt.id,
            outcome=attempt.outcome,
            gateway_reference=reference,
            gateway_status="Paid",
            poll_url=None,
            raw="",
            now=factories.NOW,
        )
