"""Opening, settling and mailing by hand: each done twice, as Temporal does when it loses an answer."""

from temporalio.testing import ActivityEnvironment

from activities.collecting import Collecting, StepRequest
from activities.mailing import Delivery, DeliveryRequest, Mailing
from activities.paying import CheckoutOpening, OpenedCheckout, Paying
from activities.settling import ConfirmRequest, Settling
from domain.dunning_ladder import Action
from domain.payment import Outcome, PaymentStatus
from persistence import messages
from persistence.payments import Payment
from tests import factories
from tests.workflows.bench import Bench
from tests.workflows.engine import wall_clock


def paying(bench: Bench) -> Paying:
    services = bench.engine.services
    return Paying(services.database, services.desk, services.links)


def settling(bench: Bench) -> Settling:
    return Settling(bench.database, bench.engine.services.desk)


def opening(bench: Bench, payment: Payment) -> CheckoutOpening:
    return CheckoutOpening(bench.tenant.id, payment.id, wall_clock())


def confirming(bench: Bench, payment: Payment) -> ConfirmRequest:
    return ConfirmRequest(bench.tenant.id, payment.id, wall_clock())


async def test_a_checkout_whose_answer_was_lost_on_the_way_to_temporal_is_opened_once(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    answers = [paying(bench).open_checkout(opening(bench, payment)) for _ in range(2)]
    assert answers == [OpenedCheckout(Outcome.PENDING)] * 2
    assert len(bench.transactions(payment)) == 1


async def test_a_payment_confirmed_twice_gives_the_same_answer_and_one_ledger_entry(bench: Bench) -> None:
    invoice = bench.invoice(bench.customer())
    payment = bench.payment(invoice)
    paying(bench).open_checkout(opening(bench, payment))
    bench.at_gateway(payment, "Paid")
    first = settling(bench).confirm(confirming(bench, payment))
    assert first.status is PaymentStatus.SETTLED
    assert first.message_id is not None
    assert [(paid.invoice_id, paid.amount_due) for paid in first.paid_invoices] == [(invoice.id, factories.usd("0.00"))]
    assert settling(bench).confirm(confirming(bench, payment)) == first
    assert bench.ledger_entries(payment.id) == 1


async def test_a_payment_that_was_settled_is_not_handed_to_a_person(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    paying(bench).open_checkout(opening(bench, payment))
    bench.at_gateway(payment, "Paid")
    settling(bench).confirm(confirming(bench, payment))
    settling(bench).hand_to_a_person(confirming(bench, payment))
    assert bench.reviews(payment) == []


async def test_a_checkout_is_not_opened_for_a_payment_that_has_ended(bench: Bench) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    assert settling(bench).confirm(confirming(bench, payment)).status is PaymentStatus.FAILED
    assert paying(bench).open_checkout(opening(bench, payment)) == OpenedCheckout(Outcome.DECLINED)
    assert bench.engine.paynow.get(f"/transactions/{payment.id}").status_code == 404


async def test_a_letter_delivered_twice_reaches_its_reader_once(bench: Bench) -> None:
    customer = bench.customer()
    payment = bench.payment(bench.invoice(customer))
    failed = settling(bench).confirm(confirming(bench, payment))
    assert failed.message_id is not None
    services = bench.engine.services
    mailing = Mailing(services.database, services.mailer, services.links)
    request = DeliveryRequest(bench.tenant.id, failed.message_id, wall_clock())
    answers = [ActivityEnvironment().run(mailing.deliver, request) for _ in range(2)]
    assert answers == [Delivery.SENT, Delivery.SENT]
    assert len(bench.inbox(customer)) == 1


async def test_a_letter_that_cannot_be_written_is_failed_in_the_log_with_what_is_wrong(bench: Bench) -> None:
    bench.tenant = factories.make_tenant(bench.database, portal_url="nowhere")
    customer = bench.customer()
    invoice = bench.invoice(customer)
    collecting = Collecting(bench.database)
    suspended = collecting.take_step(
        StepRequest(bench.tenant.id, invoice.id, customer.id, "4-suspend", Action.SUSPEND, wall_clock())
    )
    assert suspended.message_id is not None
    services = bench.engine.services
    mailing = Mailing(services.database, services.mailer, services.links)
    request = DeliveryRequest(bench.tenant.id, suspended.message_id, wall_clock())
    assert ActivityEnvironment().run(mailing.deliver, request) is Delivery.FAILED
    with bench.database.tenant(bench.tenant.id) as session:
        assert "nowhere" in (messages.get(session, suspended.message_id).error or "")
