"""Scheduled billing: what a tenant's schedule starts when its time has come; it has the month billed, and waits for the end.

It waits so that the schedule sees whether its last run still goes on. The run itself is the one that staff would start, under
the same id, and goes on whatever becomes of this workflow.
"""

from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.scheduling import DueRun, ScheduledTime, Scheduling
    from workflows import names, options
    from workflows.billing_run import BillingRun, BillingRunInput


@dataclass(frozen=True, slots=True)
class ScheduledBillingInput:
    """Whose schedule, and the revision of it that Temporal knows."""

    tenant_id: str
    schedule_id: str
    revision: int


@workflow.defn(name="ScheduledBilling")
class ScheduledBilling:
    """One time of one schedule."""

    @workflow.run
    async def run(self, start: ScheduledBillingInput) -> DueRun:
        """Find out which month is due, and have it billed unless it is already.

        Raises:
            ApplicationError: no schedule started this, so it has no time to tell the month by.
        """
        nominal = workflow.info().typed_search_attributes.get(names.SCHEDULED_START)
        if nominal is None:
            raise ApplicationError("Only a schedule starts this: to bill a month by hand, start a billing run.")
        time = ScheduledTime(start.tenant_id, start.schedule_id, start.revision, nominal, workflow.now())
        due = await workflow.execute_activity_method(
            Scheduling.take_up, time, summary="find the month that is due", **options.BILLING
        )
        workflow.set_current_details(f"**{due.period}**: {due.why_not or 'being billed'}")
        if due.why_not:
            return due
        is_ours = await self._carry_out(start.tenant_id, due)
        workflow.set_current_details(
            f"**{due.period}**: {'billed' if is_ours else 'left to the run that somebody else started'}"
        )
        return due

    async def _carry_out(self, tenant_id: str, due: DueRun) -> bool:
        """Whether the run was ours to carry out."""
        try:
            await workflow.execute_child_workflow(
                BillingRun.run,
                BillingRunInput(tenant_id, due.run_id),
                id=names.billing_run_id(tenant_id, due.period),
                task_queue=names.BILLING_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                static_summary=f"Billing run {due.period}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.TENANT_ID, tenant_id)]),
                priority=options.priority(options.BILLING_RUN_PRIORITY, tenant_id),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True
