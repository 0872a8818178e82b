"""What a timeline shows of the future: the rules of `domain/timeline_ahead.py` on what is stored now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from api.timeline_words import LocalWords
from domain.calendar import local_day
from domain.chasing import Block, set_aside
from domain.customer import Tenant
from domain.dunning import TakenStep
from domain.moves import MoveKind
from domain.sending_calendar import SendingCalendar
from domain.timeline import Entry
from domain.timeline_ahead import (
    Chased,
    Wish,
    naming_invoice,
    soonest_first,
    tell_block,
    tell_due,
    tell_holds,
    tell_links,
    tell_steps,
)
from persistence import chasing, dunning_plans, holds, tenants, timeline_ahead
from persistence.chasing import StandingBlock
from persistence.invoices import InvoiceDetail
from public_holidays import sending_calendar, span

MOST_ENTRIES = 20


@dataclass(frozen=True, slots=True)
class Ahead:
    """Looks ahead from `now` (UTC) for the bound tenant."""

    session: Session
    tenant: Tenant
    words: LocalWords
    now: datetime

    @classmethod
    def of(cls, session: Session, now: datetime) -> "Ahead":
        tenant = tenants.current(session)
        return cls(session, tenant, LocalWords(tenants.branding(session).locale, tenant.time_zone), now)

    def of_invoice(self, detail: InvoiceDetail) -> list[Entry]:
        """All that is ahead of an open invoice; nothing is of a closed one."""
        invoice = detail.invoice
        if invoice.state.is_closed:
            return []
        (chased,) = self._chased([detail], chasing.shown_block(self.session, invoice.customer_id))
        links = timeline_ahead.ending_links(self.session, invoice.id, self.now, MOST_ENTRIES)
        return soonest_first(
            [
                *self._holds(invoice.customer_id),
                *tell_due(chased, self.words, self.now),
                *tell_steps(chased, self.words, self.now),
                *tell_links(links, invoice.number, self.words, self.now),
            ],
            MOST_ENTRIES,
        )

    def of_customer(self, customer_id: str) -> list[Entry]:
        """What holds the customer, and the next step of each open invoice; while all chasing is blocked for good, that."""
        entries = self._holds(customer_id)
        block = chasing.shown_block(self.session, customer_id)
        if block is not None and block.until is None:
            return [*entries, tell_block(Wish(block.placed_by, block.note))]
        for chased in self._chased(timeline_ahead.open_invoices(self.session, customer_id), block):
            entries += [naming_invoice(entry) for entry in tell_steps(chased, self.words, self.now)[:1]]
        return soonest_first(entries, MOST_ENTRIES)

    def _holds(self, customer_id: str) -> list[Entry]:
        return tell_holds(holds.standing(self.session, customer_id).items())

    def _chased(self, details: list[InvoiceDetail], block: StandingBlock | None) -> list[Chased]:
        """A customer's open invoices as their ladders see them; `block` is the customer's."""
        ids = [detail.invoice.id for detail in details]
        taken = timeline_ahead.taken_steps(self.session, ids)
        wishes = {kind: timeline_ahead.last_moves(self.session, ids, kind) for kind in (MoveKind.DISPUTE, MoveKind.PAUSE)}
        return [
            replace(
                self._chased_one(detail, taken.get(detail.invoice.id, ()), Block(block.until) if block else None),
                wishes=self._wishes(detail, wishes, block),
            )
            for detail in details
        ]

    def _wishes(
        self, detail: InvoiceDetail, moves: Mapping[MoveKind, Mapping[str, Wish]], block: StandingBlock | None
    ) -> tuple[Wish, ...]:
        """Of the moves that were made on an invoice, and the block of its customer, those that set it aside today."""
        today, invoice_id = local_day(self.now, self.tenant.time_zone), detail.invoice.id
        is_paused = detail.paused_until is not None and today <= detail.paused_until
        wishes = [
            moves[MoveKind.DISPUTE].get(invoice_id) if detail.disputed_at else None,
            moves[MoveKind.PAUSE].get(invoice_id) if is_paused else None,
            Wish(block.placed_by, block.note) if block and block.stands_on(today) else None,
        ]
        return tuple(wish for wish in wishes if wish is not None)

    def _chased_one(self, detail: InvoiceDetail, taken: tuple[TakenStep, ...], block: Block | None) -> Chased:
        aside = set_aside(
            is_disputed=detail.disputed_at is not None,
            paused_until=detail.paused_until,
            block=block,
            today=local_day(self.now, self.tenant.time_zone),
        )
        return Chased(
            invoice_id=detail.invoice.id,
            number=detail.invoice.number,
            due_on=detail.invoice.due_on,
            plan=dunning_plans.of(self.session, detail),
            taken=taken,
            send_at=detail.policy.send_at,
            set_aside=aside,
            calendar=self._calendar(detail),
            suspends=detail.suspended_at is not None,
        )

    def _calendar(self, detail: InvoiceDetail) -> SendingCalendar:
        """As far as steps may fall that wait for the end of a pause, or for office hours from now on."""
        first, last = span(detail.policy, detail.invoice.due_on)
        today = local_day(self.now, self.tenant.time_zone)
        latest = max(last, today, detail.paused_until or today) + (last - first)
        return sending_calendar(detail.policy, self.tenant, min(first, today), latest)
