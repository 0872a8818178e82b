"""`make bench`: how long a suspended customer who has paid waits for status ACTIVE, in bare activity round trips.

The hold is lifted in the transaction that settles the money, so what is measured is the way to it: from the moment Paynow's
update arrives, and from the moment staff send what they recorded, to the first answer of the API that says ACTIVE. Bare round
trips are made in between, so that noise hits both. Exits 1 when p95 is more than six round trips.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import select
from temporalio.client import Client

from benchmarks.bare_round_trip import make_round_trip
from benchmarks.business import MeasuredBusiness, open_business
from benchmarks.latencies import Comparison, Latencies
from dev.blueprint import ROOT
from dev.demo_business import until
from dev.demo_time import TimeMachine
from dev.processes import spawn, stop
from dev.stack import Stack, StackError
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy
from persistence.database import Database
from persistence.models import WebhookRow
from workflows.client import connect

STATE = Path(".stack/bench")
_PERIOD = "2026-11"
_SAMPLES, _WARM_UPS = 50, 3
# A payer at Paynow's simulator who does nothing until told to.
_PHONE = "0782000001"
# Suspended a week after the due day, on whatever day that is.
_POLICY = DunningPolicy((DunningStep.usual(1, Action.FINAL_WARNING), DunningStep.usual(7, Action.SUSPEND)))

console = Console(highlight=False)


class Measurement:
    """One run on a running stack."""

    def __init__(self, business: MeasuredBusiness, client: Client) -> None:
        self._business, self._client = business, client
        self._paynow = httpx.AsyncClient(base_url=business.addresses["gateways"]["paynow"], timeout=60, trust_env=False)
        self._database = Database(business.addresses["database_url"])
        self._round_trips = 0

    async def close(self) -> None:
        """Let go of what was opened."""
        await self._paynow.aclose()
        self._database.close()

    async def run(self, samples: int, warm_ups: int) -> Comparison:
        """Measure everything in turn; a suspended customer pays once a sample, and each way needs its own."""
        debts = iter(self._business.invoices)
        bare, updates, records = list[float](), list[float](), list[float]()
        for number in range(warm_ups + samples):
            for times, pay in ((updates, self._by_update), (records, self._by_record)):
                round_trip = await self._bare_round_trip()
                waited = await pay(next(debts))
                # The letters that a payment causes are not to weigh on the next measurement.
                await self._business.wait_for_letters()
                if number >= warm_ups:
                    bare.append(round_trip)
                    times.append(waited)
        return Comparison(
            Latencies("bare activity round trip", tuple(bare)),
            (
                Latencies("Paynow's update → ACTIVE", tuple(updates)),
                Latencies("recorded payment → ACTIVE", tuple(records)),
            ),
        )

    async def _bare_round_trip(self) -> float:
        self._round_trips += 1
        begun = time.perf_counter()
        await make_round_trip(self._client, f"bare/{self._business.tenant_id}/{self._round_trips}")
        return time.perf_counter() - begun

    async def _by_update(self, invoice: dict[str, Any]) -> float:
        """The payer pays at Paynow, and its update comes to our door."""
        payment_id = (await self._business.check_out(invoice, _PHONE))["payment_id"]
        transactions = (await self._paynow.get("/_control/transactions")).json()["transactions"]
        reference = transactions[-1]["reference"]
        moved = await self._paynow.post(f"/_control/transactions/{reference}/status", json={"status": "Paid"})
        moved.raise_for_status()
        await self._until_active(invoice["customer_id"])
        seen_at = datetime.now(UTC)
        return (seen_at - await asyncio.to_thread(self._arrived_at, payment_id)).total_seconds()

    async def _by_record(self, invoice: dict[str, Any]) -> float:
        """Staff see the money on the account and say so."""
        body = {"invoice_id": invoice["id"], "amount": invoice["amount_due"]["minor"]}
        begun = time.perf_counter()
        await self._business.record(f"BENCH-{invoice['number']}", body)
        await self._until_active(invoice["customer_id"])
        return time.perf_counter() - begun

    async def _until_active(self, customer_id: str) -> None:
        """Ask as staff's console would, again and again without a pause."""

        async def ask() -> None:
            while await self._business.billing_status(customer_id) != "ACTIVE":
                pass

        await asyncio.wait_for(ask(), timeout=60)

    def _arrived_at(self, payment_id: str) -> datetime:
        with self._database.system() as system:
            return system.scalars(select(WebhookRow.received_at).where(WebhookRow.payment_id == payment_id)).one()


