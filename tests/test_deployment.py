"""The production shape: what the image, the compose file and the example settings must agree on, checked without Docker."""

import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.ports import free_port
from dev.processes import spawn, stop, wait_until
from dev.temporal import DYNAMIC_CONFIG, TemporalServer, binary
from settings import Settings
from workflows import names

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
SETTINGS = {name.upper() for name in Settings.model_fields}
SECRET = re.compile(r"PASSWORD|PASS$|PWD|SECRET|INTEGRATION_KEY")
INTERPOLATED = re.compile(r"\$\{([A-Z_]+)")
NAMESPACE_SCRIPT = ROOT / "deploy" / "temporal-namespace.sh"


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(ROOT / "docker-compose.yml")["services"]
    return found


def copied() -> list[str]:
    """What the Dockerfile takes from this folder."""
    lines = [line.split()[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line]
    return [source for *sources, _target in lines for source in sources]


def is_one_shot(service: dict[str, Any]) -> bool:
    return str(service["restart"]).startswith("on-failure")


def test_the_image_holds_everything_that_its_programs_import(tmp_path: Path) -> None:
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source)
        else:
            shutil.copy(ROOT / source, tmp_path / source)
    outcome = subprocess.run(
        [sys.executable, "-c", "import api.app, manage, worker"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert outcome.returncode == 0, outcome.stderr


def test_the_build_sees_what_it_copies_and_no_secrets_tests_or_tools() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    allowed = [pattern.removeprefix("!") for pattern in ignore if pattern.startswith("!")]
    assert "*" in ignore
    assert [source for source in copied() if not any(fnmatch.fnmatch(source, pattern) for pattern in allowed)] == []
    for kept_out in (".env", ".venv", ".git", "tests", "dev", "lint"):
        assert not any(fnmatch.fnmatch(kept_out, pattern) for pattern in allowed), kept_out


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    assert re.search(r"^USER dunlin$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in DOCKERFILE


def test_no_secret_stands_in_a_file_that_is_committed() -> None:
    written = re.findall(r"^\s+([A-Z_]+): (.*)$", COMPOSE, re.MULTILINE)
    secrets = {name: value for name, value in written if SECRET.search(name)}
    assert {"POSTGRES_PASSWORD", "SQL_PASSWORD", "POSTGRES_PWD", "SMTP_PASS", "DUNLIN_SECRET_KEY"} <= secrets.keys()
    assert [name for name, value in secrets.items() if not re.fullmatch(r"\$\{[A-Z_]+:[-?][^}]*\}", value)] == []
    assert [name for name, value in secrets.items() if re.search(r":-.+\}", value)] == [], "a default password is no password"
    assert {name: value for name, value in EXAMPLE.items() if SECRET.search(name) and value} == {}


def test_a_missing_secret_stops_the_start_with_its_name() -> None:
    for name in ("POSTGRES_PASSWORD", "DUNLIN_DB_PASSWORD", "TEMPORAL_POSTGRES_PASSWORD", "DUNLIN_SECRET_KEY", "APP_URL"):
        assert re.findall(rf"\$\{{{name}(?!:\?set {name} in \.env)", COMPOSE) == [], name
        assert f"${{{name}:?" in COMPOSE


def test_the_example_names_every_setting_and_nothing_else() -> None:
    assert EXAMPLE.keys() == SETTINGS | set(INTERPOLATED.findall(COMPOSE))


def test_the_example_gives_settings_that_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    settings = Settings(_env_file=ROOT / ".env.example")
    assert (settings.smtp_port, settings.dunlin_ready_file, settings.paynow_credentials) == (1025, None, None)


def test_compose_hands_every_setting_to_api_and_workers(services: dict[str, Any]) -> None:
    for name in ("api", "worker-billing", "worker-payments", "worker-mail", "migrate"):
        handed = services[name]["environment"].keys() | {"DUNLIN_READY_FILE"}
        assert handed == SETTINGS, name
    assert services["worker-mail"]["environment"]["DUNLIN_READY_FILE"] in services["worker-mail"]["healthcheck"]["test"]


def test_every_service_has_a_health_check_or_runs_once(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if is_one_shot(service)} == {
        "migrate",
        "temporal-namespace",
        "temporal-schema",
    }
    for name, service in services.items():
        assert is_one_shot(service) != ("healthcheck" in service), name


def test_nothing_starts_before_what_it_needs_is_ready(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            once = is_one_shot(services[needed])
            assert how["condition"] == ("service_completed_successfully" if once else "service_healthy"), (name, needed)
    for name in ("api", "worker-billing", "worker-payments", "worker-mail"):
        assert services[name]["depends_on"].keys() == {"migrate", "temporal-namespace"}


def test_every_task_queue_has_a_worker(services: dict[str, Any]) -> None:
    commands = [service["command"] for name, service in services.items() if name.startswith("worker-")]
    assert [command[:2] for command in commands] == [["python", "worker.py"]] * len(names.QUEUES)
    assert {command[2] for command in commands} == set(names.QUEUES)


def test_ports_are_open_to_this_machine_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_billing_and_temporal_keep_their_data_in_volumes_of_their_own(services: dict[str, Any]) -> None:
    mounted = {name: services[name]["volumes"][0] for name in ("postgres", "temporal-postgres")}
    assert mounted == {
        "postgres": "postgres:/var/lib/postgresql",
        "temporal-postgres": "temporal-postgres:/var/lib/postgresql",
    }


def test_every_file_that_is_mounted_exists() -> None:
    mounted = re.findall(r"- \./(\S+?):", COMPOSE)
    assert len(mounted) == 4
    assert [path for path in mounted if not (ROOT / path).exists()] == []


def test_the_server_of_production_is_the_one_that_is_tested_against() -> None:
    told = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True, env={}).stdout
    versions = re.search(r"Server (\S+), UI ([\d.]+)", told)
    assert versions
    assert set(re.findall(r"temporalio/(?:server|admin-tools):(\S+)", COMPOSE)) == {versions[1]}
    assert re.findall(r"temporalio/ui:(\S+)", COMPOSE) == [versions[2]]


def test_the_server_of_production_has_the_dynamic_configuration_of_the_embedded_one() -> None:
    values = read_yaml(ROOT / "deploy" / "dynamicconfig" / "dunlin.yaml")
    given = {key: str(entry["value"]).lower() for key, (entry,) in values.items()}
    # Skipping time is for demos and tests alone.
    assert given == {key: value for key, value in DYNAMIC_CONFIG.items() if key != "frontend.WorkflowTimeSkippingEnabled"}


def test_the_namespace_gets_every_search_attribute_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """The script itself, against a real server."""
    server = TemporalServer(tmp_path / "temporal.db", free_port(), free_port())
    process = spawn(server.command, log=tmp_path / "temporal.log", environment=os.environ, directory=tmp_path)
    path = f"{binary().parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": "dunlin"}

    def run(*command: str) -> str:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout

    try:
        assert wait_until(lambda: process.poll() is not None or server.is_ready(), within=60)
        first, second = run("sh", str(NAMESPACE_SCRIPT)), run("sh", str(NAMESPACE_SCRIPT))
        listed = dict(
            re.findall(
                r"^\s*(\w+)\s+(\w+)\s*$", run("temporal", "operator", "search-attribute", "list", "-n", "dunlin"), re.MULTILINE
            )
        )
        assert "720h" in run("temporal", "operator", "namespace", "describe", "-n", "dunlin")
    finally:
        stop(process, with_signal=signal.SIGTERM, grace=20)
    kinds = {key.name: key.indexed_value_type.name.title() for key in names.SEARCH_ATTRIBUTES}
    assert {name: listed.get(name) for name in kinds} == kinds
    assert "added" in first
    assert not second
