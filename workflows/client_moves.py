"""The door to staff moves on invoices; a part of `workflows/client.py`, which is the one that others import."""

from collections.abc import Mapping
from types import MappingProxyType

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from activities.standing import Standing
from domain.errors import ConflictError, InvalidInputError, InvariantError
from domain.invoice import InvoiceState
from domain.moves import Move, MoveKind
from workflows import names, options
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.invoice_moves import InvoiceMoves
from workflows.lifecycle_revival import LifecycleRevival, Revival
from workflows.waiting import EngineUnavailableError, MadeLaterError, in_time

_UPDATES: Mapping[MoveKind, UpdateMethodMultiParam[[InvoiceMoves, Move], Standing]] = MappingProxyType(
    {
        MoveKind.VOID: InvoiceLifecycle.void,
        MoveKind.WRITE_OFF: InvoiceLifecycle.write_off,
        MoveKind.EXTEND: InvoiceLifecycle.extend,
        MoveKind.PAUSE: InvoiceLifecycle.pause,
        MoveKind.RESUME: InvoiceLifecycle.resume,
        MoveKind.DISPUTE: InvoiceLifecycle.dispute,
        MoveKind.RESOLVE: InvoiceLifecycle.resolve,
        MoveKind.REAPPLY_POLICY: InvoiceLifecycle.reapply_policy,
    }
)
# What Temporal says of an update that was under way when its workflow was terminated.
_ENDED_UNDER_IT = "AcceptedUpdateCompletedWorkflow"


class MoveWorkflows:
    """Hands staff moves to the lifecycles of invoices.

    A move that is handed over twice is made once. The second time may be refused because it was made: its row has the last
    word, and whoever is told of a refusal looks there.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def move_invoice(self, tenant_id: str, invoice_id: str, move: Move) -> None:
        """Have a stored move made, and wait until it is.

        Raises:
            ConflictError: it is at odds with how the invoice stands.
            InvalidInputError: its day cannot be meant; names the field.
            MadeLaterError: no answer in time, or Temporal cannot be reached; the move is made by itself, or by the sweeper.
        """
        try:
            if await self._is_made(invoice_id, move):
                return
            await self._revive(tenant_id, invoice_id, move)
            if not await self._is_made(invoice_id, move):
                raise ConflictError(
                    f"Invoice {invoice_id} is closed: nothing is chased on it any more, so nothing can be moved."
                )
        except EngineUnavailableError as error:
            raise MadeLaterError(str(error)) from error

    async def _is_made(self, invoice_id: str, move: Move) -> bool:
        """Whether the invoice's lifecycle made the move; False when none runs, or a hand ended it before it could say so."""
        handle: WorkflowHandle[InvoiceLifecycle, InvoiceState] = self._client.get_workflow_handle(
            names.invoice_lifecycle_id(invoice_id)
        )
        try:
            # Without an id of its own: Temporal would give a later try the answer of an earlier one. The move's row knows.
            await in_time(handle.execute_update(_UPDATES[move.kind], move), _not_yet(invoice_id, move))
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == _ENDED_UNDER_IT:
                return False
            raise _as_told(error, invoice_id, move) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _revive(self, tenant_id: str, invoice_id: str, move: Move) -> None:
        await in_time(
            self._client.execute_workflow(
                LifecycleRevival.run,
                Revival(tenant_id, invoice_id),
                id=names.lifecycle_revival_id(invoice_id, move.id),
                task_queue=names.PAYMENTS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                # The lifecycle may be lost a second time before the move is made.
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary="an invoice that is moved had no lifecycle",
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(names.TENANT_ID, tenant_id),
                        SearchAttributePair(names.INVOICE_ID, invoice_id),
                    ]
                ),
                priority=options.priority(options.LIFECYCLE_PRIORITY, tenant_id),
            ),
            _not_yet(invoice_id, move),
        )


def _as_told(failed: WorkflowUpdateFailedError, invoice_id: str, move: Move) -> Exception:
    """The error that the lifecycle, or the activity behind it, told of."""
    cause = failed.cause
    if not isinstance(cause, ApplicationError):
        return InvariantError(f"Move {move.id} on invoice {invoice_id} was not made: {cause}")
    match cause.type:
        case ConflictError.__name__:
            return ConflictError(cause.message)
        case InvalidInputError.__name__:
            field, message = cause.details
            return InvalidInputError(field, message)
        case _:
            return InvariantError(f"Move {move.id} on invoice {invoice_id} was not made: {cause.message}")


def _not_yet(invoice_id: str, move: Move) -> str:
    return (
        f"Move {move.id} on invoice {invoice_id} is stored, and will be made by itself within a minute or two: look at the "
        "invoice then. Asking again is harmless."
    )
