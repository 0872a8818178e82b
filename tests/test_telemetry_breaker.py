"""What a breaker does is seen in the log, and where Prometheus reads a worker's metrics."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest

import telemetry
from dev.ports import free_port
from gateways.breaker import Change

OPENED = Change("gwa_1", "paynow", is_open=True, error="paynow: no answer.")
CLOSED = Change("gwa_1", "paynow", is_open=False, error="")
LABELS = 'account="gwa_1",gateway="paynow",service_name="temporal-core-sdk"'


@pytest.fixture
def _own_handlers() -> Iterator[None]:
    """The handlers that a test gives to the root logger go with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.mark.usefixtures("_own_handlers")
def test_a_breaker_that_opens_and_closes_is_logged_with_gateway_account_and_error(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("INFO")
    tell = telemetry.BreakerTelemetry()
    tell(OPENED)
    tell(CLOSED)
    opened, closed = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (opened["level"], opened["gateway"], opened["account"]) == ("error", "paynow", "gwa_1")
    assert opened["error"] == "paynow: no answer."
    assert (closed["level"], closed["event"]) == ("warning", "a gateway answers again")


def test_the_metrics_of_a_worker_tell_which_breaker_is_open_and_how_often_it_opened() -> None:
    port = free_port()
    runtime = telemetry.temporal_runtime(port)  # its metrics are served as long as it is held
    tell = telemetry.BreakerTelemetry(runtime.metric_meter)

    def metrics() -> list[str]:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text.splitlines()

    tell(OPENED)
    assert f"dunlin_gateway_breaker_open{{{LABELS}}} 1" in metrics()
    tell(CLOSED)
    tell(OPENED)
    tell(CLOSED)
    assert f"dunlin_gateway_breaker_open{{{LABELS}}} 0" in metrics()
    assert f"dunlin_gateway_breaker_openings_total{{{LABELS}}} 2" in metrics()
