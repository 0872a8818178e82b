"""The README's first command, and the same with a worker that is killed in the middle of the billing run."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.stack import Stack

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(600)


def run_demo(state: Path, *options: str) -> dict[str, Any]:
    """Run the demo as `make demo` does; its closing table, and proof that it left nothing behind."""
    table = state.with_suffix(".json")
    command = [sys.executable, "-m", "dev", "demo", f"--state={state}", f"--json={table}", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Checked:" in done.stdout
    assert "BROKEN" not in done.stdout
    assert_nothing_stays_behind(state)
    return {row["business"]: row for row in json.loads(table.read_text())}


def assert_nothing_stays_behind(state: Path) -> None:
    assert not Stack(state).is_running
    left = [
        process.info
        for process in psutil.process_iter(["pid", "cmdline"])
        if str(state) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []
    for port in json.loads((state / "ports.json").read_text()).values():
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} still answers"


def test_a_worker_killed_in_the_middle_of_the_billing_run_ends_in_the_same_table(tmp_path: Path) -> None:
    undisturbed = run_demo(tmp_path / "undisturbed")
    killed = run_demo(tmp_path / "killed", "--kill-worker")

    assert killed == undisturbed
    technologies = undisturbed["cvt"]
    assert technologies["invoiced"] == 46, "48 customers, of whom 2 have no address to write to"
    assert technologies["paid"] == 38
    assert (technologies["voided"], technologies["written_off"]) == (1, 1)
    assert (technologies["suspended"], technologies["reactivated"], technologies["still_suspended"]) == (15, 11, 4), (
        "seven who paid are back, and four about whom staff decided otherwise"
    )
    assert undisturbed["crechebooks"]["invoiced"] == 40
