"""Reconciling: looks again at payments whose money may have come after all, and carries out what a person decided of money.

Both end in the one settle function (`settlement.py`), like every other door.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from temporalio import activity

from activities.failures import translated
from activities.gateway_calls import GatewayDesk
from activities.gateway_word import Word, act
from activities.questions import ask_about_outcome
from activities.settlement import Confirmation, as_it_stands, fail, lock_all, money_account, settle
from domain import fees
from domain.errors import DunlinError, InvariantError
from domain.money import Money
from domain.payment import Outcome, PaymentStatus, Settlement
from gateways.asking import Question, ask
from gateways.base import GatewayAccount, GatewayError, GatewayPausedError, PaymentState
from persistence import attempts, audit, payments, reconciliations, reviews, tenants, webhooks
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment

# A gateway that gave no answer this often in a row is left alone until tomorrow.
SILENT_AFTER = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a reconciliation came to, in payments.

    Attributes:
        asked: of which the gateway gave an answer.
        reviewed: that are newly put before a person.
        unanswered: of which the gateway gave none, or was not asked because it had just failed.
    """

    asked: int = 0
    settled: int = 0
    failed: int = 0
    reviewed: int = 0
    unanswered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The next `size` payments after the id `after`.

    Attributes:
        only_overdue: look only at what should have been decided and at which nobody looks.
        silence: how often in a row an account (by id) has given no answer.
    """

    tenant_id: str
    now: datetime
    after: str = ""
    size: int = 5
    only_overdue: bool = False
    silence: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """A payment about which somebody must be told something."""

    payment_id: str
    confirmation: Confirmation


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What a page came to; `after` is where the next one begins, None when this was the last."""

    after: str | None
    tally: Tally
    news: tuple[News, ...]
    silence: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ConclusionRequest:
    """What a day's reconciliation came to."""

    tenant_id: str
    day: date
    tally: Tally
    now: datetime


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """Do to a payment what a person decided when looking at a review."""

    tenant_id: str
    payment_id: str
    review_id: str
    now: datetime


class Reconciling:
    """Looks again, and does what people decided."""

    def __init__(self, database: Database, desk: GatewayDesk) -> None:
        self._database = database
        self._desk = desk

    @activity.defn(name="reconciling.look_at_page")
    @translated
    def look_at_page(self, request: PageRequest) -> LookedAt:
        """Ask the gateways of a page's payments, one after the other, and act on what they say.

        Safe to run twice with the same `now`: what the first run decided at that instant is told again. A gateway that does
        not answer a few times in a row is not asked again in this reconciliation: the others go on, and its breaker is not
        opened by us.
        """
        find = reconciliations.overdue if request.only_overdue else reconciliations.due_for_a_look
        with self._database.tenant(request.tenant_id) as session:
            due = find(session, request.now, after=request.after, limit=request.size)
        tally, news, silence = Tally(), list[News](), dict(request.silence)
        for payment_id in due:
            activity.heartbeat(payment_id)
            look = _Look(self._database, self._desk, request, payment_id)
            confirmation = look.take(silence)
            tally += look.tally
            if confirmation is not None:
                news.append(News(payment_id, confirmation))
        after = due[-1] if len(due) == request.size else None
        return LookedAt(after, tally, tuple(news), silence)

    @activity.defn(name="reconciling.conclude")
    @translated
    def conclude(self, request: ConclusionRequest) -> None:
        """Put what a reconciliation came to into the log and the audit log."""
        counts = asdict(request.tally)
        with self._database.tenant(request.tenant_id) as session:
            reconciliations.record(session, request.day, counts, request.now)
        log.info("payments were reconciled", tenant_id=request.tenant_id, day=str(request.day), **counts)

    @activity.defn(name="reconciling.carry_out")
    @translated
    def carry_out(self, request: DecisionRequest) -> Confirmation:
        """Settle the payment that a person booked money as, or end the one of which a person knows that no money came.

        Raises:
            InvariantError: the review was not decided about this payment.
        """
        with self._database.tenant(request.tenant_id) as session:
            review = reviews.get(session, request.review_id)
            payment = lock_all(session, request.payment_id)
            match review.resolution:
                case "DISMISSED" if review.payment_id == payment.id:
                    if payment.status is not PaymentStatus.PENDING:
                        return as_it_stands(session, payment, Outcome.DECLINED)
                    return fail(session, payment, Outcome.DECLINED, review.resolution_note or review.reason, request.now)
                case "MATCHED" | "CREDITED" if review.resolved_payment_id == payment.id:
                    return _settle_decided(session, payment, review.resolved_by or audit.SYSTEM, request.now)
        raise InvariantError(f"Review {review.id} was not decided about payment {payment.id}.")


