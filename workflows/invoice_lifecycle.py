"""An invoice's life: mailed, reminded, overdue, warned, suspended; it ends when the invoice is paid or closed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.collecting import Collecting, LookRequest, Standing, StepRequest
    from activities.lifecycles import LifecycleStart
    from domain.dunning import PlannedStep, TakenStep, next_step
    from domain.invoice import InvoiceState
    from domain.money import Money
    from workflows import names, options
    from workflows.letter_delivery import deliver


@dataclass(frozen=True, slots=True)
class PaymentSettled:
    """Money was allocated to this invoice; `amount_due` is what was left of it then."""

    payment_id: str
    amount_due: Money


@workflow.defn(name="InvoiceLifecycle")
class InvoiceLifecycle:
    """One invoice. The database owns its state; this decides what happens next, and reads again before it acts."""

    @workflow.init
    def __init__(self, start: LifecycleStart) -> None:
        self._start = start
        self._state = start.state
        self._amount_due = start.total if start.amount_due is None else start.amount_due
        self._is_suspending = False
        self._taken: list[TakenStep] = list(start.taken)
        self._heard_of: list[str] = []
        self._has_news = False
        self._is_reopening = False
        self._was_reopened = False
        self._letters: dict[str, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, start: LifecycleStart) -> InvoiceState:
        """Mail it, climb the ladder while it is open, and let the last letters go out."""
        self._show("issued")
        self._mail(start.issued_message_id, "Invoice Issued")
        await self._chase()
        while await self._reopened_before_letters_are_out():
            await self._look_again()
            await self._chase()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._state

    @workflow.signal(name=names.PAYMENT_SETTLED_SIGNAL)
    def payment_settled(self, event: PaymentSettled) -> None:
        """Money came; the same payment is heard of once."""
        if event.payment_id not in self._heard_of:
            self._heard_of.append(event.payment_id)
            self._amount_due = event.amount_due
            self._has_news = True

    @workflow.signal(name=names.INVOICE_REOPENED_SIGNAL)
    def reopened(self) -> None:
        """A payment was reversed: what this workflow knows of the invoice is no longer so."""
        self._is_reopening = self._was_reopened = self._has_news = True

    @workflow.query
    def standing(self) -> Standing:
        """What this workflow last knew; the database knows best."""
        return Standing(self._state, self._amount_due, self._is_suspending, None)

    async def _chase(self) -> None:
        """Climb the ladder until the invoice is closed."""
        while not self._state.is_closed:
            step = next_step(self._start.plan, tuple(self._taken), workflow.now())
            if await self._money_comes_before(step):
                await self._look_again()
            elif step is not None:
                await self._take(step)
        workflow.upsert_search_attributes([names.INVOICE_STATE.value_set(self._state.value)])
        self._show("closed")

    async def _reopened_before_letters_are_out(self) -> bool:
        await workflow.wait_condition(lambda: self._is_reopening or all(task.done() for task in self._letters.values()))
        return self._is_reopening

    async def _money_comes_before(self, step: PlannedStep | None) -> bool:
        """Wait for money until the step is due (for ever when the ladder is at its end); whether money came."""
        if step is not None and step.at <= workflow.now():
            return self._has_news
        self._show(f"next: {step.action.value} at {step.at:%Y-%m-%d %H:%M} UTC" if step else "waiting for payment")
        timeout = step.at - workflow.now() if step else None
        try:
            await workflow.wait_condition(
                lambda: self._has_news, timeout=timeout, timeout_summary=step.action.value if step else None
            )
        except TimeoutError:
            return False
        return True

    async def _take(self, step: PlannedStep) -> None:
        request = StepRequest(
            tenant_id=self._start.tenant_id,
            invoice_id=self._start.invoice_id,
            customer_id=self._start.customer_id,
            step=step.key,
            action=step.action,
            now=workflow.now(),
        )
        standing = await workflow.execute_activity_method(
            Collecting.take_step, request, summary=step.action.value, **options.BILLING
        )
        self._taken.append(TakenStep(step.key, workflow.now()))
        self._learn(standing)
        self._mail(standing.message_id, step.action.letter.value)
        if not self._state.is_closed:
            following = next_step(self._start.plan, tuple(self._taken), workflow.now())
            self._tell_search(step.action.value.upper(), following.at if following else None)

    async def _look_again(self) -> None:
        """Act on money: an invoice that suspends nobody and is paid in full needs no second look to be closed.

        Unless a payment of it was reversed: then news of money may be older than that, and the database is asked.
        """
        self._has_news = self._is_reopening = False
        if not (self._amount_due or self._is_suspending or self._was_reopened):
            self._state = InvoiceState.PAID
            return
        request = LookRequest(self._start.tenant_id, self._start.invoice_id, self._start.customer_id, workflow.now())
        standing = await workflow.execute_activity_method(
            Collecting.look_again, request, summary="money came in", **options.BILLING
        )
        self._learn(standing)
        self._mail(standing.message_id, "Reactivation Confirmation")

    def _learn(self, standing: Standing) -> None:
        self._state = standing.state
        self._amount_due = standing.amount_due
        self._is_suspending = standing.is_suspending

    def _mail(self, message_id: str | None, what: str) -> None:
        """Send a claimed letter beside the ladder: a mail server that is down for a day must not hold up the next step."""
        if message_id is not None and message_id not in self._letters:
            self._letters[message_id] = asyncio.create_task(deliver(self._start.tenant_id, message_id, what))

    def _tell_search(self, state: str, next_action_at: datetime | None) -> None:
        at = names.NEXT_ACTION_AT.value_set(next_action_at) if next_action_at else names.NEXT_ACTION_AT.value_unset()
        workflow.upsert_search_attributes([names.INVOICE_STATE.value_set(state), at])

    def _show(self, what: str) -> None:
        taken = ", ".join(step.key for step in self._taken) or "none"
        workflow.set_current_details(
            f"**{self._start.number}** {self._state.value}, {self._amount_due} due on {self._start.due_on}\n\n"
            f"Steps taken: {taken}\n\n{what}"
        )
