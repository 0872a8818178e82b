"""An invoice's life: mailed, reminded, overdue, warned, suspended; it ends when the invoice is paid or closed."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.collecting import Collecting, LookRequest, StepRequest
    from activities.lifecycles import LifecycleStart, Remembered
    from activities.moving import MoveRequest
    from activities.standing import Standing
    from domain.dunning import PlannedStep, TakenStep, next_step
    from domain.invoice import InvoiceState
    from domain.money import Money
    from domain.moves import Movable, Move
    from workflows import names, options
    from workflows.invoice_moves import InvoiceMoves
    from workflows.letter_delivery import deliver
    from workflows.lifecycle_details import details, in_words, local, moved, what_is_next

# What the current details tell of the past; the database has all of it.
_MOST_TOLD = 30


@dataclass(frozen=True, slots=True)
class PaymentSettled:
    """Money was allocated to this invoice; `amount_due` is what was left of it then."""

    payment_id: str
    amount_due: Money


@workflow.defn(name="InvoiceLifecycle")
class InvoiceLifecycle(InvoiceMoves):
    """One invoice. The database owns its state; this decides what happens next, and reads again before it acts."""

    @workflow.init
    def __init__(self, start: LifecycleStart) -> None:
        super().__init__()
        before = start.remembered
        self._start = start
        self._state = start.state
        self._amount_due = start.total if start.amount_due is None else start.amount_due
        self._due_on = start.due_on
        self._plan = start.plan
        self._taken: list[TakenStep] = list(start.taken)
        self._is_disputed, self._paused_until = start.is_disputed, start.paused_until
        self._longest_pause_days = start.longest_pause_days
        self._waiting, self._not_before = start.waiting, before.not_before
        self._is_suspending = before.is_suspending
        self._heard_of: dict[str, Money] = dict(before.heard_of)
        self._has_news, self._was_moved = before.has_news, False
        self._is_reopening, self._was_reopened = False, before.was_reopened
        self._happened: list[str] = list(before.happened)
        self._letters: dict[str, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, start: LifecycleStart) -> InvoiceState:
        """Mail it, climb the ladder while it is open, and let the last letters go out."""
        self._show("issued")
        self._mail("Invoice Issued", start.issued_message_id)
        self._mail("a letter that waited", *start.waiting_message_ids)
        await self._chase()
        while await self._reopened_before_letters_are_out():
            await self._look_again()
            await self._chase()
        return self._state

    @workflow.signal(name=names.PAYMENT_SETTLED_SIGNAL)
    def payment_settled(self, event: PaymentSettled) -> None:
        """Money came; the same payment is heard of once, unless further money came under its reference."""
        known = self._heard_of.get(event.payment_id)
        if known is None or (known != event.amount_due and workflow.patched("hears-of-further-money")):
            self._heard_of[event.payment_id] = event.amount_due
            self._amount_due = event.amount_due
            self._note(f"paid by {event.payment_id}, {event.amount_due} left")
            self._has_news = True

    @workflow.signal(name=names.INVOICE_REOPENED_SIGNAL)
    def reopened(self) -> None:
        """A payment was reversed: what this workflow knows of the invoice is no longer so."""
        self._is_reopening = self._was_reopened = self._has_news = True

    @workflow.signal(name=names.LOOK_AGAIN_SIGNAL)
    def look_again(self) -> None:
        """Something happened to the customer: whether the invoice is chased may have changed."""
        self._has_news = True

    @workflow.query
    def standing(self) -> Standing:
        """What this workflow last knew; the database knows best."""
        return Standing(
            self._state,
            self._amount_due,
            self._is_suspending,
            None,
            not_before=self._not_before,
            waiting=self._waiting,
            is_disputed=self._is_disputed,
            paused_until=self._paused_until,
            due_on=self._due_on,
            plan=self._plan,
        )

    async def _chase(self) -> None:
        """Climb the ladder until the invoice is closed; while it is set aside, wait for the end of that."""
        while not self._state.is_closed:
            self._start_afresh_when_long()
            step = self._next_step()
            if await self._something_comes_before(step):
                self._was_moved = False
                if self._has_news and not self._state.is_closed:
                    await self._look_again()
            elif self._waiting is not None:
                await self._resume()
            elif step is not None:
                await self._take(step)
        workflow.upsert_search_attributes([names.INVOICE_STATE.value_set(self._state.value)])
        self._show("closed")

    def _next_step(self) -> PlannedStep | None:
        step = next_step(self._plan, tuple(self._taken), workflow.now())
        if step is None or self._not_before is None:
            return step
        return replace(step, at=max(step.at, self._not_before))

    async def _reopened_before_letters_are_out(self) -> bool:
        """Wait until the last letter is out and the last move is answered; whether the invoice was opened again before."""
        await workflow.wait_condition(lambda: self._is_reopening or not self._is_busy())
        return self._is_reopening

    def _is_busy(self) -> bool:
        return not workflow.all_handlers_finished() or not all(task.done() for task in self._letters.values())

    async def _something_comes_before(self, step: PlannedStep | None) -> bool:
        """Wait for news or a move until the next step is due, or until the invoice is chased again; whether one came."""
        at, what = (step.at, in_words(step)) if step else (None, None)
        if self._waiting is not None:
            at, what = self._waiting.until, "chased again"
        if at is not None and at <= workflow.now():
            return self._has_news or self._was_moved
        self._show(what_is_next(step, self._waiting, self._start.zone))
        try:
            await workflow.wait_condition(
                lambda: self._has_news or self._was_moved,
                timeout=at - workflow.now() if at else None,
                timeout_summary=what if at else None,
            )
        except TimeoutError:
            return False
        return True

    async def _take(self, step: PlannedStep) -> None:
        async with self._deciding:
            if self._state.is_closed or self._was_moved:
                return
            request = StepRequest(
                tenant_id=self._start.tenant_id,
                invoice_id=self._start.invoice_id,
                customer_id=self._start.customer_id,
                step=step.key,
                action=step.action,
                now=workflow.now(),
            )
            standing = await workflow.execute_activity_method(
                Collecting.take_step, request, summary=in_words(step), **options.BILLING
            )
            if standing.was_taken:
                self._taken.append(TakenStep(step.key, workflow.now()))
                self._note(in_words(step))
            self._learn(standing)
        self._mail(in_words(step), standing.message_id, *standing.more_message_ids)
        if not self._state.is_closed:
            self._tell_search(step.action.value.upper() if standing.was_taken else None)

    async def _look_again(self) -> None:
        """Act on news: an invoice that suspends nobody and is paid in full needs no second look to be closed.

        Unless a payment of it was reversed: then news of money may be older than that, and the database is asked.
        """
        self._has_news = self._is_reopening = False
        if not (self._amount_due or self._is_suspending or self._was_reopened):
            self._state = InvoiceState.PAID
            return
        async with self._deciding:
            standing = await workflow.execute_activity_method(
                Collecting.look_again, self._look_request(), summary="money came in", **options.BILLING
            )
            self._learn(standing)
        self._mail("Reactivation Confirmation", standing.message_id)

    async def _resume(self) -> None:
        """What had set the invoice aside is over by itself: a promise to pay was not kept."""
        async with self._deciding:
            standing = await workflow.execute_activity_method(
                Collecting.resume, self._look_request(), summary="chased again", **options.BILLING
            )
            self._learn(standing)
        self._note("chased again")
        self._mail("Suspension Notice", standing.message_id, *standing.more_message_ids)
        self._tell_search(None)

    def _look_request(self) -> LookRequest:
        return LookRequest(self._start.tenant_id, self._start.invoice_id, self._start.customer_id, workflow.now())

    def _learn(self, standing: Standing) -> None:
        self._state, self._amount_due = standing.state, standing.amount_due
        self._is_suspending = standing.is_suspending
        self._waiting, self._not_before = standing.waiting, standing.not_before
        self._is_disputed, self._paused_until = standing.is_disputed, standing.paused_until
        self._due_on = standing.due_on or self._due_on
        self._longest_pause_days = standing.longest_pause_days or self._longest_pause_days
        self._plan = self._plan if standing.plan is None else standing.plan

    def _movable(self) -> Movable:
        return Movable(
            self._start.number,
            self._state,
            date.fromisoformat(self._due_on),
            self._is_disputed,
            self._paused_until,
            self._longest_pause_days,
        )

    def _zone(self) -> str:
        return self._start.zone

    def _move_request(self, move: Move) -> MoveRequest:
        start = self._start
        return MoveRequest(start.tenant_id, start.invoice_id, start.customer_id, move, workflow.now())

    def _learn_of_move(self, move: Move, standing: Standing) -> None:
        self._learn(standing)
        self._was_moved = True
        self._note(moved(move))
        self._mail(move.kind.value.lower(), standing.message_id)
        self._tell_search(None)

    def _start_afresh_when_long(self) -> None:
        """Continue as new before the history grows long; all that is known goes along (pains of long-lived invoices).

        Only while no letter is under way and no move is being made: these belong to the run that began them.
        """
        if self._is_busy() or workflow.info().get_current_history_length() < options.LONGEST_LIFECYCLE_EVENTS:
            return
        # Lifecycles from before this was built go on as they are (docs/decisions/0015): their histories know no such end.
        if workflow.patched("starts-afresh-when-long"):
            workflow.continue_as_new(self._as_start())

    def _as_start(self) -> LifecycleStart:
        return replace(
            self._start,
            issued_message_id=None,
            waiting_message_ids=(),
            plan=self._plan,
            state=self._state,
            amount_due=self._amount_due,
            taken=tuple(self._taken),
            due_on=self._due_on,
            is_disputed=self._is_disputed,
            paused_until=self._paused_until,
            longest_pause_days=self._longest_pause_days,
            waiting=self._waiting,
            remembered=Remembered(
                self._is_suspending,
                tuple(self._heard_of.items()),
                self._has_news,
                self._was_reopened,
                self._not_before,
                tuple(self._happened),
            ),
        )

    def _mail(self, what: str, *message_ids: str | None) -> None:
        """Send claimed letters beside the ladder: a mail server that is down for a day must not hold up the next step."""
        for message_id in message_ids:
            if message_id is not None and message_id not in self._letters:
                self._letters[message_id] = asyncio.create_task(deliver(self._start.tenant_id, message_id, what))

    def _tell_search(self, state: str | None) -> None:
        """Say what was done last and what is next; None: what was done last is as it was."""
        following = self._next_step()
        at = self._waiting.until if self._waiting else following.at if following else None
        told = "SET_ASIDE" if self._waiting else state or self._state.value
        workflow.upsert_search_attributes(
            [
                names.INVOICE_STATE.value_set(told),
                names.NEXT_ACTION_AT.value_set(at) if at else names.NEXT_ACTION_AT.value_unset(),
            ]
        )

    def _note(self, what: str) -> None:
        self._happened = [*self._happened, f"{local(workflow.now(), self._start.zone)} {what}"][-_MOST_TOLD:]

    def _show(self, what: str) -> None:
        headline = f"**{self._start.number}** {self._state.value}, {self._amount_due} due on {self._due_on}"
        workflow.set_current_details(details(headline, self._happened, what, self._start.zone))
