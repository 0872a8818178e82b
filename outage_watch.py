"""The outage watch: what is done about gateways that do not answer, in each process that calls them.

The breakers (`gateways/breaker.py`) know what this process sees, the rows (`persistence/outages.py`) what is on record for all.
The watch compares the two, again and again, so that a database that is away only delays it. It

- tries the accounts whose pause is over, so that they come back without a payer who dares;
- has operators told once when an outage begins and once when it ends, however many processes see it: the row decides;
- takes over outages that a process left behind when it ended.

Loops in the worker's process, as in `sweeper.py`; payments are never held up by any of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog

from activities.gateway_calls import GatewayDesk
from gateways.base import GatewayOutcomeUnknownError, GatewayUnreachableError
from gateways.breaker import Breakers
from operations import Outbox
from persistence import outages
from persistence.database import Database

GLANCE_SECONDS = 1.0
TAKEOVER_EVERY_SECONDS = 30.0
# This process sees nothing of an outage that old: the process that did has ended, or is cut off from the gateway alone.
LEFT_BEHIND_AFTER = timedelta(minutes=5)
# A dead provider holds each try for its whole time-out; the other accounts must not wait for all of them.
TRIES_AT_ONCE = 8

Clock = Callable[[], datetime]

log = structlog.get_logger(__name__)


class OutageWatch:
    """The watch of one process.

    Args:
        desk: gateways behind `breakers`.
    """

    def __init__(self, database: Database, desk: GatewayDesk, breakers: Breakers, outbox: Outbox) -> None:
        self._database = database
        self._desk = desk
        self._breakers = breakers
        self._outbox = outbox
        # The end of each account's pause when it was last put on record. A pause that begins anew is put there again, because
        # another process may have ended the outage in the meantime.
        self._recorded: dict[str, float] = {}

    def paused(self) -> list[str]:
        """The accounts that wait for a trial."""
        return self._breakers.paused()

    def record(self, now: datetime) -> None:
        """Put on record which accounts this process has paused since, and which are back; tell of it who is the first to."""
        paused = {pause.account_id: pause for pause in self._breakers.pauses()}
        for pause in paused.values():
            if self._recorded.get(pause.account_id) != pause.until:
                with self._database.system() as session:
                    opened = outages.open_outage(session, pause.account_id, pause.error, now)
                self._recorded[pause.account_id] = pause.until
                if opened is not None:
                    self._outbox.tell(opened, now)
        for account_id in self._recorded.keys() - paused.keys():
            self._close(account_id, now)
            del self._recorded[account_id]

    def answers(self, account_id: str) -> bool:
        """Try an account, through its breaker; whether its gateway answered."""
        try:
            with self._database.system() as session:
                account = self._desk.account(session, account_id)
            self._desk.gateway(account.gateway).probe(account)
        except (GatewayUnreachableError, GatewayOutcomeUnknownError) as error:
            log.info("a gateway does not answer yet", account_id=account_id, error=str(error))
        except Exception:
            log.exception("an account could not be tried", account_id=account_id)
        else:
            return True
        return False

    def left_behind(self, now: datetime) -> list[str]:
        """The accounts whose outage is on record for long and not seen by this process."""
        paused = {pause.account_id for pause in self._breakers.pauses()}
        with self._database.system() as session:
            lasting = outages.open_outages(session)
        return [
            outage.account_id
            for outage in lasting
            if outage.opened_at <= now - LEFT_BEHIND_AFTER and outage.account_id not in paused
        ]

    def take_over(self, account_id: str, now: datetime) -> None:
        """End an outage that was left behind, if the gateway answers."""
        if self.answers(account_id):
            self._close(account_id, now)

    def _close(self, account_id: str, now: datetime) -> None:
        with self._database.system() as session:
            closed = outages.close_outage(session, account_id, now)
        if closed is not None:
            self._outbox.tell(closed, now)


async def watch_for_ever(watch: OutageWatch, outbox: Outbox, clock: Clock) -> None:
    """Watch until cancelled; no error ends it. Tries that are under way then end within a gateway's time-out."""
    # Threads of its own: those of the event loop are the sweeper's, which must not wait for a dead provider.
    executor = ThreadPoolExecutor(TRIES_AT_ONCE, thread_name_prefix="outage-watch")

    async def all_at_once(do: Callable[[str], object], account_ids: list[str]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(executor, do, account_id) for account_id in account_ids))

    async def try_paused() -> None:
        await all_at_once(watch.answers, watch.paused())

    async def take_over() -> None:
        now = clock()
        await all_at_once(lambda one: watch.take_over(one, now), await asyncio.to_thread(watch.left_behind, now))

    try:
        await asyncio.gather(
            _repeat(try_paused, GLANCE_SECONDS),
            _repeat(lambda: asyncio.to_thread(watch.record, clock()), GLANCE_SECONDS),
            _repeat(lambda: asyncio.to_thread(outbox.send, clock()), GLANCE_SECONDS),
            _repeat(take_over, TAKEOVER_EVERY_SECONDS),
        )
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


async def _repeat(do: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        try:
            await do()
        except Exception:
            log.exception("a round of the outage watch failed and is tried again")
        await asyncio.sleep(pause)