class _Look:
    """One look at one payment; `tally` counts what came of it."""

    def __init__(self, database: Database, desk: GatewayDesk, request: PageRequest, payment_id: str) -> None:
        self._database, self._desk = database, desk
        self._tenant_id, self._now, self._payment_id = request.tenant_id, request.now, payment_id
        self.tally = Tally()

    def take(self, silence: dict[str, int]) -> Confirmation | None:
        """What somebody must be told; None when nothing is new. Keeps count of the account's `silence`."""
        with self._database.tenant(self._tenant_id) as session:
            payment, attempt = payments.get(session, self._payment_id), attempts.last(session, self._payment_id)
        if attempt is None or silence.get(attempt.account_id, 0) >= SILENT_AFTER:
            self.tally = Tally(unanswered=1)
            return None
        try:
            state = self._ask(attempt)
            silence.pop(attempt.account_id, None)
            return self._act(payment, attempt, state)
        except GatewayPausedError as error:
            silence[attempt.account_id] = SILENT_AFTER
            self._leave(payment, error)
        except GatewayError as error:
            silence[attempt.account_id] = silence.get(attempt.account_id, 0) + 1
            self._leave(payment, error)
        except (DunlinError, IntegrityError) as error:
            self._leave(payment, error)
        return None

    def _ask(self, attempt: Attempt) -> PaymentState:
        account = self._account(attempt)
        with self._database.system() as system:
            updates = webhooks.bodies_of(system, self._tenant_id, self._payment_id)
        return ask(self._desk.gateway(attempt.gateway), account, Question(attempt.id, attempt.poll_url, updates))

    def _account(self, attempt: Attempt) -> GatewayAccount:
        with self._database.tenant(self._tenant_id) as session:
            return self._desk.account(session, attempt.account_id)

    def _act(self, payment: Payment, attempt: Attempt, state: PaymentState) -> Confirmation | None:
        is_last = payment.status is PaymentStatus.PENDING
        with self._database.tenant(self._tenant_id) as session:
            confirmation = act(session, Word(attempt, state, self._now, is_last))
            decided = reconciliations.decided(session, payment.id)
            reviewed = reviews.opened_at(session, payment.id, self._now)
        settled, failed = decided.settled_at == self._now, decided.failed_at == self._now
        self.tally = Tally(asked=1, settled=int(settled), failed=int(failed), reviewed=int(reviewed > 0))
        return confirmation if settled or failed or confirmation.more_message_ids else None

    def _leave(self, payment: Payment, error: Exception) -> None:
        """Go on with the others; a person looks at what should have been decided by now."""
        log.warning("a payment could not be looked at again", payment_id=payment.id, error=_words(error))
        self.tally = Tally(unanswered=1)
        if payment.status is PaymentStatus.PENDING:
            with self._database.tenant(self._tenant_id) as session:
                ask_about_outcome(session, payment, None, self._now)
                reviewed = reviews.opened_at(session, payment.id, self._now)
            self.tally += Tally(reviewed=int(reviewed > 0))


def _words(error: Exception) -> str:
    return str(error.orig).partition("\n")[0] if isinstance(error, IntegrityError) else str(error)


def _settle_decided(session: Session, payment: Payment, actor: str, now: datetime) -> Confirmation:
    if payment.status in {PaymentStatus.SETTLED, PaymentStatus.REVERSED}:
        return as_it_stands(session, payment, Outcome.PAID)
    attempt = attempts.last(session, payment.id)
    fee = _fee(session, payment, attempt) if attempt else None
    settlement = Settlement(payment.manual_reference or payment.id, payment.amount, fee)
    return settle(session, payment, settlement, money_account(payment), actor, now)


def _fee(session: Session, payment: Payment, attempt: Attempt) -> Money | None:
    """What the gateway told that it kept, else what it will probably have kept."""
    if attempt.fee is not None:
        return attempt.fee
    fee = fees.estimate(
        payment.method,
        payment.amount,
        card_brand=attempt.card_brand,
        agreed=tenants.fee_rates(session, attempt.account_id),
    )
    if fee is not None:
        attempts.record_fee(session, attempt.id, fee, is_estimate=True)
    return fee
