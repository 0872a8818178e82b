"""The unit of measure: a workflow that runs one activity which does nothing, and the process that serves it.

`python -m benchmarks.bare_round_trip --temporal HOST:PORT` works until it is stopped; the client, the threads and the sandbox
are set up as in `worker.py`, so that only the work itself differs.
"""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import click
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

QUEUE = "benchmark"
_THREADS = 10


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


async def serve(address: str) -> None:
    """Serve the queue until SIGTERM or SIGINT."""
    from workflows.client import connect  # noqa: PLC0415 - the sandbox loads this module for each workflow: keep it small

    client, stopped = await connect(address), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    restrictions = SandboxRestrictions.default.with_passthrough_modules("benchmarks", "workflows")
    with ThreadPoolExecutor(_THREADS) as executor:
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[BareRoundTrip],
            activities=[nothing],
            activity_executor=executor,
            max_concurrent_activities=_THREADS,
            workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        ):
            await stopped.wait()


@click.command()
@click.option("--temporal", "address", required=True, help="Host and port of the Temporal server.")
def main(address: str) -> None:
    """Serve bare round trips."""
    asyncio.run(serve(address))


if __name__ == "__main__":
    main()
