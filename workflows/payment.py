"""A payment's saga: open the checkout, hear from the gateway or ask it, settle, tell the invoices, thank the payer."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.paying import CheckoutOpening, OpenedCheckout, Paying
    from activities.settlement import Confirmation
    from activities.settling import ConfirmRequest, RecordedRequest, Settling
    from domain.payment import Outcome, PaymentStatus
    from workflows import names, options
    from workflows.invoice_lifecycle import InvoiceLifecycle, PaymentSettled
    from workflows.letter_delivery import deliver

# Asked from 5 minutes on, every 15 minutes, and one last time after 24 hours (requirements P11).
FIRST_POLL_AFTER = timedelta(minutes=5)
POLL_EVERY = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)
# After news, or when the gateway's first answer was lost, it may need a moment until it says the same when asked.
POLLS_AFTER_NEWS = (timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=1), FIRST_POLL_AFTER)


class QuestionCounter(Protocol):
    """Is told of each question to the gateway."""

    def __call__(self, *, was_answered: bool) -> None: ...


def _nobody_counts(*, was_answered: bool) -> None:
    """Nobody waits for the answer."""


@dataclass(frozen=True, slots=True)
class PaymentInput:
    """Which payment; all else is in the database."""

    tenant_id: str
    payment_id: str


@dataclass(frozen=True, slots=True)
class GatewayUpdate:
    """A verified update lies in the inbox; what it says is asked of the gateway, not believed."""

    webhook_id: str


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """How the saga ended: PENDING only when the gateway never told and a person must look."""

    status: PaymentStatus
    outcome: Outcome


@workflow.defn(name="Payment")
class Payment:
    """One payment from intent to settlement."""

    @workflow.init
    def __init__(self, payment: PaymentInput) -> None:
        self._payment = payment
        self._checkout: OpenedCheckout | None = None
        self._confirmation = Confirmation(PaymentStatus.PENDING, Outcome.UNKNOWN)
        self._heard_of: list[str] = []
        self._has_news = False
        self._times_asked = 0
        self._was_answered = False
        self._letters: dict[str, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, payment: PaymentInput) -> PaymentResult:
        """Open the checkout, see it through to its end, and tell those whom it concerns."""
        checkout = await self._open_checkout()
        await self._see_it_through(checkout)
        workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(self._confirmation.status.value)])
        self._show("ended")
        await self._tell(self._confirmation)
        while await self._news_before_all_is_out():
            # Money that comes while a letter waits for the mail server is money all the same.
            later = await _ask_after_the_end(payment, self._count_question)
            self._confirmation = self._confirmation if later is None else later
            workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(self._confirmation.status.value)])
            await self._tell(self._confirmation)
        return PaymentResult(self._confirmation.status, self._confirmation.outcome)

    @workflow.update
    async def checkout(self) -> Outcome:
        """What the gateway answered to the checkout: the caller who starts the payment waits for it here."""
        await workflow.wait_condition(lambda: self._checkout is not None)
        return self._checkout.outcome if self._checkout else Outcome.UNKNOWN

    @workflow.update
    async def ask_now(self) -> PaymentStatus:
        """Ask the gateway now rather than at the next poll; the payment's status after that.

        Raises:
            ApplicationError: the gateway gave no answer, so that the status is no news.
        """
        if self._is_over:
            return self._confirmation.status
        times_asked = self._times_asked
        self._has_news = True
        await workflow.wait_condition(lambda: self._times_asked > times_asked or self._is_over)
        if self._confirmation.status is PaymentStatus.PENDING and not self._was_answered:
            raise ApplicationError("The gateway gave no answer.", type="GatewaySilent")
        return self._confirmation.status

    @workflow.signal(name=names.GATEWAY_UPDATE_SIGNAL)
    def gateway_update(self, update: GatewayUpdate) -> None:
        """The gateway has news; the same update is heard of once."""
        if update.webhook_id not in self._heard_of:
            self._heard_of.append(update.webhook_id)
            self._has_news = True

    @workflow.query
    def confirmation(self) -> Confirmation:
        """What was last learnt from the gateway."""
        return self._confirmation

    @property
    def _is_over(self) -> bool:
        return self._confirmation.status is not PaymentStatus.PENDING

    async def _open_checkout(self) -> OpenedCheckout:
        """The gateway's answer; UNKNOWN when it could not be had, which is then looked up like any unknown outcome."""
        self._show("opening the checkout")
        opening = CheckoutOpening(self._payment.tenant_id, self._payment.payment_id, workflow.now())
        try:
            self._checkout = await workflow.execute_activity_method(
                Paying.open_checkout, opening, summary="open the checkout", **options.GATEWAY
            )
        except ActivityError as error:
            workflow.logger.warning("The checkout's outcome is unknown: %s", error.cause)
            self._checkout = OpenedCheckout(Outcome.UNKNOWN)
        return self._checkout

    async def _see_it_through(self, checkout: OpenedCheckout) -> None:
        """Ask whenever there is news or it is time, until the answer is final or a day has passed."""
        give_up_at = workflow.now() + GIVE_UP_AFTER
        pauses = [FIRST_POLL_AFTER] if checkout.outcome is Outcome.PENDING else [timedelta(0), *POLLS_AFTER_NEWS]
        is_last = False
        while not (self._is_over or is_last):
            if await self._news_before(give_up_at, pauses.pop(0) if pauses else POLL_EVERY):
                pauses = list(POLLS_AFTER_NEWS)
            is_last = workflow.now() >= give_up_at
            await self._confirm(is_last=is_last)

    async def _news_before(self, give_up_at: datetime, pause: timedelta) -> bool:
        """Wait for an update, at most `pause`; whether one came."""
        timeout = min(pause, give_up_at - workflow.now())
        if timeout > timedelta(0) and not self._has_news:
            self._show(f"asks the gateway at {workflow.now() + timeout:%Y-%m-%d %H:%M:%S} UTC unless it hears before")
            try:
                await workflow.wait_condition(lambda: self._has_news, timeout=timeout, timeout_summary="ask the gateway")
            except TimeoutError:
                return False
        has_news, self._has_news = self._has_news, False
        return has_news

    async def _confirm(self, *, is_last: bool) -> None:
        request = ConfirmRequest(self._payment.tenant_id, self._payment.payment_id, workflow.now(), is_last)
        try:
            self._confirmation = await workflow.execute_activity_method(
                Settling.confirm, request, summary="ask the gateway and settle", **options.GATEWAY
            )
        except ActivityError as error:
            workflow.logger.warning("The gateway could not be asked: %s", error.cause)
            if is_last:
                await workflow.execute_activity_method(
                    Settling.hand_to_a_person, request, summary="needs review", **options.PAYMENTS
                )
            self._count_question(was_answered=False)
        else:
            self._count_question(was_answered=True)

    def _count_question(self, *, was_answered: bool) -> None:
        """Whoever waits for an answer goes on."""
        self._was_answered = was_answered
        self._times_asked += 1

    async def _tell(self, confirmation: Confirmation) -> None:
        """Tell the invoices now, and send each letter once, beside whatever news there may be."""
        await _tell_invoices(self._payment, confirmation)
        for letter in confirmation.letters:
            if letter not in self._letters:
                sending = deliver(self._payment.tenant_id, letter, "letter to the payer")
                self._letters[letter] = asyncio.create_task(sending)

    async def _news_before_all_is_out(self) -> bool:
        """Wait for news until the letters are out and nobody waits for an answer; whether news came."""
        await workflow.wait_condition(lambda: self._has_news or self._is_all_out())
        has_news, self._has_news = self._has_news, False
        return has_news

    def _is_all_out(self) -> bool:
        return all(task.done() for task in self._letters.values()) and workflow.all_handlers_finished()

    def _show(self, what: str) -> None:
        workflow.set_current_details(
            f"**{self._payment.payment_id}** {self._confirmation.status.value}, "
            f"gateway's last answer: {self._confirmation.outcome.value}\n\n{what}"
        )


