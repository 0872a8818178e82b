"""The unit of measure: a workflow that runs one activity which does nothing. `bare_worker.py` serves it."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client

QUEUE = "benchmark"


@activity.defn(name="benchmark.nothing")
def nothing() -> None:
    """Do nothing, in a thread, as activities that use the database do."""


@workflow.defn(name="BareRoundTrip")
class BareRoundTrip:
    """One activity."""

    @workflow.run
    async def run(self) -> None:
        """Run it."""
        await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=10))


async def make_round_trip(client: Client, identity: str) -> None:
    """From asking to the answer; `identity` is the workflow's id, not used before."""
    await client.execute_workflow(BareRoundTrip.run, id=identity, task_queue=QUEUE)
