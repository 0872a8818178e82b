"""The one door to Temporal from outside: API, activities, worker and commands start and signal workflows here only."""

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from activities.invoicing import LifecycleStart
from domain.errors import DunlinError
from domain.invoice import InvoiceState
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from workflows import names, options
from workflows.billing_run import BillingRun, BillingRunInput
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.payment import GatewayUpdate, LatePayment, Payment, PaymentInput, RecordedPayment

# A payer waits this long for the gateway's answer; the payment goes on without them.
CHECKOUT_PATIENCE = timedelta(seconds=40)
# A signal to a server that is down blocks for many seconds (each try has its own time-out), so it is cut off here.
SIGNAL_PATIENCE = timedelta(seconds=2)

Answer = TypeVar("Answer")


# These pick up where they stood, by cursor and unique keys: one that a bug or a hand ended may be started again.
_AGAIN_ONLY_AFTER_FAILURE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY


class EngineUnavailableError(DunlinError):
    """Temporal cannot be reached; what was stored is done when it is back."""


class NoAnswerYetError(EngineUnavailableError):
    """Temporal has taken the request, but the answer did not come in time; the work goes on by itself."""


async def connect(address: str, namespace: str = "default", *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """Connect to Temporal; a lazy client connects at its first call, so that the API starts without the server."""
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=lazy, runtime=runtime
    )


