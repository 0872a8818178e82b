"""Opening a checkout: by whatever link, with whichever gateway, and what a gateway that does not answer means for the payer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from activities.gateway_calls import GatewayAddresses
from activities.paying import OpenedCheckout
from domain.customer import Tenant
from domain.invoice import Invoice
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from domain.payment_link import LinkType, PaymentLink
from gateways.base import GatewayOutcomeUnknownError, GatewayPausedError, GatewayUnreachableError
from gateways.breaker import FEWEST_CALLS, PAUSE_SECONDS
from gateways.transport import Transport
from persistence import audit, links, payments
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.activities.counter import Counter
from tests.api.south_africa import SouthAfrica, make_tenant, south_africa
from tests.factories import zar
from tests.workflows.bench import Bench
from tests.workflows.engine import PAGE, Engine, wall_clock

CLOSED = "http://127.0.0.1:1"
NOT_ANSWERING = (
    "EcoCash is not answering just now: nothing was charged. Please choose another way to pay, or try again in a few minutes"
)


@pytest.fixture(scope="module")
def cape() -> Iterator[SouthAfrica]:
    with south_africa() as simulators:
        yield simulators


@pytest.fixture
def counter(engine: Engine, database: Database, cape: SouthAfrica) -> Iterator[Counter]:
    with Transport(timeout_seconds=2, connect_seconds=2) as transport:
        paynow = {"paynow": GatewayAddresses(engine.paynow_url, engine.merchant.url)}
        yield Counter(database, transport, paynow | cape.addresses)
    cape.disarm()


def by_link(
    database: Database,
    tenant: Tenant,
    invoice: Invoice,
    link_type: LinkType,
    method: PaymentMethod,
    *,
    amount: Money | None = None,
    description: str = "",
) -> tuple[PaymentLink, Payment]:
    """A pending payment by a link that staff made for the customer of `invoice`, of what that asks for."""
    now = wall_clock()
    with database.tenant(tenant.id) as session:
        link = links.create(
            session,
            link_type=link_type,
            customer_id=invoice.customer_id,
            invoice_id=None,
            amount=amount,
            currency=invoice.total.currency,
            description=description,
            expires_at=now + timedelta(days=7),
            actor="Rudo",
            now=now,
        )
        payment = payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=None,
            link_id=link.id,
            target=link_type.target,
            method=method,
            amount=amount or invoice.amount_due,
            actor=audit.PAYER,
            now=now,
        )
    return link, payment


def at_creche(database: Database, method: PaymentMethod, amount: str = "850.00") -> tuple[Tenant, Payment]:
    tenant = make_tenant(database, str(method.gateway))
    invoice = factories.issue_invoice(database, tenant, amount=zar(amount))
    return tenant, factories.start_payment(database, tenant, invoice, method=method, now=wall_clock())


# A gateway that does not answer.


def test_while_a_gateway_is_left_alone_its_payer_is_told_at_once_and_nothing_is_sent(bench: Bench, counter: Counter) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    bench.arm("*", "http_500", FEWEST_CALLS)
    counter.break_open(bench.tenant, "paynow", "USD")
    bench.disarm()

    first = counter.open(payment, bench.tenant)
    again = counter.open(payment, bench.tenant)  # its answer was lost on the way to Temporal

    assert first == again == OpenedCheckout(Outcome.DECLINED)
    attempt = counter.attempt(payment, bench.tenant)
    assert attempt.outcome is Outcome.DECLINED
    assert attempt.checkout == {"decline_reason": NOT_ANSWERING}
    assert bench.transactions(payment) == []
    assert counter.confirm(payment, bench.tenant) is PaymentStatus.FAILED
    assert counter.payment(payment, bench.tenant).failure_reason == NOT_ANSWERING


def test_a_gateway_that_cannot_be_reached_is_tried_again_and_asked_once(bench: Bench, counter: Counter) -> None:
    payment = bench.payment(bench.invoice(bench.customer()))
    reachable = counter.addresses["paynow"]
    counter.addresses["paynow"] = GatewayAddresses(CLOSED, reachable.result_url)
    with pytest.raises(GatewayUnreachableError):
        counter.open(payment, bench.tenant)
    counter.addresses["paynow"] = reachable

    assert counter.open(payment, bench.tenant) == OpenedCheckout(Outcome.PENDING)

    attempt = counter.attempt(payment, bench.tenant)
    assert attempt.outcome is Outcome.PENDING
    assert "EcoCash PIN" in (attempt.checkout or {})["instructions"]
    assert len(bench.transactions(payment)) == 1


def test_when_no_try_ever_reached_the_gateway_the_payment_has_failed_and_nobody_waits_for_it(
    bench: Bench, counter: Counter
) -> None:
    """Nothing was ever sent: to keep its payer from another way to pay for a day would be wrong."""
    payment = bench.payment(bench.invoice(bench.customer()))
    counter.addresses["paynow"] = GatewayAddresses(CLOSED, counter.addresses["paynow"].result_url)
    for _ in range(4):
        with pytest.raises(GatewayUnreachableError):
            counter.open(payment, bench.tenant)

    assert counter.confirm(payment, bench.tenant) is PaymentStatus.FAILED
    assert counter.payment(payment, bench.tenant).failure_reason == NOT_ANSWERING


def test_a_lost_answer_is_unknown_also_while_the_gateway_is_left_alone(bench: Bench, counter: Counter) -> None:
    """Unknown is not failed: the money may be on its way, so nobody is told that nothing was charged."""
    payment = bench.payment(bench.invoice(bench.customer()))
    bench.arm("remote", "drop_after_effect")
    with pytest.raises(GatewayOutcomeUnknownError):
        counter.open(payment, bench.tenant)
    bench.arm("*", "http_500", FEWEST_CALLS)
    counter.break_open(bench.tenant, "paynow", "USD")
    bench.disarm()
    with pytest.raises(GatewayPausedError):
        counter.open(payment, bench.tenant)
    attempt = counter.attempt(payment, bench.tenant)
    assert (attempt.outcome, attempt.checkout) == (Outcome.UNKNOWN, None)

    counter.clock.now += PAUSE_SECONDS

    assert counter.open(payment, bench.tenant) == OpenedCheckout(Outcome.PENDING)
    assert len(bench.transactions(payment)) == 1


def test_a_payment_that_a_gateway_cannot_take_leaves_its_payer_free_for_another_way(
    database: Database, counter: Counter
) -> None:
    """PayFast takes nothing below R5.00."""
    tenant, payment = at_creche(database, PaymentMethod.PAYFAST, "4.99")

    assert counter.open(payment, tenant) == OpenedCheckout(Outcome.DECLINED)

    told = counter.attempt(payment, tenant).checkout
    assert told == {"decline_reason": "PayFast cannot take this payment: nothing was charged. Please choose another way to pay"}
    assert counter.confirm(payment, tenant) is PaymentStatus.FAILED


# Sending again.


def test_where_that_is_safe_a_lost_checkout_is_sent_again_under_the_same_reference(
    database: Database, counter: Counter, cape: SouthAfrica
) -> None:
    tenant, payment = at_creche(database, PaymentMethod.OZOW)
    cape.arm("ozow", "request", "drop_after_effect")
    with pytest.raises(GatewayOutcomeUnknownError):
        counter.open(payment, tenant)
    # No question would help: until somebody pays, Ozow tells of nothing.
    cape.arm("ozow", "by_reference", "http_500")

    assert counter.open(payment, tenant) == OpenedCheckout(Outcome.PENDING)

    attempt = counter.attempt(payment, tenant)
    made = cape.asked_for("ozow", attempt.id)
    assert len(made) == 2
    assert attempt.checkout_id in {one["paymentRequestId"] for one in made}
    assert (attempt.checkout or {})["redirect_url"].startswith(cape.urls["ozow"])


def test_yocos_checkout_is_one_however_often_it_is_sent(database: Database, counter: Counter, cape: SouthAfrica) -> None:
    tenant, payment = at_creche(database, PaymentMethod.YOCO)
    cape.arm("yoco", "create", "drop_after_effect")
    with pytest.raises(GatewayOutcomeUnknownError):
        counter.open(payment, tenant)
    assert counter.open(payment, tenant) == OpenedCheckout(Outcome.PENDING)
    attempt = counter.attempt(payment, tenant)
    assert [one["id"] for one in cape.asked_for("yoco", attempt.id)] == [attempt.checkout_id]


# What is asked for.


def test_a_form_is_kept_without_what_only_the_account_knows(database: Database, counter: Counter) -> None:
    tenant, payment = at_creche(database, PaymentMethod.PAYFAST)
    assert counter.open(payment, tenant) == OpenedCheckout(Outcome.PENDING)
    form = dict((counter.attempt(payment, tenant).checkout or {})["form"])
    assert form["m_payment_id"] == counter.attempt(payment, tenant).id
    assert form["amount"] == "850.00"
    assert not {"merchant_key", "passphrase", "signature"} & set(form)


@pytest.mark.parametrize(
    ("link_type", "amount", "description", "told"),
    [
        (LinkType.OUTSTANDING, None, "", "Outstanding balance"),
        (LinkType.REGISTRATION, "500.00", "", "Registration fee"),
        (LinkType.DEPOSIT, "500.00", "Deposit for a place in 2027", "Deposit for a place in 2027"),
        (LinkType.CUSTOM, "120.00", "Outing to the aquarium", "Outing to the aquarium"),
    ],
)
def test_the_gateway_is_told_what_the_link_is_for_and_sends_the_payer_back_to_it(
    database: Database, counter: Counter, link_type: LinkType, amount: str | None, description: str, told: str
) -> None:
    tenant = make_tenant(database, "payfast")
    invoice = factories.issue_invoice(database, tenant, amount=zar("850.00"))
    asked = zar(amount) if amount else None
    method = PaymentMethod.PAYFAST
    link, payment = by_link(database, tenant, invoice, link_type, method, amount=asked, description=description)
    counter.open(payment, tenant)
    form = dict((counter.attempt(payment, tenant).checkout or {})["form"])
    assert form["item_name"] == told
    assert form["return_url"].startswith(f"{PAGE}{link.code}?")
    assert form["amount"] == (amount or "850.00")


def test_nobody_is_asked_for_a_balance_that_was_paid_while_the_payment_waited(database: Database, counter: Counter) -> None:
    tenant = make_tenant(database, "payfast")
    invoice = factories.issue_invoice(database, tenant, amount=zar("850.00"))
    _, waiting = by_link(database, tenant, invoice, LinkType.OUTSTANDING, PaymentMethod.PAYFAST)
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    assert counter.open(waiting, tenant) == OpenedCheckout(Outcome.DECLINED)
    assert counter.confirm(waiting, tenant) is PaymentStatus.FAILED


def test_nobody_is_asked_for_what_was_cancelled_while_the_payment_waited(database: Database, counter: Counter) -> None:
    tenant = make_tenant(database, "payfast")
    invoice = factories.issue_invoice(database, tenant, amount=zar("850.00"))
    link, waiting = by_link(database, tenant, invoice, LinkType.DEPOSIT, PaymentMethod.PAYFAST, amount=zar("500.00"))
    with database.tenant(tenant.id) as session:
        links.cancel(session, link.id, "Rudo", wall_clock())
    assert counter.open(waiting, tenant) == OpenedCheckout(Outcome.DECLINED)
