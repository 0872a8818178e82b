"""Looking again and carrying out by hand: each done twice, as Temporal does when it loses an answer."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.paying import CheckoutOpening, Paying
from activities.reconciling import DecisionRequest, LookedAt, PageRequest, Reconciling, Tally
from domain.ledger import Account
from domain.payment import PaymentMethod, PaymentStatus
from persistence import attempts, audit, ledger, payments, reviews
from persistence.payments import Payment
from persistence.reviews import Review
from tests import factories
from tests.factories import zar
from tests.workflows.bench import Bench
from tests.workflows.engine import wall_clock

YESTERDAY = timedelta(hours=26)


def reconciling(bench: Bench) -> Reconciling:
    return Reconciling(bench.database, bench.engine.services.desk)


def look(bench: Bench, request: PageRequest) -> LookedAt:
    return ActivityEnvironment().run(reconciling(bench).look_at_page, request)


def waiting(bench: Bench) -> Payment:
    """A payment at the gateway since yesterday morning, whose saga was lost."""
    services, begun_at = bench.engine.services, wall_clock() - YESTERDAY
    payment = bench.payment(bench.invoice(bench.customer()), begun_at=begun_at)
    Paying(services.database, services.desk, services.links).open_checkout(
        CheckoutOpening(bench.tenant.id, payment.id, begun_at)
    )
    return payment


def decided(bench: Bench, payment: Payment, resolution: str, *, booked: str | None = None) -> Review:
    with bench.database.tenant(bench.tenant.id) as session:
        reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up.", wall_clock())
        (review,) = reviews.unresolved(session, after=None, limit=9)
        return reviews.resolve(session, review.id, resolution, "Chipo", wall_clock(), note="Looked up.", payment_id=booked)


@pytest.mark.parametrize("only_overdue", [False, True])
async def test_a_page_whose_answer_was_lost_tells_the_same_again_and_settles_nothing_twice(
    bench: Bench, *, only_overdue: bool
) -> None:
    paid, expired = waiting(bench), waiting(bench)
    bench.at_gateway(paid, "Paid")
    request = PageRequest(bench.tenant.id, wall_clock(), only_overdue=only_overdue)
    first = look(bench, request)
    assert [news.payment_id for news in first.news] == [paid.id, expired.id]
    assert look(bench, request) == first
    assert first.tally == Tally(asked=2, settled=1, failed=1)
    assert bench.ledger_entries(paid.id) == 1


async def test_a_later_look_has_nothing_to_tell_of_what_an_earlier_one_decided(bench: Bench) -> None:
    expired = waiting(bench)
    look(bench, PageRequest(bench.tenant.id, wall_clock()))
    later = look(bench, PageRequest(bench.tenant.id, wall_clock()))
    assert (later.news, later.tally) == ((), Tally(asked=1)), "it failed of late: money may still come"
    long_after = look(bench, PageRequest(bench.tenant.id, wall_clock() + timedelta(days=8)))
    assert long_after.tally == Tally()
    assert bench.now_of(expired).status is PaymentStatus.FAILED


async def test_what_waits_for_a_person_is_not_overdue(bench: Bench) -> None:
    payment = waiting(bench)
    with bench.database.tenant(bench.tenant.id) as session:
        reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up.", wall_clock() - timedelta(hours=1))
    assert look(bench, PageRequest(bench.tenant.id, wall_clock(), only_overdue=True)).tally == Tally()
    assert look(bench, PageRequest(bench.tenant.id, wall_clock())).tally.asked == 1, "the daily look may still find its money"


async def test_a_page_ends_where_the_next_begins(bench: Bench) -> None:
    first, second, third = (waiting(bench) for _ in range(3))
    for payment in (first, second, third):
        bench.at_gateway(payment, "Paid")
    now = wall_clock()
    page = look(bench, PageRequest(bench.tenant.id, now, size=2))
    assert (page.after, page.tally.settled) == (second.id, 2)
    rest = look(bench, PageRequest(bench.tenant.id, now, after=page.after or "", size=2))
    assert (rest.after, [news.payment_id for news in rest.news]) == (None, [third.id])


async def test_a_payment_that_a_person_knows_was_never_paid_fails_once(bench: Bench) -> None:
    payment = waiting(bench)
    review = decided(bench, payment, "DISMISSED")
    request = DecisionRequest(bench.tenant.id, payment.id, review.id, wall_clock())
    first, second = (reconciling(bench).carry_out(request) for _ in range(2))
    assert (first.status, first.message_id) == (PaymentStatus.FAILED, second.message_id)
    assert bench.now_of(payment).failure_reason == "Looked up."
    assert bench.audited(payment.id).count("PAYMENT_FAILED") == 1


async def test_money_that_came_while_a_person_dismissed_it_stays_settled(bench: Bench) -> None:
    payment = waiting(bench)
    review = decided(bench, payment, "DISMISSED")
    factories.settle_payment(bench.database, bench.tenant, payment)
    request = DecisionRequest(bench.tenant.id, payment.id, review.id, wall_clock())
    assert reconciling(bench).carry_out(request).status is PaymentStatus.SETTLED
    assert bench.now_of(payment).status is PaymentStatus.SETTLED


async def test_money_that_a_person_booked_bears_the_gateways_probable_fee_and_the_persons_name(bench: Bench) -> None:
    bench.tenant = factories.make_tenant(bench.database, currency="ZAR")
    invoice = factories.issue_invoice(bench.database, bench.tenant, bench.customer(), amount=zar("100"))
    payment = factories.start_payment(bench.database, bench.tenant, invoice, method=PaymentMethod.YOCO)
    attempt = factories.make_attempt(bench.database, bench.tenant, payment, gateway="yoco")
    review = decided(bench, payment, "MATCHED", booked=payment.id)
    reconciling(bench).carry_out(DecisionRequest(bench.tenant.id, payment.id, review.id, wall_clock()))
    with bench.database.tenant(bench.tenant.id) as session:
        stored = attempts.get(session, attempt.id)
        assert (stored.fee, stored.fee_is_estimate) == (zar("3.75"), True)
        assert ledger.balances(session)[(Account.GATEWAY_FEES, "ZAR")] == zar("3.75")
        (entry,) = audit.page(session, after=None, limit=9, action="ONLINE_PAYMENT_RECEIVED")
    assert entry.actor == "Chipo"


@pytest.mark.parametrize("resolution", ["MATCHED", "CREDITED", "DISMISSED"])
async def test_a_decision_about_one_payment_does_nothing_to_another(bench: Bench, resolution: str) -> None:
    asked, other = waiting(bench), waiting(bench)
    review = decided(bench, asked, resolution, booked=None if resolution == "DISMISSED" else asked.id)
    with pytest.raises(ApplicationError, match="was not decided about payment") as refused:
        reconciling(bench).carry_out(DecisionRequest(bench.tenant.id, other.id, review.id, wall_clock()))
    assert refused.value.non_retryable
    with bench.database.tenant(bench.tenant.id) as session:
        assert payments.get(session, other.id).status is PaymentStatus.PENDING
