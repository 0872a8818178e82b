"""A lifecycle of two years with hundreds of signals begins new runs on its way, and loses nothing of what it was told."""

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus, WorkflowHistory

from domain.money import Money
from tests.workflows import histories
from tests.workflows.bench import Bench, Handle, eventually
from workflows import names, options
from workflows.invoice_lifecycle import InvoiceLifecycle, PaymentSettled

WAVES, SIGNALS_A_WAVE = 12, 40
TWO_MONTHS = timedelta(days=61)


async def runs_of(bench: Bench, handle: Handle) -> list[WorkflowHistory]:
    """The histories of all runs of a workflow, the first one first."""
    current = await handle.describe()
    chain = [await bench.engine.client.get_workflow_handle(handle.id, run_id=current.run_id).fetch_history()]
    while before := chain[0].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        chain.insert(0, await bench.engine.client.get_workflow_handle(handle.id, run_id=before).fetch_history())
    return chain


def signals_in(history: WorkflowHistory) -> int:
    return sum(event.HasField("workflow_execution_signaled_event_attributes") for event in history.events)


def news_in(history: WorkflowHistory) -> set[str]:
    """The payments that a run which began anew says it had heard of, and those that it was told of itself."""
    text = " ".join(event.SerializeToString().decode("latin-1") for event in history.events)
    return {
        f"pay_{wave}_{number}" for wave in range(WAVES) for number in range(SIGNALS_A_WAVE) if f'"pay_{wave}_{number}"' in text
    }


async def test_a_lifecycle_of_two_years_with_hundreds_of_signals_loses_none(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle("900.00")
    told: set[str] = set()
    for wave in range(WAVES):
        payments = [f"pay_{wave}_{number}" for number in range(SIGNALS_A_WAVE)]
        for burst in range(0, SIGNALS_A_WAVE, 4):
            news = [PaymentSettled(payment, Money(899_00, "USD")) for payment in payments[burst : burst + 4]]
            await asyncio.gather(*(lifecycle.signal(InvoiceLifecycle.payment_settled, event) for event in news))
        told.update(payments)
        await bench.forward(lifecycle, TWO_MONTHS)

    runs = await runs_of(bench, lifecycle)
    assert len(runs) > 2, "it began new runs"
    assert all(len(run.events) < 2 * options.LONGEST_LIFECYCLE_EVENTS for run in runs)
    assert sum(signals_in(run) for run in runs) == WAVES * SIGNALS_A_WAVE
    assert news_in(runs[-1]) == told, "the last run knows of every payment that any run was told of"

    described = await lifecycle.describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert described.typed_search_attributes[names.INVOICE_ID] == invoice.id
    priority = described.raw_description.workflow_execution_info.priority
    assert (priority.priority_key, priority.fairness_key) == (options.LIFECYCLE_PRIORITY, bench.tenant.id)
    assert bench.letters(invoice) == [
        "invoice_issued SENT",
        "payment_reminder SENT",
        "overdue_notice SENT",
        "overdue_notice SENT",
        "final_warning SENT",
        "suspension_notice SENT",
    ], "no step was taken twice by a later run"

    await lifecycle.signal(InvoiceLifecycle.payment_settled, PaymentSettled("pay_0_0", Money(0, "USD")))
    await bench.pay(invoice)
    assert await bench.ended(lifecycle) == "PAID"
    await eventually(lambda: "reactivation_confirmation SENT" in bench.letters(invoice), "the customer is back")
    histories.keep("lifecycle_started_afresh", (await runs_of(bench, lifecycle))[-1])
