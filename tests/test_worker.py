"""The worker as a program: it says what is wrong with its arguments, and finishes what it has begun when told to stop."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from persistence import messages, migrate
from persistence.database import Database
from tests import databases, factories
from tests.mail.server import ScriptedHandler
from tests.workflows.bench import Bench, eventually
from tests.workflows.fixtures import bench, engine
from worker import build_worker
from workflows import names

__all__ = ["bench", "engine"]

PROGRAM = Path(__file__).parents[1] / "worker.py"
QUEUES = "choose from billing, payments, mail."


@contextmanager
def running(bench: Bench, folder: Path, database_url: str, *queues: str) -> Iterator[subprocess.Popen[str]]:
    """The program at work in a folder without a `.env`; killed at the end if it has not ended."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SMTP_", "TEMPORAL_"))},
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": bench.engine.address,
        "DUNLIN_SECRET_KEY": factories.SECRET_KEY,
        "DUNLIN_READY_FILE": str(folder / "ready"),
        "PAYNOW_API_URL": bench.engine.paynow_url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(bench.engine.smtp_port),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, str(PROGRAM), *queues], cwd=folder, env=environment, stderr=log, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def test_an_unknown_queue_is_refused_with_those_there_are(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "billing", "post"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == f"There is no task queue 'post': {QUEUES}"


async def test_no_worker_is_built_for_an_unknown_queue(bench: Bench) -> None:
    engine = bench.engine
    with ThreadPoolExecutor(1) as executor, pytest.raises(SystemExit, match=QUEUES):
        build_worker(engine.client, "post", engine.services, executor)


async def test_a_worker_that_is_told_to_stop_finishes_the_letter_it_is_sending(
    bench: Bench, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, may_be_taken = Event(), Event()
    take = ScriptedHandler.handle_DATA

    async def hold(handler: ScriptedHandler, server: SMTP, session: Session, envelope: Envelope) -> str:
        arrived.set()
        await eventually(may_be_taken.is_set, "leave to take the letter")
        return await take(handler, server, session, envelope)

    monkeypatch.setattr(ScriptedHandler, "handle_DATA", hold)
    staff = bench.engine.staff
    await staff.stop()
    await staff.start([names.BILLING_QUEUE, names.PAYMENTS_QUEUE])
    try:
        with running(bench, tmp_path, database_url, names.MAIL_QUEUE) as worker:
            await eventually(lambda: worker.poll() is not None or (tmp_path / "ready").exists(), "a worker that serves")
            customer, invoice, _ = await bench.invoice_with_lifecycle()
            await eventually(arrived.is_set, "the letter at the mail server")
            worker.send_signal(signal.SIGTERM)
            await eventually(said(tmp_path, "draining"), "a worker that drains")
            assert worker.poll() is None, "it waits for the mail server's answer"
            may_be_taken.set()
            await eventually(lambda: worker.poll() is not None, "the worker's end")
        assert worker.returncode == 0, (tmp_path / "log").read_text()
    finally:
        may_be_taken.set()
        await staff.stop()
        await staff.start()
    with bench.database.tenant(bench.tenant.id) as session:
        assert [(found.status, found.tries) for found in messages.of_invoice(session, invoice.id)] == [("SENT", 1)]
    assert len(bench.inbox(customer)) == 1


async def test_a_worker_without_arguments_serves_every_queue(bench: Bench, database_server: str, tmp_path: Path) -> None:
    # In a database of its own: its sweeper would end what other tests have left lying about.
    with databases.fresh_database(database_server, "worker") as url:
        own = Database(url)
        migrate.upgrade(own.engine)
        own.close()
        with running(bench, tmp_path, url) as worker:
            await eventually(lambda: worker.poll() is not None or (tmp_path / "ready").exists(), "a worker that serves")
            worker.send_signal(signal.SIGTERM)
            await eventually(lambda: worker.poll() is not None, "the worker's end")
    log = (tmp_path / "log").read_text()
    assert worker.returncode == 0, log
    assert '"queues": ["billing", "payments", "mail"]' in log


def said(folder: Path, word: str) -> Callable[[], bool]:
    """Whether the program has said `word` in its log."""
    return lambda: word in (folder / "log").read_text()
