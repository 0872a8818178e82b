"""Reversals by hand: what was paid is owed again, in one transaction, once, and with the customer suspended again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import settlement
from activities.collecting import Collecting, LookRequest, StepRequest
from activities.lifecycles import LifecycleStart
from activities.reversing import ReopeningRequest, Reversal, Reversing
from domain.customer import Tenant
from domain.dunning_ladder import Action
from domain.invoice import Invoice, InvoiceState
from domain.ledger import Account
from domain.payment import Outcome, PaymentMethod, PaymentStatus, Settlement
from domain.payment_link import LinkStatus
from domain.standing import HoldReason
from persistence import attempts, audit, checks, customers, decisions, holds, invoices, ledger, link_details, messages, payments
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd, zar
from tests.reversals import REASON, reverse_payment

LATER = NOW + timedelta(days=30)


def paid(
    database: Database, tenant: Tenant, invoice: Invoice, amount: str = "25", method: PaymentMethod = PaymentMethod.CASH
) -> Payment:
    payment = factories.start_payment(database, tenant, invoice, amount=usd(amount), method=method)
    return factories.settle_payment(database, tenant, payment)


def told(database: Database, tenant: Tenant, payment: Payment, outcome: Outcome) -> None:
    """The gateway's present word about the payment's attempt."""
    with database.tenant(tenant.id) as session:
        attempt = attempts.last(session, payment.id)
        assert attempt is not None
        attempts.record_answer(
            session,
            attempt.id,
            outcome=outcome,
            gateway_reference=None,
            gateway_status=outcome.value,
            poll_url=None,
            raw="",
            now=NOW,
        )


def step(tenant: Tenant, invoice: Invoice, key: str, action: Action) -> StepRequest:
    return StepRequest(tenant.id, invoice.id, invoice.customer_id, key, action, NOW)


def refusal(reverse: Callable[[], object]) -> str:
    with pytest.raises(ApplicationError) as refused:
        reverse()
    assert (refused.value.type, refused.value.non_retryable) == ("ConflictError", True)
    return refused.value.message


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant, amount=usd("25"))


def test_what_it_paid_is_owed_again_and_the_reason_is_on_record(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    payment = paid(database, tenant, invoice)
    assert reverse_payment(database, tenant, payment, LATER) == Reversal((invoice.id,))
    with database.tenant(tenant.id) as session:
        found = payments.get(session, payment.id)
        again = invoices.get(session, invoice.id)
        (own,) = link_details.page(session, after=None, limit=2, invoice_id=invoice.id)
        assert (found.status, found.reversal_reason, found.reversed_at) == (PaymentStatus.REVERSED, REASON, LATER)
        assert (again.invoice.state, again.invoice.amount_due, again.closed_at) == (InvoiceState.OPEN, usd("25"), None)
        assert (own.link.status, own.link.closed_at) == (LinkStatus.ACTIVE, None)
        assert payments.allocations(session, payment.id) == [(invoice.id, usd("25"))], "what it was used for stays on record"
        who, details = audit.last_of(session, "PAYMENT_REVERSED", payment.id) or ("", {})
        assert (who, details["reason"], details["owed_again"]) == ("Rudo", REASON, {invoice.id: "USD 25.00"})
        assert checks.run(session) == []


def test_a_reversal_whose_answer_was_lost_gives_the_same_answer_and_one_entry(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    payment = paid(database, tenant, invoice)
    first = reverse_payment(database, tenant, payment)
    assert reverse_payment(database, tenant, payment, LATER) == first
    with database.tenant(tenant.id) as session:
        assert payments.get(session, payment.id).reversed_at == NOW
        assert ledger.balances(session, invoice.customer_id)[Account.ACCOUNTS_RECEIVABLE, "USD"] == usd("25")


def test_an_invoice_that_two_payments_paid_owes_only_what_was_taken_back(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    first, _ = paid(database, tenant, invoice, "10"), paid(database, tenant, invoice, "15")
    reverse_payment(database, tenant, first)
    with database.tenant(tenant.id) as session:
        assert invoices.get(session, invoice.id).invoice.amount_due == usd("10")
        assert checks.run(session) == []


def test_what_is_owed_again_can_be_paid_again(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    reverse_payment(database, tenant, paid(database, tenant, invoice))
    paid(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        assert invoices.get(session, invoice.id).invoice.state is InvoiceState.PAID
        assert checks.run(session) == []


def test_credit_it_left_is_taken_back(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    payment = paid(database, tenant, invoice, "40")
    reverse_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        assert ledger.credit_of(session, invoice.customer_id, "USD") == usd("0")


def test_credit_that_was_used_must_be_freed_first_and_the_refusal_says_how(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    payment = paid(database, tenant, invoice, "40")
    with database.tenant(tenant.id) as session:
        customer = customers.get(session, invoice.customer_id)
    other = factories.issue_invoice(database, tenant, customer, amount=usd("10"))
    used = paid(database, tenant, other, "10", PaymentMethod.CREDIT)
    assert refusal(lambda: reverse_payment(database, tenant, payment)) == (
        f"Payment {payment.id} left USD 15.00 as credit, and USD 10.00 of it was used meanwhile: "
        f"reverse {used.id} over USD 10.00 first."
    )
    with database.tenant(tenant.id) as session:
        assert payments.get(session, payment.id).status is PaymentStatus.SETTLED
    reverse_payment(database, tenant, used)
    reverse_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        assert invoices.get(session, other.id).invoice.amount_due == usd("10")
        assert checks.run(session) == []


@pytest.mark.parametrize("outcome", [Outcome.REFUNDED, Outcome.DISPUTED])
def test_a_gateways_payment_is_reversed_when_the_gateway_gave_the_money_back(
    database: Database, tenant: Tenant, invoice: Invoice, outcome: Outcome
) -> None:
    payment = factories.start_payment(database, tenant, invoice)
    factories.make_attempt(database, tenant, payment)
    factories.settle_payment(database, tenant, payment)
    told(database, tenant, payment, Outcome.PAID)
    assert "refund it there first" in refusal(lambda: reverse_payment(database, tenant, payment))
    told(database, tenant, payment, outcome)
    assert reverse_payment(database, tenant, payment).open_invoice_ids == (invoice.id,)
    with database.tenant(tenant.id) as session:
        assert ledger.balances(session)[Account.GATEWAY_CLEARING, "USD"] == usd("0")


def test_an_estimated_fee_goes_with_the_booking_that_a_person_got_wrong(database: Database) -> None:
    """The money bears it where it is booked next: else it would stand in the books twice."""
    cape = factories.make_tenant(database, currency="ZAR")
    payment = factories.start_payment(database, cape, factories.issue_invoice(database, cape), method=PaymentMethod.YOCO)
    attempt = factories.make_attempt(database, cape, payment, gateway="yoco")
    told(database, cape, payment, Outcome.PAID)
    with database.tenant(cape.id) as session:
        decisions.book_on(session, payment.id, "p_1")
        attempts.record_fee(session, attempt.id, zar("0.94"), is_estimate=True)
        booked = settlement.lock_all(session, payment.id)
        received = Settlement("p_1", booked.amount, zar("0.94"))
        settlement.settle(session, booked, received, settlement.money_account(booked), "Rudo", NOW, tells_payer=False)
        assert ledger.balances(session)[Account.GATEWAY_FEES, "ZAR"] == zar("0.94")
    reverse_payment(database, cape, payment)
    with database.tenant(cape.id) as session:
        balances = ledger.balances(session)
        assert {balances.get((account, "ZAR"), zar("0")) for account in (Account.GATEWAY_FEES, Account.GATEWAY_CLEARING)} == {
            zar("0")
        }
        assert checks.run(session) == []


def test_what_is_pending_cannot_be_reversed(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    payment = factories.start_payment(database, tenant, invoice, method=PaymentMethod.CASH)
    assert "PENDING" in refusal(lambda: reverse_payment(database, tenant, payment))


def suspended_and_paid(database: Database, tenant: Tenant, invoice: Invoice) -> Payment:
    """Suspended over the invoice, let back in by a payment of it."""
    collecting = Collecting(database)
    collecting.take_step(step(tenant, invoice, "4-suspend", Action.SUSPEND))
    payment = paid(database, tenant, invoice)
    collecting.look_again(LookRequest(tenant.id, invoice.id, invoice.customer_id, NOW))
    with database.tenant(tenant.id) as session:
        assert holds.standing(session, invoice.customer_id) == {}
    return payment


def notices(database: Database, tenant: Tenant, invoice: Invoice) -> list[str]:
    with database.tenant(tenant.id) as session:
        return [item.id for item in messages.of_invoice(session, invoice.id) if item.letter.value == "suspension_notice"]


def test_a_customer_whom_the_invoice_had_suspended_is_suspended_again_with_a_letter(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    payment = suspended_and_paid(database, tenant, invoice)
    first = reverse_payment(database, tenant, payment, LATER)
    assert reverse_payment(database, tenant, payment, LATER) == first
    _, again = notices(database, tenant, invoice)
    assert first == Reversal((invoice.id,), (again,))
    with database.tenant(tenant.id) as session:
        assert list(holds.standing(session, invoice.customer_id)) == [HoldReason.OVERDUE]


def test_a_customer_who_is_suspended_already_gets_no_second_letter(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    payment = suspended_and_paid(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        holds.place(session, invoice.customer_id, HoldReason.OVERDUE, NOW)
    assert reverse_payment(database, tenant, payment).message_ids == ()


def test_a_customer_whom_the_invoice_never_suspended_stays_free(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    assert reverse_payment(database, tenant, paid(database, tenant, invoice)).message_ids == ()
    with database.tenant(tenant.id) as session:
        assert holds.standing(session, invoice.customer_id) == {}


class Door:
    """Stands for Temporal's door: notes what was reopened."""

    def __init__(self) -> None:
        self.reopened: list[LifecycleStart] = []

    async def reopen_lifecycle(self, start: LifecycleStart) -> None:
        self.reopened.append(start)


