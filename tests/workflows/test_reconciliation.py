"""Reconciliation: money that came unheard is settled and told, what is overdue is decided, a silent gateway stops nobody."""

import asyncio
from datetime import date, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.paying import CheckoutOpening, Paying
from activities.reconciling import Tally
from domain.invoice import Invoice
from domain.payment import Outcome, PaymentStatus
from persistence import attempts, audit, reviews, tenants
from persistence.audit import AuditEntry
from persistence.payments import Payment
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench, Handle, eventually
from tests.workflows.engine import wall_clock
from workflows import names
from workflows.payment import PaymentResult
from workflows.reconciliation import DecidedPayment, Reconciliation

TODAY = date(2026, 11, 22)
MORE_THAN_A_DAY = timedelta(hours=26)


def under_way(bench: Bench) -> Handle:
    return bench._seen(names.reconciliation_id(bench.tenant.id, TODAY), Reconciliation.run)


async def reconcile(bench: Bench, *, again: bool = False) -> Tally:
    """What today's reconciliation came to."""
    await bench.engine.workflows.reconcile(bench.tenant.id, TODAY, again=again)
    tally: Tally = await bench.ended(under_way(bench))
    return tally


def waiting(bench: Bench, invoice: Invoice, amount: str | None = None) -> Payment:
    """A payment at the gateway since yesterday morning, whose saga was lost."""
    begun_at = wall_clock() - MORE_THAN_A_DAY
    payment = bench.payment(invoice, amount, begun_at=begun_at)
    services = bench.engine.services
    paying = Paying(services.database, services.desk, services.links)
    paying.open_checkout(CheckoutOpening(bench.tenant.id, payment.id, begun_at))
    return payment


def recorded(bench: Bench) -> list[AuditEntry]:
    with bench.database.tenant(bench.tenant.id) as session:
        return audit.page(session, after=None, limit=9, action="RECONCILED")


async def failed(bench: Bench, invoice: Invoice) -> Payment:
    payment = bench.payment(invoice)
    await bench.checkout(payment)
    bench.at_gateway(payment, "Cancelled")
    await bench.tell(payment)
    await bench.ended(bench.saga(payment))
    return payment


