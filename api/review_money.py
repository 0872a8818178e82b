"""The money that a review is about: what the gateway told of it, and what a person looked up there and adds.

A person completes the gateway's word and never overrules it; and one payment at the gateway is booked once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.reviews_schemas import CreditRequest, MatchRequest
from domain.errors import ConflictError, InvalidInputError
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from persistence import attempts, decisions, payments
from persistence.payments import Payment
from persistence.reviews import Review

UNSETTLED = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED})
_NAMES_MONEY = {"MISMATCH", "OUTCOME_UNKNOWN", "PAID_AGAIN", "UNMATCHED"}


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came in.

    Attributes:
        reference: the gateway's own id of the payment.
        is_told: whether the gateway told that id; else a person typed it.
        account_id: ours of the account that it came in at; None when there is none for its currency.
    """

    amount: Money
    gateway: str
    reference: str
    is_told: bool
    method: PaymentMethod
    account_id: str | None


def require_money(review: Review) -> None:
    if review.reason not in _NAMES_MONEY:
        raise ConflictError(
            f"Review {review.id} ({review.reason}) names no money that came in: dismiss it with the reason, or reverse payment "
            f"{review.payment_id} by POST /api/payments/{review.payment_id}/reverse."
        )


def received(
    session: Session,
    review: Review,
    request: MatchRequest | CreditRequest,
    given: Money | None,
    related: Sequence[Payment | None],
) -> Received:
    """Put together what the gateway told and what the person looked up; what the gateway told cannot be overruled."""
    known = [payment for payment in related if payment is not None]
    gateway = review.gateway or next((payment.method.gateway for payment in known if payment.method.gateway), None)
    if gateway is None:
        raise ConflictError(f"Review {review.id} is about no gateway's money: record the payment by POST /api/payments.")
    amount = _amount(review, given)
    return Received(
        amount=amount,
        gateway=gateway,
        reference=_reference(session, review, request.gateway_reference),
        is_told=review.gateway_reference is not None,
        method=_method(gateway, known, request.method),
        account_id=_account(session, gateway, amount.currency, known),
    )


def _amount(review: Review, given: Money | None) -> Money:
    told = review.amount
    if told is not None and given not in {None, told}:
        raise InvalidInputError("amount", f"the gateway says that {told} came in: leave the amount out.")
    amount = told or given
    if amount is None:
        raise InvalidInputError("amount", "the gateway does not tell how much came in: look it up there, in minor units.")
    return amount


def _reference(session: Session, review: Review, given: str | None) -> str:
    told = review.gateway_reference
    if told is None and review.reason == "OUTCOME_UNKNOWN" and review.payment_id:
        attempt = attempts.last(session, review.payment_id)
        told = attempt.gateway_reference if attempt else None
    if told is not None and given not in {None, told}:
        raise InvalidInputError("gateway_reference", f"the gateway's own is {told!r}: leave it out.")
    if told is None and given is None:
        raise InvalidInputError(
            "gateway_reference", "look up the gateway's own id of this payment: by it the money cannot be booked twice."
        )
    return told or given or ""


def _method(gateway: str, known: list[Payment], given: PaymentMethod | None) -> PaymentMethod:
    ways = [method for method in PaymentMethod if method.gateway == gateway]
    if given is not None and given not in ways:
        raise InvalidInputError("method", f"{gateway} carries {', '.join(ways)}.")
    likely = [*([given] if given else []), *(payment.method for payment in known if payment.method in ways)]
    if not likely and len(ways) > 1:
        raise InvalidInputError("method", f"say by which it was paid; {gateway} carries {', '.join(ways)}.")
    return (likely or ways)[0]


def _account(session: Session, gateway: str, currency: str, known: list[Payment]) -> str | None:
    for payment in known:
        attempt = attempts.last(session, payment.id)
        if attempt is not None and attempt.gateway == gateway:
            return attempt.account_id
    return decisions.account_at(session, gateway, currency)


def given(request: CreditRequest) -> Money | None:
    if request.amount is None:
        return None
    if request.currency is None:
        raise InvalidInputError("currency", "say in which currency the amount is.")
    return Money(request.amount, request.currency)


def refuse_what_is_booked(session: Session, received: Received, concerned: set[str | None]) -> None:
    """One payment at the gateway is one payment here, whoever books it first; a reversed one holds its money no more."""
    by_hand = payments.booked_as(session, received.gateway, received.reference)
    by_gateway = (
        attempts.payment_of_reference(session, received.account_id, received.reference) if received.account_id else None
    )
    own = payments.get(session, by_gateway) if by_gateway else None
    is_free = own is None or own.status is PaymentStatus.REVERSED or (own.id in concerned and own.status in UNSETTLED)
    known = own if own is not None and not is_free else next(iter(by_hand), None)
    if known is not None:
        raise ConflictError(
            f"What came in under {received.gateway}'s reference {received.reference!r} is booked already, as payment "
            f"{known.id} over {known.amount} ({known.status}): dismiss this review if it is the same money."
        )


def refuse_twin(review: Review, concerned: Payment | None, received: Received) -> None:
    """Where the gateway told no amount, it may tell the right one tomorrow: the payment itself would settle beside its twin."""
    if (
        review.amount is None
        and concerned is not None
        and concerned.status in UNSETTLED
        and concerned.amount == received.amount
    ):
        raise ConflictError(f"{received.amount} is what payment {concerned.id} asked for: match the review to that payment.")
