"""The door to staff moves on customers; a part of `workflows/client.py`, which is the one that others import."""

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from domain.customer_moves import CustomerMove
from domain.errors import ConflictError, InvariantError
from workflows import names, options
from workflows.customer_move import CustomerMoveInput, CustomerMoveWorkflow
from workflows.waiting import EngineUnavailableError, MadeLaterError, in_time


class CustomerMoveWorkflows:
    """Starts what staff decided about customers. Every start is harmless when repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def make_customer_move(self, tenant_id: str, customer_id: str, move: CustomerMove) -> None:
        """Have a move made that is on record, and wait for it; one that was made, or refused, gets the same answer again.

        Raises:
            ConflictError: it was refused; the sentence says why.
            MadeLaterError: no answer in time, or Temporal cannot be reached; the move is made by itself, or by the sweeper.
        """
        attributes = [SearchAttributePair(names.TENANT_ID, tenant_id), SearchAttributePair(names.CUSTOMER_ID, customer_id)]
        operation = WithStartWorkflowOperation(
            CustomerMoveWorkflow.run,
            CustomerMoveInput(tenant_id, customer_id, move),
            id=names.customer_move_id(customer_id, move.id),
            task_queue=names.BILLING_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            # Its row remembers what became of it: started again it only says so.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"{move.kind.value.lower().replace('_', ' ')} by staff",
            search_attributes=TypedSearchAttributes(attributes),
            priority=options.priority(options.LIFECYCLE_PRIORITY, tenant_id),
        )
        try:
            await in_time(
                # Without an id of its own: Temporal would give a later try the answer of an earlier one.
                self._client.execute_update_with_start_workflow(CustomerMoveWorkflow.made, start_workflow_operation=operation),
                f"Move {move.id} on customer {customer_id} is stored, and will be made by itself within a minute or two: look "
                "at the customer's standing then. Asking again is harmless.",
            )
        except EngineUnavailableError as error:
            raise MadeLaterError(str(error)) from error
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == ConflictError.__name__:
                raise ConflictError(error.cause.message) from error
            raise InvariantError(f"Move {move.id} on customer {customer_id} was not made: {error.cause}") from error
