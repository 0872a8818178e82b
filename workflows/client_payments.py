"""The door to the workflows about payments; a part of `workflows/client.py`, which is the one that others import."""

import contextlib

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import ConflictError
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from workflows import names, options
from workflows.payment import GatewayUpdate, LatePayment, Payment, PaymentInput, PaymentResult, RecordedPayment
from workflows.payment_reversal import PaymentReversal
from workflows.waiting import EngineUnavailableError, in_time, quickly

# These pick up where they stood, by cursor and unique keys: one that a bug or a hand ended may be started again.
AGAIN_ONLY_AFTER_FAILURE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY


class PaymentWorkflows:
    """Starts and signals what a payment needs. Every start is harmless when repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

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
        return await in_time(
            self._client.execute_update_with_start_workflow(
                Payment.checkout, id=f"{payment_id}/checkout", start_workflow_operation=operation
            ),
            f"Payment {payment_id} was started, but the gateway's answer did not come in time: ask for its status.",
        )

    async def settle_recorded(self, tenant_id: str, payment_id: str, *, invoice_id: str | None, currency: str) -> None:
        """Have money that staff recorded settled; harmless when it is, or was.

        Raises:
            EngineUnavailableError: no answer in time; recording the same reference again goes on with it.
        """
        attributes = [
            SearchAttributePair(names.TENANT_ID, tenant_id),
            SearchAttributePair(names.PAYMENT_ID, payment_id),
            SearchAttributePair(names.PAYMENT_STATE, PaymentStatus.PENDING.value),
            SearchAttributePair(names.CURRENCY, currency),
        ]
        if invoice_id:
            attributes.append(SearchAttributePair(names.INVOICE_ID, invoice_id))
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await in_time(
                self._client.start_workflow(
                    RecordedPayment.run,
                    PaymentInput(tenant_id, payment_id),
                    id=names.payment_workflow_id(payment_id),
                    task_queue=names.PAYMENTS_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=AGAIN_ONLY_AFTER_FAILURE,
                    static_summary="recorded by staff",
                    search_attributes=TypedSearchAttributes(attributes),
                    priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
                ),
                f"Payment {payment_id} is recorded, but could not be settled yet: record it again in a moment.",
            )

    async def reverse_payment(self, tenant_id: str, payment_id: str) -> None:
        """Have a payment reversed as the audit log asks for it; harmless when it is.

        Raises:
            ConflictError: it cannot be reversed, or not yet; the sentence says why.
            NoAnswerYetError: no answer in time; the reversal goes on by itself.
            EngineUnavailableError: Temporal cannot be reached.
        """
        attributes = [
            SearchAttributePair(names.TENANT_ID, tenant_id),
            SearchAttributePair(names.PAYMENT_ID, payment_id),
        ]
        operation = WithStartWorkflowOperation(
            PaymentReversal.run,
            PaymentInput(tenant_id, payment_id),
            id=names.reversal_id(payment_id),
            task_queue=names.PAYMENTS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            # A reversal that was refused may be tried again when its cause is gone.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary="reversed by staff",
            search_attributes=TypedSearchAttributes(attributes),
            priority=options.priority(options.PAYMENT_PRIORITY, tenant_id),
        )
        try:
            await in_time(
                # Without an id of its own: Temporal would give a later try the answer of an earlier one.
                self._client.execute_update_with_start_workflow(PaymentReversal.reversed, start_workflow_operation=operation),
                f"The reversal of payment {payment_id} was started, but is not done yet: ask for the payment's status.",
            )
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == ConflictError.__name__:
                raise ConflictError(error.cause.message) from error
            raise

    def _saga(self, payment_id: str) -> WorkflowHandle[Payment, PaymentResult]:
        return self._client.get_workflow_handle(names.payment_workflow_id(payment_id), result_type=PaymentResult)

    async def ask_gateway_now(self, payment_id: str, request_id: str) -> PaymentStatus | None:
        """Have a payment's saga ask its gateway now; its status after that.

        None when there is no news: the gateway gave no answer, or the saga has ended or never began.

        Raises:
            EngineUnavailableError: no answer in time.
        """
        handle = self._saga(payment_id)
        try:
            return await in_time(
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
        handle = self._saga(payment_id)
        try:
            await quickly(handle.signal(Payment.gateway_update, GatewayUpdate(webhook_id)))
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
            await quickly(self._start_late_payment(tenant_id, payment_id, cause))
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
