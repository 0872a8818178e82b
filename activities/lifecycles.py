"""What an invoice's lifecycle is started with, for the first time or again; the door to Temporal is handed in."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from sqlalchemy.orm import Session

from domain.dunning import PlannedStep, TakenStep
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.money import Money
from persistence import dunning_plans, holds, messages, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Claim, Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invoice that is set aside: in words for staff why, and the instant at which it is chased again by itself, if any."""

    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a lifecycle that continues as new takes along besides what every start tells.

    Attributes:
        heard_of: the payments whose news was acted on, each with what was left due then: the same news is heard of once.
        has_news: something happened that was not looked at yet.
        was_reopened: a payment of the invoice was reversed in this lifecycle.
        not_before: the next step may not be taken before this instant.
        happened: what the current details tell of the past, one line each.
    """

    is_suspending: bool = False
    heard_of: tuple[tuple[str, Money], ...] = ()
    has_news: bool = False
    was_reopened: bool = False
    not_before: datetime | None = None
    happened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LifecycleStart:
    """All that an invoice's lifecycle needs to know: ids, amounts and dates, nothing personal.

    Attributes:
        issued_message_id: the claimed letter *Invoice Issued*; None when the customer cannot be written to, or has it.
        plan: the dunning policy's steps, dated for this invoice.
        state: PAID when money was recorded before the lifecycle began: then it only mails the invoice.
        amount_due: what is left to pay; None where that is all.
        taken: the steps that an earlier lifecycle took, before a reversal opened the invoice again.
        zone: of the tenant; days that staff name are meant in it.
        is_disputed, paused_until, longest_pause_days: what staff moves are checked against (`domain.moves.Movable`).
        waiting: why and until when it is set aside; None when it is chased.
        waiting_message_ids: letters that an earlier lifecycle claimed and did not send.
    """

    tenant_id: str
    invoice_id: str
    customer_id: str
    number: str
    total: Money
    due_on: str
    issued_message_id: str | None
    plan: tuple[PlannedStep, ...]
    state: InvoiceState = InvoiceState.OPEN
    amount_due: Money | None = None
    taken: tuple[TakenStep, ...] = ()
    zone: str = "UTC"
    is_disputed: bool = False
    paused_until: date | None = None
    longest_pause_days: int = 30
    waiting: Waiting | None = None
    remembered: Remembered = Remembered()
    waiting_message_ids: tuple[str, ...] = ()


class LifecycleStarter(Protocol):
    """Starts an invoice's lifecycle workflow; harmless when it runs or ran already."""

    async def start_lifecycle(self, start: LifecycleStart) -> None: ...


class LifecycleReopener(Protocol):
    """Has an invoice's lifecycle run again after a reversal."""

    async def reopen_lifecycle(self, start: LifecycleStart) -> None:
        """Start it also when it ended, because its invoice is open again; one that still runs is told to look."""
        ...


def issued_letter(invoice_id: str, customer_id: str) -> Claim:
    """The letter *Invoice Issued* of an invoice."""
    return Claim(Letter.INVOICE_ISSUED, "Invoice", invoice_id, "issued", customer_id, invoice_id=invoice_id)


def first_start(session: Session, tenant_id: str, detail: InvoiceDetail) -> LifecycleStart:
    """How a lifecycle begins that never began."""
    invoice = detail.invoice
    letter = messages.claim(session, issued_letter(invoice.id, invoice.customer_id), detail.issued_at)
    return _start(session, tenant_id, detail, letter, ())


def start_after_reversal(session: Session, tenant_id: str, detail: InvoiceDetail, now: datetime) -> LifecycleStart:
    """How a lifecycle begins again.

    Steps that were taken count as taken just now: a suspension comes no sooner after the reversal than the policy's own
    gap after its warning. The issued letter is sent only if it still waits.
    """
    invoice = detail.invoice
    letter = messages.claim(session, issued_letter(invoice.id, invoice.customer_id), detail.issued_at)
    found = messages.of_invoice(session, invoice.id)
    waiting = tuple(message.id for message in found if is_ours(message, invoice.id) and message.id != letter)
    is_waiting = letter is not None and messages.get(session, letter).status == "QUEUED"
    taken = tuple(TakenStep(step, now) for step, outcome, _ in holds.steps(session, invoice.id) if outcome == "TAKEN")
    return replace(_start(session, tenant_id, detail, letter if is_waiting else None, taken), waiting_message_ids=waiting)


def is_ours(message: Message, invoice_id: str) -> bool:
    """Whether a letter waits that an invoice brought about itself: its lifecycle sends it, and no payment."""
    return message.status == "QUEUED" and message.invoice_id == invoice_id and message.payment_id is None


def _start(
    session: Session, tenant_id: str, detail: InvoiceDetail, letter: str | None, taken: tuple[TakenStep, ...]
) -> LifecycleStart:
    invoice = detail.invoice
    return LifecycleStart(
        tenant_id=tenant_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        number=invoice.number,
        total=invoice.total,
        due_on=invoice.due_on.isoformat(),
        issued_message_id=letter,
        plan=dunning_plans.of(session, detail),
        state=invoice.state,
        amount_due=invoice.amount_due,
        taken=taken,
        zone=tenants.current(session).time_zone,
        is_disputed=detail.disputed_at is not None,
        paused_until=detail.paused_until,
        longest_pause_days=detail.policy.longest_pause_days,
    )
