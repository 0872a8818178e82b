"""Logs: one JSON object a line, with the ids that are bound, and without what opens anything."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

import telemetry
from domain.customer import Tenant
from persistence.database import Database
from tests.api.paying import bill
from tests.api.serving import bearer, caller, running, settings, token_of


@dataclasses.dataclass
class Log:
    """What was written to standard error."""

    captured: pytest.CaptureFixture[str]
    text: str = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.text += self.captured.readouterr().err
        return [json.loads(line) for line in self.text.splitlines()]

    def only(self, event: str) -> dict[str, Any]:
        (line,) = [line for line in self.lines if line["event"] == event]
        return line


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Log]:
    """What this test logs, once it has configured the log (a handler writes to the standard error of its own time)."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Log(capsys)
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()


def test_a_line_is_one_object_with_the_ids_that_are_bound(log: Log) -> None:
    telemetry.configure_logging("INFO")
    with structlog.contextvars.bound_contextvars(tenant_id="ten_1", payment_id="pay_1"):
        structlog.get_logger("house").info("settled\nin full", amount="USD 25.00")
    structlog.get_logger("house").info("after")
    line, after = log.lines
    assert (line["event"], line["tenant_id"], line["payment_id"]) == ("settled\nin full", "ten_1", "pay_1")
    assert (line["amount"], line["level"], line["logger"]) == ("USD 25.00", "info", "house")
    assert line["timestamp"].endswith("Z")
    assert "payment_id" not in after


def test_the_libraries_lines_look_like_ours_and_carry_the_ids_too(log: Log) -> None:
    telemetry.configure_logging("INFO")
    with structlog.contextvars.bound_contextvars(workflow_id="payment/pay_1"):
        logging.getLogger("some.library").warning("%d tries", 3, extra={"attempt": 3})
    line = log.only("3 tries")
    assert (line["workflow_id"], line["logger"], line["attempt"]) == ("payment/pay_1", "some.library", 3)


def test_an_exception_stays_on_its_line(log: Log) -> None:
    telemetry.configure_logging("INFO")
    try:
        json.loads("no\njson")
    except ValueError:
        structlog.get_logger("house").exception("went wrong")
    assert "JSONDecodeError" in log.only("went wrong")["exception"]


def test_lines_below_the_level_and_addresses_that_libraries_log_are_left_out(log: Log) -> None:
    telemetry.configure_logging("INFO")
    structlog.get_logger("house").debug("too fine")
    for library in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(library).info("GET /pay/a-token")
    structlog.get_logger("house").info("coarse enough")
    assert [line["event"] for line in log.lines] == ["coarse enough"]


async def test_a_request_that_goes_wrong_is_logged_with_whose_it_was(
    log: Log, database_url: str, database: Database, tenant: Tenant
) -> None:
    async with running(settings(database_url)) as app, caller(app) as client:
        app.state.services = dataclasses.replace(app.state.services, clock=None)
        headers = token_of(database, tenant)
        assert (await client.get("/api/customers", headers=headers)).status_code == 500
    line = log.only("unexpected error")
    assert (line["method"], line["path"], line["tenant_id"]) == ("GET", "/api/customers", tenant.id)
    assert line["staff"] == "Rudo (billing)"
    assert "TypeError" in line["exception"]
    assert headers["Authorization"].removeprefix("Bearer ") not in log.text


async def test_what_one_request_bound_is_not_on_the_next_ones_lines(
    log: Log, database_url: str, database: Database, tenant: Tenant
) -> None:
    async with running(settings(database_url)) as app, caller(app) as client:
        await client.get("/api/invoices", headers=token_of(database, tenant))
        app.state.services = None
        await client.get("/api/invoices", headers=bearer("dnl_unknown"))
    assert "tenant_id" not in log.only("unexpected error")


async def test_the_token_of_a_payment_link_is_in_no_line(log: Log, database_url: str, database: Database) -> None:
    open_bill = bill(database)
    async with running(settings(database_url, log_level="INFO")) as app, caller(app) as client:
        for path in ("", "/status"):
            await client.get(f"{open_bill.link}{path}")
        await open_bill.check_out(client)  # Temporal is down
        app.state.services = dataclasses.replace(app.state.services, clock=None)
        assert (await open_bill.check_out(client)).status_code == 500
        app.state.services = None
        assert (await client.get(open_bill.link)).status_code == 500
    assert {line["path"] for line in log.lines} == {"/pay"}
    assert {"unexpected error", "Temporal does not answer"} <= {line["event"] for line in log.lines}
    assert open_bill.token not in log.text
