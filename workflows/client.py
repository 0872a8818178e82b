"""The one door to Temporal from outside: API, activities, worker and commands start and signal workflows here only."""

import asyncio
import contextlib
from typing import Any

from temporalio.client import (
    Client,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from activities.lifecycles import LifecycleStart
from domain.invoice import InvoiceState
from workflows import names, options
from workflows.billing_run import BillingRun, BillingRunInput
from workflows.client_customer_moves import CustomerMoveWorkflows
from workflows.client_moves import MoveWorkflows
from workflows.client_payments import AGAIN_ONLY_AFTER_FAILURE, PaymentWorkflows
from workflows.client_reconciliation import ReconciliationWorkflows
from workflows.client_schedules import ScheduleOrder, ScheduleWorkflows
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.letter_delivery import LetterDelivery, LetterInput
from workflows.waiting import SIGNAL_PATIENCE, EngineUnavailableError, MadeLaterError, NoAnswerYetError, quickly

__all__ = ["EngineUnavailableError", "MadeLaterError", "NoAnswerYetError", "ScheduleOrder", "Workflows", "connect"]


async def connect(address: str, namespace: str = "default", *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """Connect to Temporal; a lazy client connects at its first call, so that the API starts without the server."""
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=lazy, runtime=runtime
    )


class Workflows(PaymentWorkflows, MoveWorkflows, CustomerMoveWorkflows, ReconciliationWorkflows, ScheduleWorkflows):
    """Starts and signals Dunlin's workflows. Every start is harmless when repeated."""

    async def start_billing_run(self, tenant_id: str, run_id: str, period: str, *, dry_run: bool = False) -> str:
        """Start a run's workflow, or find it started; its id.

        Raises:
            EngineUnavailableError: Temporal cannot be reached; asking again for the same period starts it.
        """
        workflow_id = names.dry_run_id(tenant_id, period, run_id) if dry_run else names.billing_run_id(tenant_id, period)
        try:
            await self._client.start_workflow(
                BillingRun.run,
                BillingRunInput(tenant_id, run_id, dry_run=dry_run),
                id=workflow_id,
                task_queue=names.BILLING_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=AGAIN_ONLY_AFTER_FAILURE,
                static_summary=f"{'Dry run' if dry_run else 'Billing run'} {period}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.TENANT_ID, tenant_id)]),
                priority=options.priority(options.BILLING_RUN_PRIORITY, tenant_id),
            )
        except WorkflowAlreadyStartedError:
            pass
        except (RPCError, RuntimeError) as error:
            raise EngineUnavailableError(f"The billing run {period} is stored, but could not be started: {error}") from error
        return workflow_id

    async def start_lifecycle(self, start: LifecycleStart) -> None:
        """Start an invoice's lifecycle unless it runs or ran."""
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._start_lifecycle(start, AGAIN_ONLY_AFTER_FAILURE)

    async def reopen_lifecycle(self, start: LifecycleStart) -> None:
        """Have the lifecycle run of an invoice that a reversal opened again; one that runs still is told to look again."""
        await self._start_lifecycle(start, WorkflowIDReusePolicy.ALLOW_DUPLICATE, names.INVOICE_REOPENED_SIGNAL)

    async def _start_lifecycle(self, start: LifecycleStart, reuse: WorkflowIDReusePolicy, signal: str | None = None) -> None:
        await self._client.start_workflow(
            InvoiceLifecycle.run,
            start,
            id=names.invoice_lifecycle_id(start.invoice_id),
            task_queue=names.BILLING_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            start_signal=signal,
            static_summary=f"Invoice {start.number}, {start.total}",
            search_attributes=TypedSearchAttributes(_of_lifecycle(start)),
            priority=options.priority(options.LIFECYCLE_PRIORITY, start.tenant_id),
        )

    async def send_letter(self, tenant_id: str, message_id: str) -> None:
        """Have a claimed letter sent that no other workflow sends; harmless when it is being sent, or was.

        Raises:
            EngineUnavailableError: Temporal did not accept it in time; the sweeper tries again.
        """
        try:
            await quickly(self._start_letter(tenant_id, message_id))
        except RPCError as error:
            raise EngineUnavailableError(f"Letter {message_id} could not be handed over: {error}") from error

    async def _start_letter(self, tenant_id: str, message_id: str) -> None:
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                LetterDelivery.run,
                LetterInput(tenant_id, message_id),
                id=names.letter_delivery_id(message_id),
                task_queue=names.MAIL_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=AGAIN_ONLY_AFTER_FAILURE,
                static_summary="letter that staff asked for",
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.TENANT_ID, tenant_id)]),
                priority=options.priority(options.LIFECYCLE_PRIORITY, tenant_id),
            )

    async def is_ready(self) -> bool:
        """Whether Temporal answers."""
        try:
            return await asyncio.wait_for(self._client.service_client.check_health(), SIGNAL_PATIENCE.total_seconds())
        except (RPCError, RuntimeError, TimeoutError):
            return False


def _of_lifecycle(start: LifecycleStart) -> list[SearchAttributePair[Any]]:
    attributes: list[SearchAttributePair[Any]] = [
        SearchAttributePair(names.TENANT_ID, start.tenant_id),
        SearchAttributePair(names.CUSTOMER_ID, start.customer_id),
        SearchAttributePair(names.INVOICE_ID, start.invoice_id),
        SearchAttributePair(names.INVOICE_STATE, InvoiceState.OPEN.value),
        SearchAttributePair(names.CURRENCY, start.total.currency),
    ]
    taken = {step.key for step in start.taken}
    ahead = [step.at for step in start.plan if step.key not in taken]
    if ahead:
        attributes.append(SearchAttributePair(names.NEXT_ACTION_AT, ahead[0]))
    return attributes
