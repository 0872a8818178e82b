"""A letter is worth many tries, but never a workflow: what cannot be sent ends in the log, and the invoice goes on."""

from datetime import timedelta

from domain.customer import Customer
from domain.letters import Letter
from domain.payment import Outcome, PaymentStatus
from persistence import links, messages
from persistence.messages import Claim
from tests.linking import make_link
from tests.workflows import histories
from tests.workflows.bench import Bench, eventually
from tests.workflows.engine import wall_clock
from tests.workflows.letters import delivery
from workflows.payment import PaymentResult


async def test_a_letter_that_is_never_taken_is_tried_six_times_over_24_hours_and_then_failed(bench: Bench) -> None:
    customer = bench.customer()
    bench.engine.letters.rcpt = f"451 4.7.1 <{customer.email}>: greylisted, try later"
    invoice = bench.invoice(customer)
    await bench.begin_lifecycles()
    lifecycle = bench.lifecycle(invoice)
    with bench.database.tenant(bench.tenant.id) as session:
        (letter,) = messages.of_invoice(session, invoice.id)
    await eventually(lambda: tries_of(bench, letter.id) == 1, "the first try")
    # Tried at 0:00, 0:05, 0:35, 2:35, 8:35 and 23:35; looked at after 15 minutes and 1, 3, 9 and 24 hours.
    for minutes, tries, status in (
        (15, 2, "QUEUED"),
        (45, 3, "QUEUED"),
        (120, 4, "QUEUED"),
        (360, 5, "QUEUED"),
        (900, 6, "FAILED"),
    ):
        await bench.forward(lifecycle, timedelta(minutes=minutes))
        assert (tries_of(bench, letter.id), bench.letters(invoice)) == (tries, [f"invoice_issued {status}"])
    with bench.database.tenant(bench.tenant.id) as session:
        assert "greylisted" in (messages.get(session, letter.id).error or "")
    assert await bench.is_running(lifecycle)


def tries_of(bench: Bench, message: str) -> int:
    with bench.database.tenant(bench.tenant.id) as session:
        return messages.get(session, message).tries


async def test_a_letter_that_is_refused_for_good_is_tried_once(bench: Bench) -> None:
    bench.engine.letters.rcpt = "550 5.1.1 no such user"
    invoice = bench.invoice(bench.customer())
    await bench.begin_lifecycles()
    await bench.letters_are(invoice, "invoice_issued FAILED")
    assert await bench.is_running(bench.lifecycle(invoice))


async def test_a_payment_is_settled_whatever_becomes_of_its_letter(bench: Bench) -> None:
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    bench.engine.letters.rcpt = "550 5.1.1 no such user"
    payment = await bench.pay(invoice)
    assert await bench.ended(bench.saga(payment)) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.letters(invoice)[-1] == "payment_confirmation FAILED"


async def test_a_mail_server_that_is_down_does_not_hold_up_the_next_step(bench: Bench) -> None:
    bench.engine.letters.rcpt = "451 try later"
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await eventually(lambda: bench.letters(invoice) == ["invoice_issued QUEUED"], "the letter")
    await bench.forward(lifecycle, bench.hour_after_step(invoice, -3) - timedelta(minutes=59))
    assert bench.letters(invoice) == ["invoice_issued FAILED", "payment_reminder QUEUED"]
    bench.engine.letters.rcpt = None
    await bench.forward(lifecycle, timedelta(minutes=6))
    await bench.letters_are(invoice, "invoice_issued FAILED", "payment_reminder SENT")


async def test_a_letter_that_staff_asked_for_is_sent_by_a_workflow_of_its_own(bench: Bench) -> None:
    customer = bench.customer()
    letter = asked_for(bench, customer)
    for _ in range(2):
        await bench.engine.workflows.send_letter(bench.tenant.id, letter)
    await bench.ended(delivery(bench, letter))
    assert bench.inbox(customer) == ["Payment Request - Christus Veritas Technologies"]
    histories.keep("letter_asked_for", await delivery(bench, letter).fetch_history())


async def test_a_letter_that_staff_asked_for_is_not_sent_when_its_link_was_cancelled_meanwhile(bench: Bench) -> None:
    customer = bench.customer()
    letter = asked_for(bench, customer)
    with bench.database.tenant(bench.tenant.id) as session:
        links.cancel(session, messages.get(session, letter).entity_id, "Rudo", wall_clock())
    await bench.engine.workflows.send_letter(bench.tenant.id, letter)
    await bench.ended(delivery(bench, letter))
    assert bench.inbox(customer) == []
    with bench.database.tenant(bench.tenant.id) as session:
        assert messages.get(session, letter).status == "CANCELLED"


def asked_for(bench: Bench, customer: Customer) -> str:
    """A letter with a link to pay a deposit, claimed as the API's door claims it."""
    link = make_link(bench.database, bench.tenant, customer=customer, now=wall_clock())
    with bench.database.tenant(bench.tenant.id) as session:
        claim = Claim(Letter.PAYMENT_LINK, "PaymentLink", link.id, "today", customer.id)
        claimed = messages.claim(session, claim, wall_clock())
    assert claimed is not None
    return claimed
