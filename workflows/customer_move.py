"""A staff move on a customer: make it, send its letters, and have the customer's invoices looked at again."""

import asyncio
from dataclasses import dataclass

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.customer_moving import CustomerMoved, CustomerMoveRequest, CustomerMoving
    from domain.customer_moves import CustomerMove
    from domain.errors import ConflictError
    from workflows import names, options
    from workflows.letter_delivery import deliver


@dataclass(frozen=True, slots=True)
class CustomerMoveInput:
    """Which move on which customer; who asked for it and why is in the database."""

    tenant_id: str
    customer_id: str
    move: CustomerMove


@workflow.defn(name="CustomerMove")
class CustomerMoveWorkflow:
    """One move. A refusal is an answer: the database has the last word, whatever was known when it was asked for."""

    def __init__(self) -> None:
        self._moved: CustomerMoved | None = None

    @workflow.run
    async def run(self, start: CustomerMoveInput) -> bool:
        """Make it, and tell those whom it concerns; whether it was made."""
        request = CustomerMoveRequest(start.tenant_id, start.customer_id, start.move, workflow.now())
        self._moved = moved = await workflow.execute_activity_method(
            CustomerMoving.make, request, summary=start.move.kind.value.lower(), **options.BILLING
        )
        await asyncio.gather(*(_have_looked_at(invoice_id) for invoice_id in moved.invoice_ids))
        await asyncio.gather(*(deliver(start.tenant_id, letter, "letter to the customer") for letter in moved.message_ids))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return moved.refusal is None

    @workflow.update
    async def made(self) -> None:
        """Wait until the move is made: the caller who starts it waits for it here.

        Raises:
            ApplicationError: it was refused; its type is the name of the house's own error.
        """
        await workflow.wait_condition(lambda: self._moved is not None)
        if self._moved is not None and self._moved.refusal is not None:
            raise ApplicationError(self._moved.refusal, type=ConflictError.__name__, non_retryable=True)


async def _have_looked_at(invoice_id: str) -> None:
    """Tell an invoice's lifecycle that something about it is different."""
    lifecycle = workflow.get_external_workflow_handle(names.invoice_lifecycle_id(invoice_id))
    try:
        await lifecycle.signal(names.LOOK_AGAIN_SIGNAL)
    except FailureError:
        # It has ended, or has not begun: then it will read how things stand when it does.
        workflow.logger.info("The lifecycle of invoice %s does not run.", invoice_id)