async def compare(stack: Stack, samples: int, *, warm_ups: int = _WARM_UPS, slug: str = "bench") -> Comparison:
    """Suspend as many customers as are needed on a running stack, and measure how each comes back."""
    first_days = [f"{_PERIOD}-01"] * (2 * (samples + warm_ups))
    business = await asyncio.to_thread(open_business, stack, slug, _POLICY, first_days)
    client = await connect(stack.describe()["temporal"])
    measurement = Measurement(business, client)
    try:
        await _suspend_everybody(business, client)
        with _served_round_trips(stack):
            return await measurement.run(samples, warm_ups)
    finally:
        await measurement.close()
        await business.close()


async def _suspend_everybody(business: MeasuredBusiness, client: Client) -> None:
    await business.start_billing(_PERIOD)
    await business.follow_billing(lambda _: None)
    await business.wait_for_letters()
    await business.load_details()
    last = business.invoices[0]["steps"][-1]["step"]
    await TimeMachine(client).move_past(business.invoices, last, lambda: None)

    async def suspended() -> bool:
        return await business.count_suspended() == len(business.invoices)

    await until(suspended, "everybody to be suspended", business.patience)
    await business.wait_for_letters()


@contextmanager
def _served_round_trips(stack: Stack) -> Iterator[None]:
    """A worker process of its own, as the product's is."""
    command = [sys.executable, "-m", "benchmarks.bare_worker", f"--temporal={stack.describe()['temporal']}"]
    process = spawn(command, log=stack.state / "logs" / "bare.log", environment=os.environ, directory=ROOT)
    try:
        yield
    finally:
        stop(process, with_signal=signal.SIGTERM, grace=20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns 0, or 1 when a path takes longer than it may."""
    options = _options(arguments)
    stack = Stack(options.state)
    stack.down()
    shutil.rmtree(options.state, ignore_errors=True)
    console.print(f"Suspending {2 * (options.samples + _WARM_UPS)} customers, and letting them pay one by one …")
    try:
        stack.up()
        comparison = asyncio.run(compare(stack, options.samples))
    except StackError as error:
        console.print(f"[red]{error}")
        return 1
    finally:
        stack.down()
    console.print(_table(comparison))
    written = options.json or options.state / "reactivation.json"
    written.write_text(json.dumps(comparison.rows(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print("Written to", written)
    for fault in comparison.faults:
        console.print(f"[red]TOO SLOW: {fault}")
    return 1 if comparison.faults else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reactivation", description=__doc__)
    parser.add_argument("--samples", type=int, default=_SAMPLES, help=f"of each way that money takes (default {_SAMPLES})")
    parser.add_argument("--state", type=Path, default=STATE, help="directory of its stack; emptied at the start")
    parser.add_argument("--json", type=Path, help="where the numbers are written; the state directory by default")
    return parser.parse_args(arguments)


def _table(comparison: Comparison) -> Table:
    columns = {"n": "samples", "p50": "p50_multiple", "p95": "p95_multiple", "p95/p50": "p95_in_medians"}
    columns |= {"p50 ms": "p50_ms", "p95 ms": "p95_ms"}
    table = Table(Column("", no_wrap=True), *columns, title="In bare round trips of the same run")
    for row in comparison.rows():
        table.add_row(row["what"], *(str(row[name]) for name in columns.values()))
    return table


if __name__ == "__main__":
    sys.exit(main())
