"""The fixtures of workflow tests: one engine a session, one business a test that is inspected when the test is over."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from persistence import checks
from persistence.database import Database
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import CUSTOMER_NAME, CUSTOMER_PHONE, PAYER_PHONES, Bench, Handle
from tests.workflows.engine import Engine, running_engine

_RUNNING = pytest.StashKey[Engine]()


@pytest_asyncio.fixture(scope="session")
async def engine(database: Database, pytestconfig: pytest.Config) -> AsyncIterator[Engine]:
    """Temporal, the workers, Paynow and a mail server: one for all folders whose conftest imports this fixture."""
    running = pytestconfig.stash.get(_RUNNING, None)
    if running is not None:
        yield running
        return
    async with running_engine(database) as engine:
        pytestconfig.stash[_RUNNING] = engine
        yield engine


@pytest_asyncio.fixture
async def bench(engine: Engine, database: Database) -> AsyncIterator[Bench]:
    """A business of the test's own.

    When the test is over the books must be in order, and every history it made must replay and hold nothing personal.
    """
    tenant = factories.make_tenant(database)
    factories.make_account(database, tenant)
    bench = Bench(engine, database, tenant)
    yield bench
    bench.disarm()
    engine.letters.rcpt = None
    made = [await _ended_for_good(handle) for handle in bench.seen.values()]
    found = [history for handle in made if handle is not None for history in [await handle.fetch_history()]]
    with database.tenant(tenant.id) as session:
        assert checks.run(session) == []
    assert await histories.failures(found) == {}
    assert histories.holding(found, [CUSTOMER_NAME, CUSTOMER_PHONE, *PAYER_PHONES, ".example"]) == []


async def _ended_for_good(handle: Handle) -> Handle | None:
    """Terminate what still runs, so that its polls do not meet the next test's faults; None when it never began."""
    try:
        if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await handle.terminate("the test is over")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None
    return handle
