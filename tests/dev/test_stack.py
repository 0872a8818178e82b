"""The stack as scripts use it: `up --detach`, `stack.json`, `down`, with the parts that are not Dunlin itself."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dev.blueprint import ROOT, Blueprint
from dev.processes import ProcessId
from dev.registry import AlreadyRunningError
from dev.stack import Stack, StackError, detach

OWN_PARTS = ("migrate", "seed", "api", "worker")
GATEWAYS = ("paynow", "yoco", "payfast", "ozow")
WITHOUT = (*OWN_PARTS, "temporal", *GATEWAYS)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def stack(state: Path) -> Iterator[dict[str, Any]]:
    handle = Stack(state)
    try:
        yield handle.up(without=WITHOUT)
    finally:
        handle.down()


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dev", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_stack_json_tells_every_address_in_the_agreed_shape(stack: dict[str, Any], state: Path) -> None:
    assert stack["smtp"]["host"] == "127.0.0.1"
    agreed = {"api", "temporal", "temporal_ui", "database_url", "smtp", "inbox", "gateways", "credentials", "tenants"}
    assert set(stack) == agreed | {"app_url", "pids"}
    assert set(stack["gateways"]) == set(stack["credentials"]) == set(GATEWAYS)
    assert set(stack["credentials"]["paynow"]) >= {"integration_id", "integration_key"}
    assert set(stack["credentials"]["yoco"]) == {"secret_key", "webhook_secret"}
    assert set(stack["credentials"]["payfast"]) == {"merchant_id", "merchant_key", "passphrase"}
    assert set(stack["credentials"]["ozow"]) == {"site_code", "private_key", "api_key"}
    assert stack == json.loads((state / "stack.json").read_text())


def test_only_its_owner_can_read_what_holds_secrets(stack: dict[str, Any], state: Path) -> None:
    for name in ("stack.json", "secrets.json", *(f"{gateway}.json" for gateway in GATEWAYS)):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600, name


def test_what_it_names_can_be_used(stack: dict[str, Any]) -> None:
    assert httpx.get(f"{stack['inbox']}/api/v1/messages").json()["total"] == 0
    with psycopg.connect(stack["database_url"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("dunlin",)


def test_the_pids_are_those_of_the_parts(stack: dict[str, Any]) -> None:
    assert set(stack["pids"]) == {"postgres", "inbox"}
    assert all(ProcessId.of(pid) for pid in stack["pids"].values())


def test_status_tells_that_it_is_ready(stack: dict[str, Any], state: Path) -> None:
    told = dev("status", f"--state={state}")

    assert told.returncode == 0
    assert "is ready" in told.stdout
    assert stack["inbox"] in told.stdout


def test_env_names_the_database_that_runs(stack: dict[str, Any], state: Path) -> None:
    assert f"DATABASE_URL={stack['database_url']}" in dev("env", f"--state={state}").stdout.splitlines()


def test_a_second_start_is_refused_and_harms_nothing(stack: dict[str, Any], state: Path) -> None:
    with pytest.raises(AlreadyRunningError, match="already runs"):
        detach(state, without=WITHOUT)

    assert httpx.get(f"{stack['inbox']}/readyz").status_code == 200


def test_a_restart_from_the_command_line_writes_the_new_pid(stack: dict[str, Any], state: Path) -> None:
    told = dev("restart", "inbox", "--kill", f"--state={state}")

    assert told.returncode == 0, told.stderr
    assert Stack(state).describe()["pids"]["inbox"] != stack["pids"]["inbox"]


def test_down_ends_every_process_and_takes_the_addresses_away_and_the_next_start_has_the_same(tmp_path: Path) -> None:
    handle = Stack(tmp_path)
    first = handle.up(without=WITHOUT)
    processes = [ProcessId.of(pid) for pid in first["pids"].values()]

    assert handle.down()

    assert not any(process and process.alive for process in processes)
    assert not (tmp_path / "stack.json").exists()
    assert dev("status", f"--state={tmp_path}").returncode == 3
    try:
        again = handle.up(without=WITHOUT)
    finally:
        handle.down()
    assert {**again, "pids": {}} == {**first, "pids": {}}


def test_down_without_a_stack_says_so(tmp_path: Path) -> None:
    assert "No stack runs" in dev("down", f"--state={tmp_path}").stdout


def test_a_part_that_does_not_exist_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no part wroker; the stack has postgres, temporal"):
        Stack(tmp_path).up(without=["wroker"])


def test_a_failed_start_tells_why_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("a file where the directory should be")

    with pytest.raises(StackError, match="inbox ended while starting"):
        Stack(tmp_path).up(without=WITHOUT)

    assert not Stack(tmp_path).is_running
    assert not (tmp_path / "stack.json").exists()


def test_the_persons_own_settings_lead_no_part_to_a_real_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "PAYNOW_INTEGRATION_KEY", "YOCO_SECRET_KEY", "PAYFAST_PASSPHRASE", "OZOW_API_KEY", "SMTP_PASS", "PGHOST",
        "TEMPORAL_API_KEY",
    ):  # fmt: skip
        monkeypatch.setenv(name, "real")

    environment = Blueprint.lay_out(tmp_path).environment()

    assert "real" not in environment.values()
    for name in ("PAYNOW_API_URL", "YOCO_API_URL", "PAYFAST_URL", "PAYFAST_API_URL", "OZOW_API_URL"):
        assert environment[name].startswith("http://127.0.0.1:"), name
    assert environment["PAYNOW_RESULT_URL"] == f"{environment['APP_URL']}/webhooks/paynow"


def test_the_keys_of_a_stack_are_made_once(tmp_path: Path) -> None:
    first = Blueprint.lay_out(tmp_path)

    assert Blueprint.lay_out(tmp_path) == first
    assert first.secrets["secret_key"] != first.secrets["database_password"]


def test_parts_start_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    names = [part.name for part in Blueprint.lay_out(tmp_path).parts()]

    assert names == ["postgres", "temporal", "inbox", *GATEWAYS, "migrate", "seed", "api", "worker"]
