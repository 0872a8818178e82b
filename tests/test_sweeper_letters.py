"""Letters that staff asked for while Temporal was down are sent when it is back; the sweeper's clock lies in 2001."""

from datetime import UTC, datetime, timedelta

from domain.letters import Letter
from persistence import messages
from persistence.messages import Claim, Message
from sweeper import FORGOTTEN_AFTER, sweep_letters
from tests.linking import make_link
from tests.test_sweeper import unreachable
from tests.workflows.bench import Bench, eventually
from tests.workflows.engine import wall_clock
from tests.workflows.fixtures import bench, engine
from tests.workflows.letters import delivery

__all__ = ["bench", "engine"]

LONG_AGO = datetime(2001, 1, 1, 12, 0, tzinfo=UTC)
THEN = LONG_AGO + FORGOTTEN_AFTER + timedelta(seconds=1)


def claim_letter(bench: Bench, letter: Letter = Letter.PAYMENT_LINK) -> str:
    """A letter about a link as the API's door claims it."""
    link = make_link(bench.database, bench.tenant, customer=bench.customer(), now=wall_clock())
    with bench.database.tenant(bench.tenant.id) as session:
        claimed = messages.claim(session, Claim(letter, "PaymentLink", link.id, "today", link.customer_id), LONG_AGO)
    assert claimed is not None
    return claimed


def message_of(bench: Bench, message_id: str) -> Message:
    with bench.database.tenant(bench.tenant.id) as session:
        return messages.get(session, message_id)


async def test_a_letter_that_nobody_sent_is_sent_once_when_temporal_is_back(bench: Bench) -> None:
    letter = claim_letter(bench)
    assert await sweep_letters(bench.database, await unreachable(), THEN) == 1
    assert message_of(bench, letter).status == "QUEUED"
    assert await sweep_letters(bench.database, bench.engine.workflows, THEN) == 1
    await bench.ended(delivery(bench, letter))
    assert await sweep_letters(bench.database, bench.engine.workflows, THEN) == 0
    sent = message_of(bench, letter)
    assert (sent.status, sent.tries) == ("SENT", 1)


async def test_a_letter_is_left_to_the_door_that_claimed_it_at_first(bench: Bench) -> None:
    letter = claim_letter(bench)
    assert await sweep_letters(bench.database, bench.engine.workflows, LONG_AGO + FORGOTTEN_AFTER) == 0
    assert await sweep_letters(bench.database, bench.engine.workflows, THEN) == 1
    await bench.ended(delivery(bench, letter))


async def test_a_letter_that_is_being_tried_is_left_to_its_workflow(bench: Bench) -> None:
    bench.engine.letters.rcpt = "451 4.7.1 greylisted, try later"
    letter = claim_letter(bench)
    await bench.engine.workflows.send_letter(bench.tenant.id, letter)
    delivery(bench, letter)
    await eventually(lambda: message_of(bench, letter).tries == 1, "the first try")
    assert await sweep_letters(bench.database, bench.engine.workflows, THEN) == 0


async def test_letters_that_other_workflows_send_are_left_to_them(bench: Bench) -> None:
    claim_letter(bench, Letter.PAYMENT_REMINDER)
    assert await sweep_letters(bench.database, bench.engine.workflows, THEN) == 0
