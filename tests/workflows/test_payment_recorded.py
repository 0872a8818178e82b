"""Money that staff saw arrive is settled by the same function as a gateway's, and tells the same people."""

import asyncio
from datetime import datetime

from domain.invoice import Invoice
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from persistence import payments
from persistence.payments import Payment
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench
from tests.workflows.engine import wall_clock
from workflows.payment import PaymentResult

SETTLED = PaymentResult(PaymentStatus.SETTLED, Outcome.PAID)


def bank_transfer(bench: Bench, invoice: Invoice, amount: str, at: datetime | None = None) -> Payment:
    with bench.database.tenant(bench.tenant.id) as session:
        return payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=PaymentMethod.BANK_TRANSFER,
            amount=factories.usd(amount),
            manual_reference="FT-1",
            actor="Chipo",
            now=at or wall_clock(),
        )


async def record(bench: Bench, payment: Payment, invoice: Invoice) -> None:
    await bench.engine.workflows.settle_recorded(bench.tenant.id, payment.id, invoice_id=invoice.id, currency="USD")


async def test_a_recorded_transfer_closes_the_invoice_and_thanks_the_payer(bench: Bench) -> None:
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle("25.00")
    payment = bank_transfer(bench, invoice, "25.00")
    await record(bench, payment, invoice)
    assert await bench.ended(bench.recorded(payment)) == SETTLED
    assert await bench.ended(lifecycle) == "PAID"
    assert bench.inbox(customer)[-1] == f"Payment Received - {invoice.number}"
    assert bench.audited(payment.id) == ["PAYMENT_INITIATED", "MANUAL_PAYMENT_RECORDED"]
    histories.keep("payment_recorded", await bench.recorded(payment).fetch_history())


async def test_a_transfer_recorded_twice_settles_once(bench: Bench) -> None:
    _, invoice, _ = await bench.invoice_with_lifecycle("25.00")
    payment = bank_transfer(bench, invoice, "10.00")
    await asyncio.gather(record(bench, payment, invoice), record(bench, payment, invoice))
    assert await bench.ended(bench.recorded(payment)) == SETTLED
    await record(bench, payment, invoice)
    assert bench.due(invoice) == factories.usd("15.00")
    assert bench.ledger_entries(payment.id) == 1