async def reopened(database: Database, tenant: Tenant, invoice: Invoice) -> list[LifecycleStart]:
    door = Door()
    request = ReopeningRequest(tenant.id, (invoice.id,), LATER)
    await ActivityEnvironment().run(Reversing(database, door).reopen_lifecycles, request)
    return door.reopened


async def test_a_lifecycle_begins_again_with_what_is_due_and_the_steps_that_were_taken(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    collecting = Collecting(database)
    collecting.take_step(step(tenant, invoice, "0-remind", Action.REMIND))
    payment, _ = paid(database, tenant, invoice, "10"), paid(database, tenant, invoice, "15")
    collecting.take_step(
        StepRequest(tenant.id, invoice.id, invoice.customer_id, "1-overdue_notice", Action.OVERDUE_NOTICE, NOW)
    )
    reverse_payment(database, tenant, payment)
    (start,) = await reopened(database, tenant, invoice)
    assert (start.state, start.amount_due) == (InvoiceState.OPEN, usd("10"))
    assert [(step.key, step.at) for step in start.taken] == [("0-remind", LATER)], "what was pointless may still be taken"
    assert start.issued_message_id is not None, "it was never sent"


async def test_an_invoice_that_is_paid_again_by_then_is_left_alone(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    reverse_payment(database, tenant, paid(database, tenant, invoice))
    paid(database, tenant, invoice)
    assert await reopened(database, tenant, invoice) == []


def test_a_step_that_was_pointless_is_taken_when_the_invoice_is_open_again(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    payment = paid(database, tenant, invoice)
    warning = step(tenant, invoice, "3-final_warning", Action.FINAL_WARNING)
    assert Collecting(database).take_step(warning).message_id is None
    reverse_payment(database, tenant, payment)
    assert Collecting(database).take_step(warning).message_id is not None
    with database.tenant(tenant.id) as session:
        assert [(key, outcome) for key, outcome, _ in holds.steps(session, invoice.id)] == [("3-final_warning", "TAKEN")]
