"""Structured logs and metrics. Ids of tenants, invoices, payments and workflows are bound to every line; secrets never are."""

import logging
import sys
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from gateways.breaker import Change

# What an activity's input may carry that is worth a search; nothing personal is among it.
_BOUND_FIELDS = ("tenant_id", "run_id", "invoice_id", "payment_id", "message_id", "step")

log = structlog.get_logger(__name__)


def configure_logging(level: str) -> None:
    """One JSON object a line on standard error, from our code and from the libraries alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Full of addresses with tokens in them.
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def temporal_runtime(metrics_port: int) -> Runtime:
    """The SDK's runtime, with its metrics for Prometheus on `metrics_port` (0: none)."""
    if not metrics_port:
        return Runtime.default()
    metrics = PrometheusConfig(
        bind_address=f"0.0.0.0:{metrics_port}", durations_as_seconds=True, counters_total_suffix=True, unit_suffix=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics), worker_heartbeat_interval=timedelta(seconds=60))


class BreakerTelemetry:
    """Logs and counts what the gateways' breakers do.

    `dunlin_gateway_breaker_open` is 1 while an account is left alone, else 0; `dunlin_gateway_breaker_openings_total` counts.

    Args:
        meter: of `temporal_runtime`, so that all metrics of a worker are on one port.
    """

    def __init__(self, meter: MetricMeter = MetricMeter.noop) -> None:
        self._open = meter.create_gauge("dunlin_gateway_breaker_open", "Whether the gateway's account is left alone")
        self._openings = meter.create_counter("dunlin_gateway_breaker_openings", "How often half the calls failed")

    def __call__(self, change: Change) -> None:
        labels = {"gateway": change.gateway, "account": change.account_id}
        self._open.set(int(change.is_open), labels)
        if change.is_open:
            self._openings.add(1, labels)
            log.error("a gateway does not answer and is left alone", **labels, error=change.error)
        else:
            log.warning("a gateway answers again", **labels)


class BindIds(Interceptor):
    """Binds the ids of an activity's workflow and input to every line that it logs."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - SDK's name
        return _BindActivityIds(super().intercept_activity(next))


class _BindActivityIds(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - SDK's name
        info = activity.info()
        ids = {
            name: getattr(argument, name)
            for argument in input.args
            for name in _BOUND_FIELDS
            if getattr(argument, name, None) is not None
        }
        with structlog.contextvars.bound_contextvars(
            workflow_id=info.workflow_id, activity=info.activity_type, attempt=info.attempt, **ids
        ):
            return await super().execute_activity(input)