@workflow.defn(name="LatePayment")
class LatePayment:
    """News of a payment whose own workflow has ended: money that arrives late is settled, never dropped (P11)."""

    @workflow.run
    async def run(self, payment: PaymentInput) -> PaymentResult:
        """Ask the gateway, settle what it says, and tell those whom it concerns."""
        confirmation = await _ask_after_the_end(payment)
        if confirmation is None:
            return PaymentResult(PaymentStatus.PENDING, Outcome.UNKNOWN)
        workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(confirmation.status.value)])
        await tell(payment, confirmation)
        return PaymentResult(confirmation.status, confirmation.outcome)


@workflow.defn(name="RecordedPayment")
class RecordedPayment:
    """Money that staff saw arrive (a bank transfer, cash): settled like any other, by the same function."""

    @workflow.run
    async def run(self, payment: PaymentInput) -> PaymentResult:
        """Settle it, and tell those whom it concerns."""
        request = RecordedRequest(payment.tenant_id, payment.payment_id, workflow.now())
        confirmation = await workflow.execute_activity_method(
            Settling.settle_recorded, request, summary="settle", **options.PAYMENTS
        )
        workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(confirmation.status.value)])
        await tell(payment, confirmation)
        return PaymentResult(confirmation.status, confirmation.outcome)


