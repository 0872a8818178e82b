"""The door to reconciliation and to what people decided; a part of `workflows/client.py`, which others import."""

import contextlib
from datetime import date

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from workflows import names, options
from workflows.client_payments import AGAIN_ONLY_AFTER_FAILURE
from workflows.reconciliation import DecidedInput, DecidedPayment, Reconciliation, ReconciliationInput
from workflows.waiting import in_time


class ReconciliationWorkflows:
    """Starts what looks again, and what does as people decided. Every start is harmless when repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def carry_out_decision(self, tenant_id: str, payment_id: str, review_id: str) -> None:
        """Have done to a payment what a person decided about a review.

        Raises:
            EngineUnavailableError: no answer in time; the sweeper sees to it.
        """
        attributes = [SearchAttributePair(names.TENANT_ID, tenant_id), SearchAttributePair(names.PAYMENT_ID, payment_id)]
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await in_time(
                self._client.start_workflow(
                    DecidedPayment.run,
                    DecidedInput(tenant_id, payment_id, review_id),
                    id=names.decided_payment_id(payment_id, review_id),
                    task_queue=names.PAYMENTS_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=AGAIN_ONLY_AFTER_FAILURE,
                    static_summary="decided by staff",
                    search_attributes=TypedSearchAttributes(attributes),
                    priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
                ),
                f"Review {review_id} is decided, but payment {payment_id} could not be settled yet: it will be in a minute.",
            )

    async def reconcile(self, tenant_id: str, day: date, *, again: bool = False) -> str:
        """Have a tenant's payments looked at again, once a (local) day; its workflow's id.

        Args:
            again: also when that was done on this day before.

        Raises:
            EngineUnavailableError: no answer in time.
        """
        policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else AGAIN_ONLY_AFTER_FAILURE
        return await self._reconcile(ReconciliationInput(tenant_id, day), names.reconciliation_id(tenant_id, day), policy)

    async def look_at_overdue(self, tenant_id: str, day: date) -> str:
        """Have those of a tenant's payments looked at that should have been decided; the workflow's id.

        Raises:
            EngineUnavailableError: no answer in time.
        """
        start = ReconciliationInput(tenant_id, day, only_overdue=True)
        return await self._reconcile(start, names.overdue_id(tenant_id), WorkflowIDReusePolicy.ALLOW_DUPLICATE)

    async def _reconcile(self, start: ReconciliationInput, workflow_id: str, policy: WorkflowIDReusePolicy) -> str:
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await in_time(
                self._client.start_workflow(
                    Reconciliation.run,
                    start,
                    id=workflow_id,
                    task_queue=names.PAYMENTS_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=policy,
                    static_summary=f"{'Overdue payments' if start.only_overdue else 'Reconciliation'} {start.day}",
                    search_attributes=TypedSearchAttributes([SearchAttributePair(names.TENANT_ID, start.tenant_id)]),
                    priority=options.priority(options.RECONCILIATION_PRIORITY, start.tenant_id),
                ),
                f"The reconciliation of {start.day} could not be started: try again in a moment.",
            )
        return workflow_id