async def test_money_that_came_after_the_failure_and_of_which_nobody_told_is_settled_and_told(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = await failed(bench, invoice)
    bench.at_gateway(payment, "Paid")

    assert await reconcile(bench) == Tally(asked=1, settled=1)

    assert bench.now_of(payment).status is PaymentStatus.SETTLED
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.inbox(customer)[-1] == f"Payment Received - {invoice.number}"
    (entry,) = recorded(bench)
    assert (entry.actor, entry.resource_id, entry.details["settled"]) == ("system", "2026-11-22", 1)
    histories.keep("reconciliation", await under_way(bench).fetch_history())


async def test_what_is_still_pending_after_a_day_has_expired_and_what_was_paid_is_settled(bench: Bench) -> None:
    customer = bench.customer()
    expired, paid = (waiting(bench, bench.invoice(customer)) for _ in range(2))
    bench.at_gateway(paid, "Paid")

    assert await reconcile(bench) == Tally(asked=2, settled=1, failed=1)

    assert bench.now_of(expired).failure_reason == "Payment expired after 24 hours"
    assert bench.now_of(paid).status is PaymentStatus.SETTLED
    subjects = sorted(subject.partition(" -")[0] for subject in bench.inbox(customer))
    assert subjects[-1] == "Payment Received"
    assert len(subjects) == 2


async def test_payers_of_today_are_left_to_their_own_workflows(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    await bench.checkout(bench.payment(invoice))
    assert await reconcile(bench) == Tally()


async def test_a_dispute_that_was_settled_for_the_payer_is_put_before_a_person(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle()
    payment = await bench.pay(invoice)
    bench.at_gateway(payment, "Disputed")
    await bench.tell(payment, "whk_2")
    await bench.ended(bench.late_look(payment, "whk_2"))
    assert bench.reviews(payment) == ["DISPUTED"]
    assert await reconcile(bench) == Tally(asked=1)

    bench.at_gateway(payment, "Refunded")

    assert await reconcile(bench, again=True) == Tally(asked=1, reviewed=1)
    assert bench.reviews(payment) == ["DISPUTED", "REFUNDED"]


async def test_many_are_looked_at_page_by_page_however_many_runs_it_takes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.reconciliation.PAGES_A_RUN", 1)
    customer = bench.customer()
    payments = [waiting(bench, bench.invoice(customer)) for _ in range(6)]
    for payment in payments:
        bench.at_gateway(payment, "Paid")

    assert await reconcile(bench) == Tally(asked=6, settled=6)

    info = (await under_way(bench).describe()).raw_description.workflow_execution_info
    assert info.execution.run_id != info.first_run_id, "it took more than one run"
    assert [bench.ledger_entries(payment.id) for payment in payments] == [1] * 6
    await eventually(lambda: len(bench.inbox(customer)) == 6, "a confirmation each")


async def test_a_gateway_that_does_not_answer_is_left_alone_and_the_others_go_on(bench: Bench) -> None:
    customer = bench.customer()
    silent = [waiting(bench, bench.invoice(customer)) for _ in range(4)]
    for payment in silent:
        at_an_account_that_the_gateway_does_not_know(bench, payment)
    paid = waiting(bench, bench.invoice(customer))
    bench.at_gateway(paid, "Paid")

    assert await reconcile(bench) == Tally(asked=1, settled=1, unanswered=4, reviewed=3)

    assert [bench.reviews(payment) for payment in silent] == [["OUTCOME_UNKNOWN"]] * 3 + [[]], "the fourth was not asked"
    assert bench.now_of(paid).status is PaymentStatus.SETTLED


def at_an_account_that_the_gateway_does_not_know(bench: Bench, payment: Payment) -> None:
    """Another account of the same tenant, whose key the gateway refuses."""
    credentials = {"integration_id": "1", "integration_key": "unknown"}
    with bench.database.system() as system:
        tenants.put_account(system, factories.BOX, bench.tenant.id, "paynow", "ZAR", credentials, factories.NOW)
    with bench.database.tenant(bench.tenant.id) as session:
        account = tenants.account_for(session, factories.BOX, "paynow", "ZAR")
        assert account is not None
        attempts.add(session, payment, account_id=account.id, gateway="paynow", number=2, now=factories.NOW)


async def test_one_day_is_reconciled_once_unless_staff_ask_again(bench: Bench) -> None:
    await asyncio.gather(*(bench.engine.workflows.reconcile(bench.tenant.id, TODAY) for _ in range(3)))
    await bench.ended(under_way(bench))
    await reconcile(bench)
    assert len(recorded(bench)) == 1
    await reconcile(bench, again=True)
    assert len(recorded(bench)) == 2


async def test_what_a_person_decided_is_settled_once_and_told(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    payment = waiting(bench, invoice)
    with bench.database.tenant(bench.tenant.id) as session:
        reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up.", wall_clock())
        (review,) = reviews.unresolved(session, after=None, limit=9)
        reviews.resolve(session, review.id, "MATCHED", "Chipo", wall_clock(), payment_id=payment.id)
    workflow_id = names.decided_payment_id(payment.id, review.id)
    decided = bench._seen(workflow_id, DecidedPayment.run)
    for _ in range(2):
        await bench.engine.workflows.carry_out_decision(bench.tenant.id, payment.id, review.id)
        assert await bench.ended(decided) == PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.inbox(customer)[-1] == f"Payment Received - {invoice.number}"
    assert bench.ledger_entries(payment.id) == 1
    assert (await decided.describe()).status is WorkflowExecutionStatus.COMPLETED
    histories.keep("payment_decided", await decided.fetch_history())

    bench.at_gateway(payment, "Paid")
    await bench.tell(payment, "whk_1")
    await bench.ended(bench.late_look(payment, "whk_1"))
    assert bench.ledger_entries(payment.id) == 1, "the gateway's own word comes too late to settle it a second time"
