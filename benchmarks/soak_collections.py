"""`make soak`: lifecycles by the thousand through suspension and back while workers are killed, then every letter is counted.

It runs on an embedded stack of its own with the real policy and the real API; days pass by skipping time on the live server.
It ends with a table and exits 1 when anything is off: a letter too many or too few, a customer who is not back, a book that
does not balance, a workflow that runs on.
"""

import argparse
import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.soak_story import SoakPlan, soak
from benchmarks.soak_verdict import Verdict
from dev.stack import Stack, StackError

STATE = Path(".stack/soak")
_LIVES_A_KILL = 50
_MOST_FAULTS_SHOWN = 20

console = Console(highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak. Returns 0 when everything held, 1 when something did not."""
    options = _options(arguments)
    plan = SoakPlan(
        options.lives,
        options.lives // _LIVES_A_KILL if options.kills is None else options.kills,
        options.seed,
        one_letter_a_day=not options.letter_an_invoice,
    )
    stack = Stack(options.state)
    stack.down()
    shutil.rmtree(options.state, ignore_errors=True)
    console.print(
        f"{plan.lives} lifecycles, the worker is killed {plan.kills} times; "
        f"to repeat it: --lives {plan.lives} --kills {plan.kills} --seed {plan.seed}"
    )
    try:
        stack.up()
        verdict = asyncio.run(soak(stack, plan, lambda line: console.print(" ", line)))
    except StackError as error:
        console.print(f"[red]{error}")
        return 1
    finally:
        stack.down()
        console.print("The stack has stopped. Its data and logs are in", options.state)
    if options.json:
        options.json.write_text(json.dumps(_numbers(verdict), indent=1) + "\n")
    return _conclude(verdict)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak_collections", description=__doc__)
    parser.add_argument("--lives", type=int, default=1000, help="how many invoices live (default 1000)")
    parser.add_argument("--kills", type=int, help=f"how often the worker is killed (default: once in {_LIVES_A_KILL} lives)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="chooses when; printed")
    parser.add_argument("--letter-an-invoice", action="store_true", help="a policy without one letter of a kind a day")
    parser.add_argument("--state", type=Path, default=STATE, help="directory of its stack; emptied at the start")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    return parser.parse_args(arguments)


def _conclude(verdict: Verdict) -> int:
    console.print(verdict.table())
    for fault in verdict.faults[:_MOST_FAULTS_SHOWN]:
        console.print(f"[red]BROKEN: {fault}")
    if len(verdict.faults) > _MOST_FAULTS_SHOWN:
        console.print(f"[red]… and {len(verdict.faults) - _MOST_FAULTS_SHOWN} more.")
    if not verdict.faults:
        console.print("[green]Each customer got exactly one letter per step, is ACTIVE, and the books hold.")
    return 1 if verdict.faults else 0


def _numbers(verdict: Verdict) -> dict[str, object]:
    return {
        "lives": verdict.lives,
        "customers": verdict.customers,
        "suspended": verdict.suspended,
        "active": verdict.active,
        "letters_due": verdict.due.total(),
        "letters": verdict.post.letters.total(),
        "copies": verdict.post.copies,
        "kills": verdict.kills,
        "seconds": {stage: round(took, 1) for stage, took in verdict.seconds.items()},
        "faults": list(verdict.faults),
    }


if __name__ == "__main__":
    sys.exit(main())
