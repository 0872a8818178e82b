"""The Temporal dev server, started for real: as a part of the stack, and as workflow tests start it."""

import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from dev.ports import free_port
from dev.processes import spawn, stop, wait_until
from dev.temporal import DATETIMES, KEYWORDS, TemporalServer, binary, dev_server_kwargs


async def custom_attributes(client: Client) -> set[str]:
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    return set(answer.custom_attributes)


def namespace(server: TemporalServer) -> str:
    question = [str(binary()), "operator", "namespace", "describe", "--namespace=default", f"--address={server.address}"]
    return subprocess.run(question, capture_output=True, text=True, check=True, env={}).stdout


def attributes(server: TemporalServer) -> str:
    question = [str(binary()), "operator", "search-attribute", "list", f"--address={server.address}"]
    return subprocess.run(question, capture_output=True, text=True, check=True, env={}).stdout


def test_the_server_has_our_search_attributes_and_keeps_closed_workflows_for_30_days(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path / "temporal.db", free_port(), free_port())
    process = spawn(server.command, log=tmp_path / "temporal.log", environment=os.environ, directory=tmp_path)
    try:
        assert wait_until(lambda: process.poll() is not None or server.is_ready(), within=60)
        assert process.poll() is None, (tmp_path / "temporal.log").read_text()
        assert "720h" in namespace(server)
        listed = attributes(server)
        assert [name for name in (*KEYWORDS, *DATETIMES) if name not in listed] == []
    finally:
        status = stop(process, with_signal=signal.SIGTERM, grace=20)
    assert status == 0, "it closed its file in good order"


def test_a_server_that_does_not_run_is_not_ready(tmp_path: Path) -> None:
    assert not TemporalServer(tmp_path / "temporal.db", free_port(), free_port()).is_ready()


@workflow.defn
class Patient:
    """Waits for 30 days."""

    @workflow.run
    async def run(self) -> str:
        begun = workflow.now()
        await workflow.sleep(timedelta(days=30))
        return str((workflow.now() - begun).days)


@pytest.mark.timeout(60)
async def test_workflow_tests_get_the_same_search_attributes_and_a_clock_that_skips_30_days() -> None:
    environment = await WorkflowEnvironment.start_time_skipping_v2(**dev_server_kwargs())
    async with (
        environment,
        Worker(environment.client, task_queue="patient", workflows=[Patient], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        assert await custom_attributes(environment.client) >= {*KEYWORDS, *DATETIMES}
        assert await environment.client.execute_workflow(Patient.run, id="patient", task_queue="patient") == "30"
