"""The facts of a timeline's events, from the rows that tell of them (`timeline_rows.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import local_day
from domain.dunning import PlannedStep
from domain.happenings import (
    Cause,
    DuePassed,
    Event,
    Issued,
    LeftOut,
    LetterWritten,
    LinkChanged,
    MoveAsked,
    Part,
    PaymentMoved,
    Questioned,
    Recorded,
    References,
    StepDecided,
    What,
)
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from persistence import audit, dunning_plans
from persistence.links import link_of
from persistence.models import AllocationRow, AuditRow, HoldRow, InvoiceRow, PaymentRow, StaffMoveRow
from persistence.timeline_rows import HOLD_CHANGES, About, Moment, Rows, Source, load, policy_id_of


def read(session: Session, about: About, moments: Sequence[Moment]) -> list[Event]:
    """The events of a page, in the same order."""
    facts = _Facts(about, load(session, about, moments))
    return [facts.event(moment) for moment in moments]


@dataclass(frozen=True, slots=True)
class _Facts:
    about: About
    rows: Rows

    def event(self, moment: Moment) -> Event:
        match moment.source:
            case Source.AUDIT:
                event = self._audited(moment, self.rows.audits[moment.of])
            case Source.LETTER:
                event = self._letter(moment)
            case Source.STEP:
                event = self._step(moment)
            case Source.LEFT_OUT:
                event = self._left_out(moment)
            case Source.LINK_EXPIRED:
                event = self._link(moment, moment.of, "PAYMENT_LINK_EXPIRED", audit.SYSTEM)
            case Source.REVIEW:
                event = self._question(moment)
            case Source.MOVE:
                event = self._move(moment)
            case _:
                event = self._invoice(moment, self.rows.invoices[moment.of])
        return event

    def _invoice(self, moment: Moment, row: InvoiceRow) -> Event:
        total = Money(row.total, row.currency)
        if moment.source is Source.DUE:
            return self._event(moment, DuePassed(row.due_on), audit.SYSTEM, invoice_id=row.id)
        issuer = self.rows.issuers.get(row.id, audit.SYSTEM)
        return self._event(moment, Issued(row.number, total), issuer, amount=total, invoice_id=row.id)

    def _letter(self, moment: Moment) -> Event:
        row = self.rows.letters[moment.of]
        listed = self.rows.listed.get(row.id, [])
        what = LetterWritten(
            letter=Letter(row.letter),
            to=row.to_address,
            status=row.status,
            tries=row.tries,
            numbers=tuple(sorted(self.rows.invoices[each].number for each in listed)),
            step=self._step_of_letter(row.invoice_id, row.queued_at) if Letter(row.letter).chases else None,
        )
        about_one = len(listed) <= 1
        return self._event(
            moment,
            what,
            self.rows.senders.get(row.id, audit.SYSTEM),
            reason=row.error or "",
            invoice_id=row.invoice_id if about_one else self._own_invoice_id,
            payment_id=row.payment_id,
            link_id=row.entity_id if row.entity_type == "PaymentLink" else None,
            message_id=row.id,
        )

    def _step_of_letter(self, invoice_id: str | None, queued_at: datetime) -> PlannedStep | None:
        """The step that was taken on the day of the letter, as it was planned; there is one a day."""
        day = local_day(queued_at, self.rows.zone)
        for row in self.rows.steps.values():
            if row.invoice_id == invoice_id and row.outcome == "TAKEN" and local_day(row.decided_at, self.rows.zone) == day:
                return self._planned(row.invoice_id, row.step)
        return None

    def _planned(self, invoice_id: str, key: str) -> PlannedStep | None:
        return next((step for step in self._plan(invoice_id) if step.key == key), None)

    def _plan(self, invoice_id: str) -> tuple[PlannedStep, ...]:
        return dunning_plans.from_data(self.rows.invoices[invoice_id].dunning_plan or ())

    def _step(self, moment: Moment) -> Event:
        row = self.rows.steps[moment.of]
        planned = self._planned(row.invoice_id, row.step)
        what = StepDecided(
            action=dunning_plans.action_of(row.step),
            letter=planned.letter if planned else None,
            was_taken=row.outcome == "TAKEN",
            state=InvoiceState(self.rows.invoices[row.invoice_id].state),
            was_held=any(_stood(hold, row.decided_at) for hold in self.rows.holds),
        )
        return self._event(moment, what, audit.SYSTEM, invoice_id=row.invoice_id)

    def _left_out(self, moment: Moment) -> Event:
        """The steps of a stretch of the plan whose time had come, up to the one that was taken, if any."""
        invoice_id, _, stretch = moment.of.partition("/")
        missed: list[PlannedStep] = []
        taken, passed = None, 0
        for step in self._plan(invoice_id):
            row = self.rows.steps.get(f"{invoice_id}/{step.key}")
            if passed == int(stretch) and row is None and step.at <= moment.at:
                missed.append(step)
            if row is not None and row.outcome == "TAKEN":
                taken = step if passed == int(stretch) else taken
                passed += 1
        found = [why for step in missed for why in self.rows.obstacles.at(invoice_id, step.at)]
        state = InvoiceState(self.rows.invoices[invoice_id].state)
        what = LeftOut(tuple(missed), tuple(dict.fromkeys(found)), taken, state)
        return self._event(moment, what, audit.SYSTEM, invoice_id=invoice_id)

    def _link(self, moment: Moment, link_id: str, action: str, actor: str) -> Event:
        link = link_of(self.rows.links[link_id])
        what = LinkChanged(action, link.purpose(self._number(link.invoice_id)), link.amount)
        return self._event(moment, what, actor, amount=link.amount, invoice_id=link.invoice_id, link_id=link.id)

    def _question(self, moment: Moment) -> Event:
        row = self.rows.reviews[moment.of]
        payment = self.rows.payments[row.payment_id or ""]
        amount = Money(payment.amount, payment.currency)
        what = Questioned(PaymentMethod(payment.method), amount)
        return self._event(
            moment,
            what,
            audit.SYSTEM,
            reason=row.explanation,
            amount=amount,
            invoice_id=payment.invoice_id,
            payment_id=payment.id,
            review_id=row.id,
        )

    def _move(self, moment: Moment) -> Event:
        row = self.rows.moves[moment.of]
        what = MoveAsked(row.kind, row.refusal)
        return self._event(moment, what, row.actor, reason=row.reason, invoice_id=row.invoice_id, move_id=row.id)

    def _audited(self, moment: Moment, row: AuditRow) -> Event:
        if row.resource_type == "Payment":
            return self._payment(moment, row, self.rows.payments[row.resource_id])
        if row.resource_type == "PaymentLink":
            return self._link(moment, row.resource_id, row.action, row.actor)
        details: dict[str, Any] = row.details
        policy, move = self.rows.policies.get(policy_id_of(details) or ""), self._move_behind(row)
        is_own_policy = policy is not None and policy.customer_id is not None
        return self._event(
            moment,
            Recorded(row.action, details, self._cause(move) if move and row.actor == audit.SYSTEM else None, is_own_policy),
            row.actor,
            reason=policy.note if policy and details.get("policy_id") else "",
            invoice_id=row.resource_id if row.resource_type == "Invoice" else details.get("invoice_id"),
            payment_id=details.get("payment_id"),
            hold_id=details.get("hold_id"),
            block_id=details.get("block_id"),
            move_id=move.id if move else None,
            review_id=row.resource_id if row.resource_type == "Review" else None,
            policy_id=policy_id_of(details),
            credit_note=details.get("credit_note"),
        )

    def _move_behind(self, row: AuditRow) -> StaffMoveRow | None:
        """The staff move that an entry records, or that had the system place or lift a hold at that instant."""
        moves = self.rows.moves_done.get(row.at, [])
        if row.actor != audit.SYSTEM:
            return next((m for m in moves if (m.invoice_id or m.customer_id, m.actor) == (row.resource_id, row.actor)), None)
        if row.action not in HOLD_CHANGES or row.details.get("payment_id"):
            return None
        # A block ends the suspension over whatever invoice; a pause only that over its own.
        on_it = [move for move in moves if move.invoice_id == row.details.get("invoice_id")]
        return next(iter([*on_it, *(move for move in moves if move.invoice_id is None)]), None)

    def _cause(self, move: StaffMoveRow) -> Cause:
        return Cause(move.kind, move.actor, self._number(move.invoice_id))

    def _payment(self, moment: Moment, row: AuditRow, payment: PaymentRow) -> Event:
        amount = Money(payment.amount, payment.currency)
        used = self.rows.parts.get(payment.id, [])
        if self.about.invoice is not None:
            used = [part for part in used if part.invoice_id == self._own_invoice_id]
        only = used[0].invoice_id if len(used) == 1 else None if used else payment.invoice_id
        what = PaymentMoved(
            action=row.action,
            details=row.details,
            method=PaymentMethod(payment.method),
            amount=amount,
            status=PaymentStatus(payment.status),
            parts=tuple(self._part(part) for part in used),
            credited=Money(payment.credited, payment.currency),
            of_invoice=self._number(self._own_invoice_id),
        )
        return self._event(
            moment,
            what,
            row.actor,
            reason=str(row.details.get("reason") or payment.note or ""),
            amount=amount,
            invoice_id=only,
            payment_id=payment.id,
            link_id=payment.link_id,
        )

    def _part(self, part: AllocationRow) -> Part:
        """What was left of the invoice then: later payments do not count, nor those that were taken back by then."""
        row, moment = self.rows.invoices[part.invoice_id], (part.allocated_at, part.id)
        paid = sum(
            use.amount
            for use, reversed_at in self.rows.uses[part.invoice_id]
            if (use.allocated_at, use.id) <= moment and (reversed_at is None or reversed_at > part.allocated_at)
        )
        return Part(row.number, Money(part.amount, row.currency), Money(row.total - paid, row.currency))

    @property
    def _own_invoice_id(self) -> str | None:
        return self.about.invoice.invoice.id if self.about.invoice else None

    def _number(self, invoice_id: str | None) -> str | None:
        if self.about.invoice is not None and invoice_id == self.about.invoice.invoice.id:
            return self.about.invoice.invoice.number
        row = self.rows.invoices.get(invoice_id or "")
        return row.number if row else None

    def _event(
        self, moment: Moment, what: What, actor: str, *, reason: str = "", amount: Money | None = None, **about: str | None
    ) -> Event:
        references = References(**about, invoice_number=self._number(about.get("invoice_id")))
        return Event(moment.at, moment.place, what, actor, reason, references, amount)


def _stood(hold: HoldRow, instant: datetime) -> bool:
    return hold.placed_at <= instant and (hold.lifted_at is None or instant < hold.lifted_at)
