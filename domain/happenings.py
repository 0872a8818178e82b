"""What happened to an invoice or its customer, as facts: what a timeline is made of. The sentences are in `timeline.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus


class Kind(StrEnum):
    """What an entry is about: a closed set, by which a reader picks a sign or a colour."""

    ISSUED = "issued"
    DUE = "due"
    LETTER = "letter"
    STEP = "step"  # of the ladder: ahead, pointless, or taken without a letter
    PAYMENT = "payment"
    LINK = "link"
    REVIEW = "review"  # money that a person must look at
    SUSPENSION = "suspension"
    REACTIVATION = "reactivation"
    HOLD = "hold"  # a further reason to be held, one less, or what comes of it
    PAUSE = "pause"  # chasing was set aside, or taken up again
    DISPUTE = "dispute"
    EXTENSION = "extension"
    CLOSED = "closed"  # void or written off
    POLICY = "policy"
    MOVE = "move"  # what staff asked for and was refused, or waits
    OTHER = "other"


class Words(Protocol):
    """How amounts and times are written for the reader; days and hours are local ones."""

    def money(self, amount: Money) -> str: ...

    def local_day(self, instant: datetime) -> date: ...

    def day(self, day: date) -> str:
        """`November 30, 2026`."""
        ...

    def weekday(self, day: date) -> str:
        """`Monday, November 30, 2026`."""
        ...

    def moment(self, instant: datetime) -> str:
        """`Monday, November 30, 2026 at 09:00`."""
        ...


@dataclass(frozen=True, slots=True)
class References:
    """What an entry is about, to be opened: ids, and what people call the invoice and the credit note."""

    invoice_id: str | None = None
    invoice_number: str | None = None
    payment_id: str | None = None
    link_id: str | None = None
    message_id: str | None = None
    hold_id: str | None = None
    block_id: str | None = None
    move_id: str | None = None
    review_id: str | None = None
    policy_id: str | None = None
    credit_note: str | None = None


NOTHING_REFERRED_TO = References()


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice was issued."""

    number: str
    total: Money


@dataclass(frozen=True, slots=True)
class DuePassed:
    """The due day ended before all was paid."""

    due_on: date


@dataclass(frozen=True, slots=True)
class LetterWritten:
    """A letter to the customer.

    Attributes:
        status: of the log: QUEUED, SENT, FAILED, CANCELLED.
        tries: how often it was tried; more than none while QUEUED says that it is tried again.
        numbers: the invoices that it lists, where they are several.
        step: that it was written for, as it was planned; None: none, or it is not known any more.
    """

    letter: Letter
    to: str
    status: str
    tries: int
    numbers: tuple[str, ...] = ()
    step: PlannedStep | None = None


@dataclass(frozen=True, slots=True)
class StepDecided:
    """A step of the ladder that nothing else tells of: pointless by then, or taken without a letter.

    Attributes:
        letter: that it would have written; None: none, or it is not known any more.
        state: of the invoice now.
        was_held: the customer was suspended already when it was taken.
    """

    action: Action
    letter: Letter | None
    was_taken: bool
    state: InvoiceState
    was_held: bool = False


class Obstacle(StrEnum):
    """What kept an invoice from being chased at some instant."""

    PAUSED = "paused"
    DISPUTED = "disputed"
    BLOCKED = "blocked"  # all chasing of the customer


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Steps of the ladder whose time came, and which were never taken.

    Attributes:
        obstacles: what kept the invoice from being chased when they were due, each once; empty: nothing did.
        stands_for_them: the later step that was taken; None: the invoice was closed before any was.
        state: of the invoice now.
    """

    steps: tuple[PlannedStep, ...]
    obstacles: tuple[Obstacle, ...]
    stands_for_them: PlannedStep | None
    state: InvoiceState


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment paid of an invoice, and what was left of it then."""

    number: str
    amount: Money
    left: Money


@dataclass(frozen=True, slots=True)
class PaymentMoved:
    """A payment was begun, came in, failed, or was taken back.

    Attributes:
        action: what the audit log calls it.
        details: what the audit log says of it.
        status: of the payment now.
        parts: what it paid of which invoice; of one only in the timeline of that invoice.
        credited: what was kept as the customer's credit.
        of_invoice: the number of the invoice whose timeline it is; None: the customer's.
    """

    action: str
    details: Mapping[str, Any]
    method: PaymentMethod
    amount: Money
    status: PaymentStatus
    parts: tuple[Part, ...]
    credited: Money
    of_invoice: str | None


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A payment link was made, was cancelled, or expired; `action` is what the audit log calls it."""

    action: str
    purpose: str
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Questioned:
    """A person must look at a payment."""

    method: PaymentMethod
    amount: Money


@dataclass(frozen=True, slots=True)
class MoveAsked:
    """A staff move that was not made: refused with a sentence, or (None) waiting to be carried out."""

    kind: str
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """What staff did at the same instant: the kind of the move, by whom, and on which invoice; None: on the customer."""

    kind: str
    actor: str
    invoice_number: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Anything else that the audit log tells.

    Attributes:
        cause: the staff move that brought it about, where the system did it because of one.
        is_own_policy: the dunning policy that it is about is the customer's own, not the business's.
    """

    action: str
    details: Mapping[str, Any]
    cause: Cause | None = None
    is_own_policy: bool = False


What = (
    Issued | DuePassed | LetterWritten | StepDecided | LeftOut | PaymentMoved | LinkChanged | Questioned | MoveAsked | Recorded
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        at: instant (UTC).
        place: where it stands among events of the same instant; unique with it.
        actor: a staff member's name, `payer` or `system`.
        reason: what staff wrote, or why the system did it; may be empty.
        amount: the money that it is about, if any.
    """

    at: datetime
    place: str
    what: What
    actor: str
    reason: str = ""
    references: References = NOTHING_REFERRED_TO
    amount: Money | None = None
