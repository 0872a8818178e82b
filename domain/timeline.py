"""The timeline: what happened and will happen to an invoice or a customer, each in a sentence, in the order of time.

The facts are in `happenings.py`; what will happen is worked out in `timeline_ahead.py`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.dunning import PlannedStep
from domain.errors import InvalidInputError
from domain.happenings import (
    NOTHING_REFERRED_TO,
    DuePassed,
    Event,
    Issued,
    Kind,
    LeftOut,
    LetterWritten,
    LinkChanged,
    MoveAsked,
    PaymentMoved,
    Questioned,
    Recorded,
    References,
    StepDecided,
    What,
    Words,
)
from domain.letters import Letter
from domain.money import Money
from domain.timeline_asked import asked_sentence
from domain.timeline_money import link_sentence, payment_sentence, question_sentence
from domain.timeline_moves import days_in_words, is_about_customer, recorded_reason, recorded_sentence
from domain.timeline_steps import letter_name, step_sentence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POSITION = re.compile(r"(?P<at>[0-9]{1,17})\.(?P<place>[0-9][A-Za-z0-9_./-]{1,80})")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ends; no two events share one, however many happen at the same instant."""

    at: datetime
    place: str

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.place}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Raises: InvalidInputError: not what a page gave as its `next`."""
        match = _POSITION.fullmatch(text)
        if match is None:
            raise InvalidInputError("after", f"{text!r} is not the `next` of a page of this timeline.")
        return cls(_EPOCH + int(match["at"]) * _MICROSECOND, match["place"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    Attributes:
        id: unique in the timeline.
        at: instant (UTC); None for what stands until somebody ends it.
        title: one plain sentence.
        actor: a staff member's name, `payer` or `system`.
        reason: what staff wrote, or why the system does it; may be empty.
    """

    id: str
    at: datetime | None
    kind: Kind
    title: str
    actor: str
    reason: str = ""
    references: References = NOTHING_REFERRED_TO
    amount: Money | None = None


def tell(event: Event, words: Words, *, names_invoice: bool) -> Entry:
    """The event as a line of the timeline.

    Args:
        names_invoice: whether the sentence must say which invoice it is about: in a customer's timeline.
    """
    kind, sentence = _sentence(event.what, words)
    number = event.references.invoice_number
    if names_invoice and number is not None and number not in sentence and not _is_about_customer(event.what):
        sentence = f"Invoice {number}: {sentence}"
    return Entry(
        id=event.place[1:],
        at=event.at,
        kind=kind,
        title=sentence,
        actor=event.actor,
        reason=_reason(event, words),
        references=event.references,
        amount=event.amount,
    )


def tell_moved(step: PlannedStep, words: Words) -> str:
    """Why a step is on another day than its policy names: `Moved from … to …: public holiday: Heroes' Day`; empty when not."""
    if not step.moved or step.nominal_on is None:
        return ""
    days = f"from {words.weekday(step.nominal_on)} to {words.weekday(words.local_day(step.at))}"
    return f"Moved {days}: {days_in_words(step.moved, words)}"


def _is_about_customer(what: What) -> bool:
    match what:
        case Recorded():
            return is_about_customer(what)
        case LetterWritten():
            return what.letter in {Letter.SUSPENSION_NOTICE, Letter.REACTIVATION_CONFIRMATION}
        case _:
            return False


def _reason(event: Event, words: Words) -> str:
    match event.what:
        case Recorded() as what:
            return event.reason or recorded_reason(what, event.actor, event.references.invoice_number)
        case LetterWritten(step=PlannedStep() as step):
            return event.reason or tell_moved(step, words)
        case _:
            return event.reason


def _sentence(what: What, words: Words) -> tuple[Kind, str]:
    match what:
        case Issued():
            told = Kind.ISSUED, f"Invoice {what.number} was issued over {words.money(what.total)}"
        case DuePassed():
            told = Kind.DUE, f"The due day, {words.day(what.due_on)}, ended before all was paid"
        case LetterWritten():
            told = Kind.LETTER, _letter_sentence(what)
        case StepDecided() | LeftOut():
            told = Kind.STEP, step_sentence(what)
        case PaymentMoved():
            told = Kind.PAYMENT, payment_sentence(what, words)
        case LinkChanged():
            told = Kind.LINK, link_sentence(what, words)
        case Questioned():
            told = Kind.REVIEW, question_sentence(what, words)
        case MoveAsked():
            told = Kind.MOVE, asked_sentence(what, words)
        case Recorded():
            told = recorded_sentence(what, words)
    return told


def _letter_sentence(what: LetterWritten) -> str:
    letter = letter_name(what.letter)
    if len(what.numbers) > 1:
        letter = f"{letter} about invoices {', '.join(what.numbers[:-1])} and {what.numbers[-1]}"
    match what.status:
        case "SENT":
            return f"{letter} was sent to {what.to}"
        case "FAILED":
            return f"{letter} could not be sent to {what.to}"
        case "CANCELLED":
            return f"{letter} was not sent to {what.to}"
        case _ if what.tries:
            return f"{letter} to {what.to} was not taken yet and is tried again"
        case _:
            return f"{letter} is on its way to {what.to}"
