"""The billing run: issues a period's invoices batch by batch, starts their lifecycles, and shows how far it is."""

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.invoicing import BatchRequest, Invoicing, RunProgress, RunRequest
    from domain.billing import RunTotals
    from workflows import options

# A batch is one transaction: small enough to hold the number series briefly, large enough not to drown in history.
BATCH_SIZE = 25
BATCHES_A_RUN = 200


@dataclass(frozen=True, slots=True)
class BillingRunInput:
    """Which run to carry out; the run's row holds its period and how far it is."""

    tenant_id: str
    run_id: str
    dry_run: bool = False
    batch_size: int = BATCH_SIZE


@workflow.defn(name="BillingRun")
class BillingRun:
    """One tenant's run for one period."""

    @workflow.init
    def __init__(self, run: BillingRunInput) -> None:
        self._run = run
        self._progress = RunProgress(customers_total=0, totals=RunTotals(), done=False)

    @workflow.run
    async def run(self, run: BillingRunInput) -> RunProgress:
        """Issue every batch, start the lifecycles, close the run."""
        for _ in range(BATCHES_A_RUN):
            await self._issue_batch()
            if self._progress.done:
                break
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(run)
        else:
            workflow.continue_as_new(run)
        if not run.dry_run:
            await workflow.execute_activity_method(
                Invoicing.start_lifecycles,
                self._request(),
                summary="start the invoices' lifecycles",
                **options.START_LIFECYCLES,
            )
        self._progress = await workflow.execute_activity_method(
            Invoicing.complete_run, self._request(), summary="close the run", **options.BILLING
        )
        self._show()
        return self._progress

    @workflow.query
    def progress(self) -> RunProgress:
        """How far the run is."""
        return self._progress

    async def _issue_batch(self) -> None:
        batch = BatchRequest(self._run.tenant_id, self._run.run_id, self._run.batch_size, workflow.now())
        self._progress = await workflow.execute_activity_method(
            Invoicing.issue_batch,
            batch,
            summary=f"customers from {self._progress.totals.customers + 1}",
            **options.BILLING,
        )
        self._show()

    def _request(self) -> RunRequest:
        return RunRequest(self._run.tenant_id, self._run.run_id, workflow.now())

    def _show(self) -> None:
        totals = self._progress.totals
        kind = "Dry run" if self._run.dry_run else "Billing run"
        workflow.set_current_details(
            f"**{kind}**: {totals.customers} of {self._progress.customers_total} customers, {totals.issued} invoices, "
            f"{totals.nothing_due} with nothing due, {totals.parked} parked, {totals.withheld} withheld"
        )