class Workflows:
    """Starts and signals Dunlin's workflows. Every start is harmless when repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

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
                id_reuse_policy=_AGAIN_ONLY_AFTER_FAILURE,
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
        attributes: list[SearchAttributePair[Any]] = [
            SearchAttributePair(names.TENANT_ID, start.tenant_id),
            SearchAttributePair(names.CUSTOMER_ID, start.customer_id),
            SearchAttributePair(names.INVOICE_ID, start.invoice_id),
            SearchAttributePair(names.INVOICE_STATE, InvoiceState.OPEN.value),
            SearchAttributePair(names.CURRENCY, start.total.currency),
        ]
        if start.plan:
            attributes.append(SearchAttributePair(names.NEXT_ACTION_AT, start.plan[0].at))
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                InvoiceLifecycle.run,
                start,
                id=names.invoice_lifecycle_id(start.invoice_id),
                task_queue=names.BILLING_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=_AGAIN_ONLY_AFTER_FAILURE,
                static_summary=f"Invoice {start.number}, {start.total}, due {start.due_on}",
                search_attributes=TypedSearchAttributes(attributes),
                priority=options.priority(options.LIFECYCLE_PRIORITY, start.tenant_id),
            )

    async def open_checkout(
        self, tenant_id: str, payment_id: str, method: PaymentMethod, *, invoice_id: str | None, currency: str
    ) -> Outcome:
        """Start a payment's saga and wait for the gateway's answer to its checkout.

        Raises:
            NoAnswerYetError: no answer in time; the payment goes on by itself.
            EngineUnavailableError: Temporal cannot be reached.
        """
        attributes = [
            SearchAttributePair(names.TENANT_ID, tenant_id),
            SearchAttributePair(names.PAYMENT_ID, payment_id),
            SearchAttributePair(names.PAYMENT_STATE, PaymentStatus.PENDING.value),
            SearchAttributePair(names.CURRENCY, currency),
            SearchAttributePair(names.GATEWAY, method.gateway or "none"),
        ]
        if invoice_id is not None:
            attributes.append(SearchAttributePair(names.INVOICE_ID, invoice_id))
        operation = WithStartWorkflowOperation(
            Payment.run,
            PaymentInput(tenant_id, payment_id),
            id=names.payment_workflow_id(payment_id),
            task_queue=names.PAYMENTS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"{method.human_name}, {currency}",
            search_attributes=TypedSearchAttributes(attributes),
            priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
        )
        return await _in_time(
            self._client.execute_update_with_start_workflow(
                Payment.checkout, id=f"{payment_id}/checkout", start_workflow_operation=operation
            ),
            f"Payment {payment_id} was started, but the gateway's answer did not come in time: ask for its status.",
        )

    async def settle_recorded(self, tenant_id: str, payment_id: str, *, invoice_id: str, currency: str) -> None:
        """Have money that staff recorded settled; harmless when it is, or was.

        Raises:
            EngineUnavailableError: no answer in time; recording the same reference again goes on with it.
        """
        attributes = [
            SearchAttributePair(names.TENANT_ID, tenant_id),
            SearchAttributePair(names.PAYMENT_ID, payment_id),
            SearchAttributePair(names.PAYMENT_STATE, PaymentStatus.PENDING.value),
            SearchAttributePair(names.INVOICE_ID, invoice_id),
            SearchAttributePair(names.CURRENCY, currency),
        ]
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await _in_time(
                self._client.start_workflow(
                    RecordedPayment.run,
                    PaymentInput(tenant_id, payment_id),
                    id=names.payment_workflow_id(payment_id),
                    task_queue=names.PAYMENTS_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=_AGAIN_ONLY_AFTER_FAILURE,
                    static_summary="recorded by staff",
                    search_attributes=TypedSearchAttributes(attributes),
                    priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
                ),
                f"Payment {payment_id} is recorded, but could not be settled yet: record it again in a moment.",
            )

    async def ask_gateway_now(self, payment_id: str, request_id: str) -> PaymentStatus | None:
        """Have a payment's saga ask its gateway now; its status after that, None when the saga has ended or never began.

        Raises:
            EngineUnavailableError: no answer in time.
        """
        handle = self._client.get_workflow_handle_for(Payment.run, names.payment_workflow_id(payment_id))
        try:
            return await _in_time(
                handle.execute_update(Payment.ask_now, id=request_id),
                f"The gateway could not be asked about payment {payment_id} in time: try again in a moment.",
            )
        except WorkflowUpdateFailedError:
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def tell_payment(self, tenant_id: str, payment_id: str, webhook_id: str) -> None:
        """Tell a payment's saga that the gateway has news; a saga that has ended gets a successor for late money.

        Raises:
            EngineUnavailableError: Temporal did not accept it in time; the sweeper tries again.
        """
        handle = self._client.get_workflow_handle_for(Payment.run, names.payment_workflow_id(payment_id))
        try:
            await _quickly(handle.signal(Payment.gateway_update, GatewayUpdate(webhook_id)))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise EngineUnavailableError(f"Payment {payment_id} could not be told: {error}") from error
            await self.look_late(tenant_id, payment_id, webhook_id)

    async def look_late(self, tenant_id: str, payment_id: str, cause: str) -> None:
        """See how a payment stands that has no saga (any more), once per `cause`.

        Raises:
            EngineUnavailableError: Temporal did not accept it in time.
        """
        try:
            await _quickly(self._start_late_payment(tenant_id, payment_id, cause))
        except RPCError as error:
            raise EngineUnavailableError(f"Payment {payment_id} could not be looked at: {error}") from error

    async def _start_late_payment(self, tenant_id: str, payment_id: str, cause: str) -> None:
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                LatePayment.run,
                PaymentInput(tenant_id, payment_id),
                id=names.late_payment_id(payment_id, cause),
                task_queue=names.PAYMENTS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary="news of a payment that had ended",
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(names.TENANT_ID, tenant_id),
                        SearchAttributePair(names.PAYMENT_ID, payment_id),
                    ]
                ),
                priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
            )

    async def is_ready(self) -> bool:
        """Whether Temporal answers."""
        try:
            return await asyncio.wait_for(self._client.service_client.check_health(), SIGNAL_PATIENCE.total_seconds())
        except (RPCError, RuntimeError, TimeoutError):
            return False


async def _in_time(call: Awaitable[Answer], otherwise: str) -> Answer:
    try:
        return await asyncio.wait_for(call, CHECKOUT_PATIENCE.total_seconds())
    except WorkflowUpdateFailedError:
        raise
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise NoAnswerYetError(otherwise) from error
    except RuntimeError as error:
        raise EngineUnavailableError(otherwise) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise
        raise EngineUnavailableError(otherwise) from error


async def _quickly(call: Awaitable[None]) -> None:
    try:
        await asyncio.wait_for(call, SIGNAL_PATIENCE.total_seconds())
    except (TimeoutError, RuntimeError) as error:
        raise EngineUnavailableError("Temporal did not accept the signal in time.") from error
