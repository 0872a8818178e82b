"""Histories: stored as files so that tomorrow's code is tried on them, replayed, and searched for what they must not hold."""

import json
import os
import re
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from workflows.billing_run import BillingRun
from workflows.customer_move import CustomerMoveWorkflow
from workflows.invoice_lifecycle import InvoiceLifecycle
from workflows.letter_delivery import LetterDelivery
from workflows.lifecycle_revival import LifecycleRevival
from workflows.payment import LatePayment, Payment, RecordedPayment
from workflows.payment_reversal import PaymentReversal
from workflows.reconciliation import DecidedPayment, Reconciliation
from workflows.scheduled_billing import ScheduledBilling

# What Temporal calls a process: its id and its machine's name.
_PROCESS = re.compile(rf"\d+@{re.escape(socket.gethostname())}")

FOLDER = Path(__file__).parent / "histories"
RENEW = "RENEW_HISTORIES"
WORKFLOWS: tuple[type, ...] = (
    BillingRun,
    ScheduledBilling,
    InvoiceLifecycle,
    LifecycleRevival,
    CustomerMoveWorkflow,
    Payment,
    LatePayment,
    RecordedPayment,
    PaymentReversal,
    DecidedPayment,
    Reconciliation,
    LetterDelivery,
)

# One history per path through a workflow; each is stored by the test that walks it.
PATHS = (
    "billing_run",
    "billing_run_dry",
    "customer_move",
    "late_payment",
    "letter_asked_for",
    "lifecycle_paid_early",
    "lifecycle_reopened",
    "lifecycle_revived",
    "lifecycle_started_afresh",
    "lifecycle_suspended_and_reactivated",
    "payment_by_poll",
    "payment_by_webhook",
    "payment_decided",
    "payment_declined",
    "payment_expired",
    "payment_never_answered",
    "payment_recorded",
    "payment_reversed",
    "reconciliation",
    "scheduled_billing",
)


def keep(path: str, history: WorkflowHistory) -> None:
    """Store a history under its path when `RENEW_HISTORIES=1` asks for it."""
    if path not in PATHS:
        raise ValueError(f"{path!r} is not listed in PATHS.")
    if os.environ.get(RENEW) == "1":
        FOLDER.mkdir(exist_ok=True)
        made = {"id": history.workflow_id, **_without_machine(json.loads(history.to_json()))}
        (FOLDER / f"{path}.json").write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")


def _without_machine(part: Any) -> Any:
    """Which process on which machine did it, from which folder, is nobody's business."""
    match part:
        case dict():
            return {name: _without_machine(value) for name, value in part.items() if name != "stackTrace"}
        case list():
            return [_without_machine(item) for item in part]
        case str():
            return _PROCESS.sub("worker", part)
        case _:
            return part


def stored(path: str = "*") -> list[WorkflowHistory]:
    """The histories of all files in the order of their names, or that of one path."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob(f"{path}.json"))]
    return [WorkflowHistory.from_json(json.loads(text)["id"], text) for text in texts]


async def failures(histories: Iterable[WorkflowHistory], workflows: Sequence[type] = WORKFLOWS) -> dict[str, str]:
    """What today's code (or `workflows`) cannot replay: workflow id to the reason; empty when it can replay all."""
    replayer = Replayer(
        workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=UnsandboxedWorkflowRunner()
    )
    results = await replayer.replay_workflows(_each(histories), raise_on_replay_failure=False)
    return {run_id: str(error) for run_id, error in results.replay_failures.items()}


async def _each(histories: Iterable[WorkflowHistory]) -> AsyncIterator[WorkflowHistory]:
    for history in histories:
        yield history


def holding(histories: Iterable[WorkflowHistory], secrets: Iterable[str]) -> list[str]:
    """Which of `secrets` any event holds, payloads and failures included."""
    events = [event.SerializeToString() for history in histories for event in history.events]
    return [secret for secret in secrets if any(secret.encode() in event for event in events)]
