"""The letters of an invoice's steps: one a step, or one a day of each kind for all of a customer's invoices.

Under a policy that says `one_letter_a_day`, the first invoice whose step comes claims the day's letter of that kind and
currency, and joins all others to it that have their say today; its lifecycle sends the letter. The caller holds the customer's
row lock, so that of two lifecycles at the same minute one claims and the other finds itself listed.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from activities.outstanding_link import link_for_all
from domain.calendar import local_day
from domain.dunning import PlannedStep, TakenStep, letter_on, next_step
from domain.invoice import Invoice
from domain.letters import Letter
from domain.message_keys import message_key
from domain.sending_calendar import SendingCalendar
from persistence import chasing, dunning_plans, holds, invoices, letter_invoices, messages, tenants
from persistence.invoices import InvoiceDetail
from persistence.messages import Claim, Message


def claim_step_letter(session: Session, detail: InvoiceDetail, step: PlannedStep, now: datetime) -> str | None:
    """Claim the letter of a step that is taken; its id for the lifecycle that is to send it, if there is one to send.

    None where another invoice's lifecycle sends the letter that lists this one, and where nobody can be written to. A step
    that is taken again, because the answer was lost, gets the same answer.
    """
    day = _day_of(session, detail, step, now)
    letter = letter_on(step.letter, detail.invoice.due_on, day)
    if letter is None:
        return None
    invoice = detail.invoice
    if not _shares_letters(detail, letter):
        claim = Claim(letter, "Invoice", invoice.id, step.key, invoice.customer_id, invoice_id=invoice.id)
        return messages.claim(session, claim, now)
    of_today = list(_letters_of(session, invoice, letter, day))
    own = [message for message in of_today if message.invoice_id == invoice.id]
    if own:
        return own[-1].id
    standing = _standing(of_today)
    if standing is not None:
        _list(session, standing.id, invoice, [invoice.id], now)
        return None
    occasion = _occasion(invoice, day, len(of_today) + 1)
    claim = Claim(letter, "Customer", invoice.customer_id, occasion, invoice.customer_id, invoice_id=invoice.id)
    message_id = messages.claim(session, claim, now)
    if message_id is not None:
        _list(session, message_id, invoice, [invoice.id, *_others(session, invoice, letter, day, now)], now)
    return message_id


def postponed_until(
    session: Session, detail: InvoiceDetail, step: PlannedStep, calendar: SendingCalendar, now: datetime
) -> datetime | None:
    """When a step may be taken at the earliest whose letter the customer had today already; None: it may be taken now.

    It may when today's letter lists the invoice, or was not written yet, so that the invoice still joins it. Else the step
    waits for the policy's hour on the next open day, and is listed then, whoever claims that day's letter.
    """
    today = local_day(now, calendar.zone)
    letter = letter_on(step.letter, detail.invoice.due_on, today)
    if letter is None or not _shares_letters(detail, letter):
        return None
    standing = _standing(_letters_of(session, detail.invoice, letter, today))
    if standing is None or _can_be_joined(standing):
        return None
    if detail.invoice.id in letter_invoices.of_message(session, standing.id):
        return None
    return calendar.at(calendar.open_day_from(today + timedelta(days=1)), detail.policy.send_at)


def unsent_step_letter(session: Session, invoice_id: str) -> str | None:
    """The letter for several invoices that this one claimed before the answer was lost, and that waits to be sent.

    The others in it wait for it even when this invoice is paid or has another plan by now.
    """
    for message in messages.of_invoice(session, invoice_id):
        is_own = message.entity_type == "Customer" and message.invoice_id == invoice_id
        if is_own and message.letter.chases and message.status == "QUEUED":
            return message.id
    return None


def _shares_letters(detail: InvoiceDetail, letter: Letter) -> bool:
    return detail.policy.one_letter_a_day and letter.chases


def _day_of(session: Session, detail: InvoiceDetail, step: PlannedStep, now: datetime) -> date:
    """The local day on which the step was taken: today, or an earlier one where that answer was lost."""
    taken_at = {key: at for key, outcome, at in holds.steps(session, detail.invoice.id) if outcome == "TAKEN"}
    return local_day(taken_at.get(step.key, now), tenants.current(session).time_zone)


def _occasion(invoice: Invoice, day: date, count: int) -> str:
    """What makes the letter of a day one letter, and the one after a letter that came to nothing another."""
    occasion = f"{day}.{invoice.amount_due.currency}"
    return occasion if count == 1 else f"{occasion}.{count}"


def _letters_of(session: Session, invoice: Invoice, letter: Letter, day: date) -> Iterator[Message]:
    """The letters of a kind that the customer was to get on a day, in the order in which they were claimed."""
    count = 1
    while message := messages.by_key(session, message_key(invoice.customer_id, letter, _occasion(invoice, day, count))):
        yield message
        count += 1


def _standing(of_today: Iterator[Message] | list[Message]) -> Message | None:
    """The one that was not cancelled: nobody is told twice, and what told nobody stands in nobody's way."""
    return next((message for message in of_today if message.status != "CANCELLED"), None)


def _can_be_joined(message: Message) -> bool:
    """Whether its words are not set yet (`messages.mark_written`)."""
    return message.status == "QUEUED" and message.subject is None and message.tries == 0


def _others(session: Session, invoice: Invoice, letter: Letter, day: date, now: datetime) -> list[str]:
    """The customer's other open invoices in the same currency that have the same to say today, and are not set aside."""
    found = invoices.page(session, after=None, limit=1000, state="OPEN", customer_id=invoice.customer_id)
    return [
        other.invoice.id
        for other in found
        if other.invoice.id != invoice.id
        and other.invoice.amount_due.currency == invoice.amount_due.currency
        and _shares_letters(other, letter)
        and _says_today(session, other, letter, day, now)
    ]


def _says_today(session: Session, detail: InvoiceDetail, letter: Letter, day: date, now: datetime) -> bool:
    """Whether an invoice's next step writes this letter by the end of the day; one that is late counts, as it would wait."""
    if chasing.set_aside_now(session, detail, now) is not None:
        return False
    steps = holds.steps(session, detail.invoice.id)
    taken = tuple(TakenStep(key, at) for key, outcome, at in steps if outcome == "TAKEN")
    step = next_step(dunning_plans.of(session, detail), taken, now)
    if step is None or local_day(step.at, tenants.current(session).time_zone) > day:
        return False
    return letter_on(step.letter, detail.invoice.due_on, day) is letter


def _list(session: Session, message_id: str, invoice: Invoice, invoice_ids: list[str], now: datetime) -> None:
    """Put invoices on a letter's list, and see to the link that pays all of them where they are several."""
    letter_invoices.add(session, message_id, invoice_ids)
    if len(letter_invoices.of_message(session, message_id)) > 1:
        link_for_all(session, invoice.customer_id, invoice.amount_due.currency, now)
