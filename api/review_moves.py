"""The moves that a person can make on a review: checked, booked and recorded in one transaction.

What is booked here is a pending payment that carries the gateway's reference; that it is settled, by the one settle function,
is a workflow's business (`DecidedPayment`), and the sweeper's when that could not be started.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api import review_money
from api.review_money import UNSETTLED, Received
from api.reviews_schemas import CreditRequest, DismissRequest, MatchRequest
from domain.allocation import Target
from domain.errors import ConflictError, InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentStatus
from persistence import attempts, audit, customers, decisions, payments, reviews
from persistence.payments import Payment
from persistence.reviews import Review

_DONE = {"MATCHED": "matched it to payment", "CREDITED": "recorded it as credit, by payment"}


@dataclass(frozen=True, slots=True)
class Move:
    """Who decides, and when."""

    review_id: str
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided; `payment_id` is the payment to which something must be done now, None when there is none."""

    review: Review
    payment_id: str | None


def match(session: Session, move: Move, request: MatchRequest) -> Decided:
    """Say which payment the money was for.

    That payment itself is settled when it is not settled yet and the amount is its own, so that a later answer of the gateway
    cannot settle it a second time; else a new payment for the same is.

    Raises:
        NotFoundError: the bound tenant has no such review or payment.
        ConflictError: it was decided before, names no money, or this money is booked already.
        InvalidInputError: names what must be looked up at the gateway, or what is at odds with its word.
    """
    review = _lock_open(session, move.review_id)
    review_money.require_money(review)
    if review.reason == "OUTCOME_UNKNOWN" and request.payment_id != review.payment_id:
        raise InvalidInputError("payment_id", f"the question is what became of payment {review.payment_id}: name that one.")
    concerned, target = _lock_payments(session, review.payment_id, request.payment_id)
    given = Money(request.amount, target.amount.currency) if request.amount is not None else None
    received = review_money.received(session, review, request, given, [target, concerned])
    review_money.refuse_what_is_booked(session, received, {target.id, review.payment_id})
    if _is_very_payment(session, target, received):
        booked = _book_on(session, target, received, move)
    else:
        review_money.refuse_twin(review, concerned, received)
        booked = _book(
            session,
            received,
            move,
            customer_id=target.customer_id,
            invoice_id=target.invoice_id,
            target=target.target,
            link_id=target.link_id,
            note=request.note,
        )
    return _close(session, move, review, "MATCHED", received, booked, concerned, request.note)


def credit(session: Session, move: Move, request: CreditRequest) -> Decided:
    """Give the money to a customer as credit, by a new payment for no invoice.

    Raises:
        NotFoundError: the bound tenant has no such review or customer.
        ConflictError: it was decided before, names no money, belongs to a known payment, or is booked already.
        InvalidInputError: names what must be looked up at the gateway, or what is at odds with its word.
    """
    review = _lock_open(session, move.review_id)
    review_money.require_money(review)
    if review.reason == "OUTCOME_UNKNOWN":
        raise ConflictError(
            f"Review {review.id} asks what became of payment {review.payment_id}: match it to that payment when its money came "
            "in (what its invoice does not need becomes credit), or dismiss it when none did."
        )
    concerned = payments.get(session, review.payment_id) if review.payment_id else None
    customer_id = request.customer_id or (concerned.customer_id if concerned else None)
    if customer_id is None:
        raise InvalidInputError("customer_id", "this money fits no payment: say whose credit it becomes.")
    for locked in sorted({customer_id, concerned.customer_id if concerned else customer_id}):
        customers.lock(session, locked)
    concerned = payments.lock(session, concerned.id) if concerned else None
    received = review_money.received(session, review, request, review_money.given(request), [concerned])
    review_money.refuse_what_is_booked(session, received, {review.payment_id})
    review_money.refuse_twin(review, concerned, received)
    booked = _book(session, received, move, customer_id=customer_id, invoice_id=None, target=Target.CREDIT, note=request.note)
    return _close(session, move, review, "CREDITED", received, booked, concerned, request.note)


def dismiss(session: Session, move: Move, request: DismissRequest) -> Decided:
    """Say that there is nothing to do. A payment that is still pending fails by it: else it blocked its link for ever.

    Raises:
        NotFoundError: the bound tenant has no such review.
        ConflictError: it was decided before.
    """
    review = _lock_open(session, move.review_id)
    review = reviews.resolve(session, review.id, "DISMISSED", move.actor, move.now, note=request.reason)
    audit.record(
        session,
        move.now,
        move.actor,
        "REVIEW_DISMISSED",
        "Review",
        review.id,
        payment_id=review.payment_id,
        note=request.reason,
    )
    is_open = review.payment_id is not None and payments.get(session, review.payment_id).status is PaymentStatus.PENDING
    return Decided(review, review.payment_id if is_open else None)


