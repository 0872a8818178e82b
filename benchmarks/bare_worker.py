"""`python -m benchmarks.bare_worker --temporal HOST:PORT` serves bare round trips until it is stopped.

A process of its own, as the product's worker is, with its client, threads and sandbox: only the work itself differs.
"""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

import click
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from benchmarks.bare_round_trip import QUEUE, BareRoundTrip, nothing
from worker import THREADS
from workflows.client import connect

# Loaded once and not again for each workflow, or the yardstick would be longer than it has to be.
_PASSED_THROUGH = SandboxRestrictions.default.with_passthrough_modules("benchmarks")


async def serve(address: str) -> None:
    """Serve the queue until SIGTERM or SIGINT."""
    client, stopped = await connect(address), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with ThreadPoolExecutor(THREADS) as executor:
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[BareRoundTrip],
            activities=[nothing],
            activity_executor=executor,
            max_concurrent_activities=THREADS,
            workflow_runner=SandboxedWorkflowRunner(restrictions=_PASSED_THROUGH),
        ):
            await stopped.wait()


@click.command()
@click.option("--temporal", "address", required=True, help="Host and port of the Temporal server.")
def main(address: str) -> None:
    """Serve bare round trips."""
    asyncio.run(serve(address))


if __name__ == "__main__":
    main()
