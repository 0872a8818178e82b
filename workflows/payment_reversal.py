"""A payment's reversal: take it back, have its invoices chased again, and tell a customer who is suspended again."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.reversing import ReopeningRequest, Reversal, ReversalRequest, Reversing
    from workflows import options
    from workflows.letter_delivery import deliver
    from workflows.payment import PaymentInput


@workflow.defn(name="PaymentReversal")
class PaymentReversal:
    """One try to reverse a payment. A refusal is an answer, so that it can be tried again when its cause is gone."""

    def __init__(self) -> None:
        self._reversal: Reversal | None = None
        self._refusal: ApplicationError | None = None

    @workflow.run
    async def run(self, payment: PaymentInput) -> bool:
        """Reverse it, and tell those whom it concerns; whether it was reversed."""
        await self._reverse(payment)
        if self._reversal is not None:
            await self._see_to_the_rest(payment.tenant_id, self._reversal)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._reversal is not None

    @workflow.update
    async def reversed(self) -> None:
        """Wait until the payment is reversed: the caller who starts the reversal waits for it here.

        Raises:
            ApplicationError: it was refused; its type is the name of the house's own error.
        """
        await workflow.wait_condition(lambda: self._reversal is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal

    async def _reverse(self, payment: PaymentInput) -> None:
        request = ReversalRequest(payment.tenant_id, payment.payment_id, workflow.now())
        try:
            self._reversal = await workflow.execute_activity_method(
                Reversing.reverse, request, summary="take it back", **options.PAYMENTS
            )
        except ActivityError as error:
            if not isinstance(error.cause, ApplicationError):
                raise
            workflow.logger.warning("The reversal was refused: %s", error.cause)
            self._refusal = ApplicationError(error.cause.message, type=error.cause.type, non_retryable=True)

    async def _see_to_the_rest(self, tenant_id: str, reversal: Reversal) -> None:
        if reversal.open_invoice_ids:
            request = ReopeningRequest(tenant_id, reversal.open_invoice_ids, workflow.now())
            await workflow.execute_activity_method(
                Reversing.reopen_lifecycles, request, summary="chase what is owed again", **options.PAYMENTS
            )
        await asyncio.gather(*(deliver(tenant_id, letter, "Suspension Notice") for letter in reversal.message_ids))
