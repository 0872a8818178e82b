"""Taking a payment back: by billing staff, with a reason, at once, and never while the credit it left is in use."""

import httpx
import pytest

from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from persistence import attempts, customers, invoices
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.api.paying import Bill, bill
from tests.api.serving import is_problem, refused_field, token_of
from tests.factories import NOW, usd

REASON = {"reason": "The bank returned the transfer."}


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


@pytest.fixture
def clerk(database: Database, open_bill: Bill) -> dict[str, str]:
    return token_of(database, open_bill.tenant)


def paid(on: Bill, amount: str = "25", method: PaymentMethod = PaymentMethod.BANK_TRANSFER) -> Payment:
    payment = factories.start_payment(on.database, on.tenant, on.invoice, amount=usd(amount), method=method)
    return factories.settle_payment(on.database, on.tenant, payment)


def due(on: Bill) -> Money:
    with on.database.tenant(on.tenant.id) as session:
        return invoices.get(session, on.invoice.id).invoice.amount_due


def door(payment: Payment) -> str:
    return f"/api/payments/{payment.id}/reverse"


async def test_a_reversed_payment_is_shown_with_its_reason_and_its_invoice_is_open_again(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = paid(open_bill)
    answer = await api.post(door(payment), headers=clerk, json=REASON)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["reversal"]["reason"]) == ("REVERSED", REASON["reason"])
    assert shown["reversal"]["at"]
    assert due(open_bill) == usd("25")
    assert (await open_bill.status(api))["state"] == "OPEN"


async def test_asked_again_it_answers_the_same_whatever_the_reason(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = paid(open_bill)
    first = await api.post(door(payment), headers=clerk, json=REASON)
    again = await api.post(door(payment), headers=clerk, json={"reason": "Another reason."})
    assert (again.status_code, again.json()) == (200, first.json())
    assert due(open_bill) == usd("25")


async def test_the_same_key_gets_the_first_answer_and_with_another_reason_none(
    api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment, keyed = paid(open_bill), {**clerk, "Idempotency-Key": "reverse-1"}
    first = await api.post(door(payment), headers=keyed, json=REASON)
    again = await api.post(door(payment), headers=keyed, json=REASON)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    is_problem(await api.post(door(payment), headers=keyed, json={"reason": "Another reason."}), 422)


async def test_credit_in_use_is_named_with_the_payment_to_reverse_first(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = paid(open_bill, "40")
    with database.tenant(open_bill.tenant.id) as session:
        customer = customers.get(session, open_bill.invoice.customer_id)
    other = factories.issue_invoice(database, open_bill.tenant, customer, amount=usd("10"))
    used = factories.start_payment(database, open_bill.tenant, other, method=PaymentMethod.CREDIT)
    factories.settle_payment(database, open_bill.tenant, used)
    refused = is_problem(await api.post(door(payment), headers=clerk, json=REASON), 409)
    assert f"reverse {used.id} over USD 10.00 first" in refused["detail"]
    for one in (used, payment):
        assert (await api.post(door(one), headers=clerk, json=REASON)).json()["status"] == "REVERSED"


async def test_a_gateways_payment_waits_for_the_gateways_word(
    api: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = factories.start_payment(database, open_bill.tenant, open_bill.invoice)
    attempt = factories.make_attempt(database, open_bill.tenant, payment)
    factories.settle_payment(database, open_bill.tenant, payment)
    assert "EcoCash" in is_problem(await api.post(door(payment), headers=clerk, json=REASON), 409)["detail"]
    with database.tenant(open_bill.tenant.id) as session:
        attempts.record_answer(
            session,
            attempt.id,
            outcome=Outcome.REFUNDED,
            gateway_reference="19372",
            gateway_status="Refunded",
            poll_url=None,
            raw="",
            now=NOW,
        )
    assert (await api.post(door(payment), headers=clerk, json=REASON)).json()["status"] == "REVERSED"


async def test_what_is_not_settled_is_refused_without_asking_temporal(
    lonely: httpx.AsyncClient, database: Database, open_bill: Bill, clerk: dict[str, str]
) -> None:
    pending = factories.start_payment(database, open_bill.tenant, open_bill.invoice, method=PaymentMethod.CASH)
    assert "PENDING" in is_problem(await lonely.post(door(pending), headers=clerk, json=REASON), 409)["detail"]


async def test_while_temporal_is_down_nothing_is_reversed_and_asking_again_does_it(
    lonely: httpx.AsyncClient, api: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str]
) -> None:
    payment = paid(open_bill)
    is_problem(await lonely.post(door(payment), headers=clerk, json=REASON), 503)
    assert due(open_bill) == usd("0")
    assert (await api.post(door(payment), headers=clerk, json=REASON)).json()["status"] == "REVERSED"


@pytest.mark.parametrize("reason", ["", "ok", "r" * 501, None])
async def test_a_reversal_needs_a_reason(
    lonely: httpx.AsyncClient, open_bill: Bill, clerk: dict[str, str], reason: str | None
) -> None:
    answer = await lonely.post(door(paid(open_bill)), headers=clerk, json={"reason": reason})
    assert refused_field(answer) == "reason"