def _lock_open(session: Session, review_id: str) -> Review:
    """Two people may decide at once: the second waits here, and is told what the first decided."""
    review = reviews.lock(session, review_id)
    if review.resolved_at is None:
        return review
    done = _DONE.get(review.resolution or "")
    what = f"{done} {review.resolved_payment_id}" if done else f"dismissed it with the reason {review.resolution_note!r}"
    raise ConflictError(f"Review {review.id} was decided before: {review.resolved_by} {what}.")


def _lock_payments(session: Session, concerned_id: str | None, target_id: str) -> tuple[Payment | None, Payment]:
    """The payment that a review is about, and the one that is named: customers first, each in the order of their ids."""
    found = {payment.id: payment for payment in (payments.get(session, known) for known in {concerned_id, target_id} if known)}
    for customer_id in sorted({payment.customer_id for payment in found.values()}):
        customers.lock(session, customer_id)
    locked = {payment_id: payments.lock(session, payment_id) for payment_id in sorted(found)}
    return locked[concerned_id] if concerned_id else None, locked[target_id]


def _is_very_payment(session: Session, payment: Payment, received: Received) -> bool:
    """Whether the money is this payment's own, and not other money in its place."""
    attempt = attempts.last(session, payment.id)
    return (
        payment.status in UNSETTLED
        and payment.manual_reference is None
        and payment.amount == received.amount
        and payment.method.gateway == received.gateway
        and (attempt is None or attempt.gateway_reference in {None, received.reference})
        and _holder(session, received) in {None, payment.id}
    )


def _holder(session: Session, received: Received) -> str | None:
    """The payment (its id) whose attempt bears the gateway's reference, as one can also that failed or was reversed."""
    return attempts.payment_of_reference(session, received.account_id, received.reference) if received.account_id else None


def _book_on(session: Session, payment: Payment, received: Received, move: Move) -> Payment:
    decisions.book_on(session, payment.id, received.reference)
    attempt = attempts.last(session, payment.id)
    if attempt is not None:
        # By the gateway's own reference further money is told apart from this. One that was typed may be mistyped, and the true
        # one, when the gateway tells it, must not look like further money.
        _paid(session, attempt.id, received.reference if received.is_told else None, move.now)
    return payment


def _book(
    session: Session,
    received: Received,
    move: Move,
    *,
    customer_id: str,
    invoice_id: str | None,
    target: Target,
    link_id: str | None = None,
    note: str | None,
) -> Payment:
    payment = payments.start(
        session,
        customer_id=customer_id,
        invoice_id=invoice_id,
        method=received.method,
        amount=received.amount,
        manual_reference=received.reference,
        target=target,
        link_id=link_id,
        note=note,
        actor=move.actor,
        now=move.now,
    )
    if received.account_id is not None:
        is_free = _holder(session, received) is None
        attempt = attempts.add(
            session, payment, account_id=received.account_id, gateway=received.gateway, number=1, now=move.now
        )
        _paid(session, attempt.id, received.reference if is_free else None, move.now)
    return payment


def _paid(session: Session, attempt_id: str, reference: str | None, now: datetime) -> None:
    attempts.record_answer(
        session,
        attempt_id,
        outcome=Outcome.PAID,
        gateway_reference=reference,
        gateway_status=None,
        poll_url=None,
        raw="",
        now=now,
    )


def _close(
    session: Session,
    move: Move,
    review: Review,
    resolution: str,
    received: Received,
    booked: Payment,
    concerned: Payment | None,
    note: str | None,
) -> Decided:
    if concerned is not None and concerned.id != booked.id and concerned.status is PaymentStatus.PENDING:
        # Without a letter: the money did come, and the confirmation of what it was booked as goes out.
        reason = f"What came in for it was booked as payment {booked.id}."
        payments.fail(session, concerned.id, reason, move.now)
        audit.record(session, move.now, move.actor, "PAYMENT_FAILED", "Payment", concerned.id, reason=reason)
    audit.record(
        session,
        move.now,
        move.actor,
        f"REVIEW_{resolution}",
        "Review",
        review.id,
        payment_id=booked.id,
        amount=str(received.amount),
        gateway_reference=received.reference,
        note=note,
    )
    decided = reviews.resolve(session, review.id, resolution, move.actor, move.now, note=note, payment_id=booked.id)
    return Decided(decided, booked.id)