async def _ask_after_the_end(payment: PaymentInput, asked: QuestionCounter | None = None) -> Confirmation | None:
    """There is news of a payment that had ended: ask until the answer is clear, as long as a gateway may lag behind its update.

    What stays unclear is put before a person; None when the gateway could not be asked at all.

    Args:
        asked: told of each question, and whether it was answered.
    """
    count = asked or _nobody_counts
    confirmation = None
    for pause in (timedelta(0), *POLLS_AFTER_NEWS):
        if pause:
            await workflow.sleep(pause, summary="ask the gateway again")
        request = ConfirmRequest(payment.tenant_id, payment.payment_id, workflow.now())
        try:
            confirmation = await workflow.execute_activity_method(
                Settling.confirm, request, summary="ask the gateway and settle", **options.GATEWAY
            )
        except ActivityError as error:
            workflow.logger.warning("The gateway could not be asked: %s", error.cause)
            count(was_answered=False)
            continue
        count(was_answered=True)
        if confirmation.outcome.is_final or confirmation.outcome is Outcome.DISPUTED:
            return confirmation
    request = ConfirmRequest(payment.tenant_id, payment.payment_id, workflow.now())
    await workflow.execute_activity_method(Settling.hand_to_a_person, request, summary="needs review", **options.PAYMENTS)
    return confirmation


async def tell(payment: PaymentInput, confirmation: Confirmation) -> None:
    """Tell the invoices that were paid, and send the payer's letters."""
    await _tell_invoices(payment, confirmation)
    for letter in confirmation.letters:
        await deliver(payment.tenant_id, letter, "letter to the payer")


async def _tell_invoices(payment: PaymentInput, confirmation: Confirmation) -> None:
    """Tell the lifecycles of the invoices that were paid."""
    for paid in confirmation.paid_invoices:
        lifecycle: workflow.ExternalWorkflowHandle[InvoiceLifecycle] = workflow.get_external_workflow_handle(
            names.invoice_lifecycle_id(paid.invoice_id)
        )
        try:
            await lifecycle.signal(InvoiceLifecycle.payment_settled, PaymentSettled(payment.payment_id, paid.amount_due))
        except FailureError:
            # It has ended already, as it does when this news comes a second time: there is nobody left to tell.
            workflow.logger.info("The lifecycle of invoice %s has ended.", paid.invoice_id)
