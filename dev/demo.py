"""`make demo`: two businesses bill their customers for a month, end to end on the embedded stack, and the books are proved.

The story: import, dry run, billing run, letters, people who pay at once and people who wait, thirty-five days of the real
dunning ladder walked by skipping time on the live server, suspension, reactivation, what staff decide about the rest, and a
table that was counted.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dev.blueprint import ROOT, Blueprint
from dev.demo_business import Business
from dev.demo_payers import CRECHE, TECHNOLOGIES, Stage
from dev.demo_report import find_faults, outcome_table, tally
from dev.demo_staff import DECISIONS, let_staff_decide, tell_timeline
from dev.demo_time import TimeMachine
from dev.stack import Stack, StackError
from workflows.client import connect

STATE = Path(".stack/demo")
PERIOD = "2026-11"
DATA = Path(__file__).parent / "data"

console = Console(highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns 0 when every check held, 1 when one did not."""
    options = _options(arguments)
    stack = Stack(options.state)
    stack.down()
    shutil.rmtree(options.state, ignore_errors=True)
    try:
        console.rule("[bold]Dunlin: a month of billing for two businesses")
        console.print("Starting PostgreSQL, Temporal, a mail inbox, four gateways' simulators, the API and the worker …")
        stack.up()
        console.print(f"  {stack.describe()['temporal_ui']} Temporal UI   {stack.describe()['inbox']} inbox\n")
        return asyncio.run(_tell_story(stack, options))
    except StackError as error:
        console.print(f"[red]{error}")
        return 1
    finally:
        stack.down()
        console.print("The stack has stopped. Its data and logs are in", options.state)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev demo", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="directory of the demo's stack; emptied at the start")
    parser.add_argument("--kill-worker", action="store_true", help="SIGKILL the worker in the middle of the first billing run")
    parser.add_argument("--json", type=Path, help="also write the closing table to this file")
    return parser.parse_args(arguments)


async def _tell_story(stack: Stack, options: argparse.Namespace) -> int:
    addresses = stack.describe()
    _import_customers(options.state)
    businesses = [
        Business(addresses, "cvt", TECHNOLOGIES),
        Business(addresses, "crechebooks", CRECHE),
    ]
    machine = TimeMachine(await connect(addresses["temporal"]))
    await _bill(businesses, stack, kill_worker=options.kill_worker)
    for stage in Stage:
        await _live_through(stage, businesses, machine)
    await _let_staff_decide(businesses)
    rows = [await tally(business) for business in businesses]
    console.print(outcome_table(rows))
    if options.json:
        options.json.write_text(json.dumps([row.counted() for row in rows], indent=1) + "\n")
    faults = await find_faults(addresses, businesses, rows)
    for business in businesses:
        await business.close()
    return _judge(faults)


def _import_customers(state: Path) -> None:
    """Import the CSV files with the command that people use."""
    console.rule("Import from CSV", align="left")
    environment = Blueprint.of(state.resolve()).environment()
    for slug in ("cvt", "crechebooks"):
        files = [f"--{kind}={DATA / f'{slug}_{kind}.csv'}" for kind in ("plans", "customers", "charges")]
        command = [sys.executable, "-m", "manage", "import", f"--tenant={slug}", *files]
        for step in ([*command, "--dry-run"], command):
            done = subprocess.run(step, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise StackError(f"The import of {slug} failed:\n{done.stderr or done.stdout}")
            console.print(f"  {slug}: {done.stdout.strip()}")


async def _bill(businesses: list[Business], stack: Stack, *, kill_worker: bool) -> None:
    console.rule(f"Billing run {PERIOD}", align="left")
    for business in businesses:
        trial = await business.run_billing(PERIOD, dry_run=True)
        console.print(f"  {business.slug}: a dry run would issue {trial['issued']} invoices over {_amounts(trial)}")
    with _progress() as progress:
        for business in businesses:
            line = progress.add_task(f"  {business.slug}", total=None)

            def show(run: dict[str, Any], line: Any = line) -> None:
                progress.update(line, total=run["customers_total"], completed=run["customers"])

            await business.start_billing(PERIOD)
            if kill_worker and business is businesses[0]:
                await asyncio.to_thread(stack.restart, "worker", kill=True)
            run = await business.follow_billing(show)
            await business.start_billing(PERIOD)
            business.run = run
    for business in businesses:
        console.print(f"  {business.slug}: {business.run['issued']} invoices over {_amounts(business.run)}")
        for parked in business.run["parked_customers"]:
            console.print(f"    parked: {parked['reason']}")
        await business.load_invoices()
        await business.wait_for_letters()
        console.print(f"    every invoice was mailed: {await business.count_letters('invoice_issued')} letters in the inbox")


async def _live_through(stage: Stage, businesses: list[Business], machine: TimeMachine) -> None:
    """Move every open invoice to this stage of its ladder, and let those pay who pay now."""
    console.rule(stage.title, align="left")
    for business in businesses:
        waiting = await business.open_invoices()
        if stage.step is not None:
            with _progress() as progress:
                line = progress.add_task(f"  {business.slug}: skipping time", total=len(waiting))
                await machine.move_past(waiting, stage.step, partial(progress.advance, line))
            await business.wait_for_step(stage.step)
        payers = await business.let_pay(stage)
        told = ", ".join(f"{count} {how}" for how, count in payers.items()) or "nobody pays"
        suspended = await business.count_suspended()
        console.print(f"  {business.slug}: {len(waiting)} open; {told}; {suspended} suspended now")


async def _let_staff_decide(businesses: list[Business]) -> None:
    """What is still open after the whole ladder is for people."""
    console.rule("Staff decide about who has still not paid", align="left")
    for business in businesses:
        for told in await let_staff_decide(business, DECISIONS[business.slug]):
            console.print(f"  {business.slug}: {told}")
        number, lines = await tell_timeline(business)
        console.print(f"    the timeline of {number}, the newest first:")
        for line in lines:
            console.print(f"      {line}", soft_wrap=True)


def _judge(faults: list[str]) -> int:
    for fault in faults:
        console.print(f"[red]BROKEN: {fault}")
    if not faults:
        console.print(
            "[green]Checked: the ledger sums to zero, receivables equal open invoices less credit, no invoice number is "
            "missing, one mail per step, and the inbox holds what the log says."
        )
    return 1 if faults else 0


def _amounts(run: dict[str, Any]) -> str:
    return " and ".join(f"{amount['currency']} {amount['text']}" for amount in run["amounts"]) or "nothing"


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=False,
    )
