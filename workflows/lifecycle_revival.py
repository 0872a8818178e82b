"""Revival: has the lifecycle of an open invoice run again that was ended by a hand, or lost, because staff move the invoice."""

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reversing import ReopeningRequest, Reversing
    from workflows import options


@dataclass(frozen=True, slots=True)
class Revival:
    """Whose lifecycle is to run."""

    tenant_id: str
    invoice_id: str


@workflow.defn(name="LifecycleRevival")
class LifecycleRevival:
    """One look at an invoice without a lifecycle; one that is closed needs none."""

    @workflow.run
    async def run(self, revival: Revival) -> None:
        """Have the lifecycle run, if the invoice is open."""
        await workflow.execute_activity_method(
            Reversing.reopen_lifecycles,
            ReopeningRequest(revival.tenant_id, (revival.invoice_id,), workflow.now()),
            summary="have its lifecycle run",
            **options.PAYMENTS,
        )
