"""What a customer is billed for a period: lines that make totals, one draft a currency, nothing absurd (pains 8, 11)."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.billing import Billable, RunTotals, draft_invoices
from domain.calendar import Period
from domain.errors import CannotBillError
from domain.invoice import InvoiceDraft
from domain.money import LARGEST_AMOUNT_MINOR, Money
from domain.subscription import Charge, Plan, Subscription
from tests.domain.strategies import charges, periods, subscriptions

NOVEMBER = Period(2026, 11)
PLAN = Plan("pln_1", "pos", "Point of sale", Money(10000, "USD"), 1, 1500)
PRORATED = Plan("pln_2", "pos-days", "Point of sale", Money(10000, "USD"), 1, 1500, prorated=True)


def charge(minor: int, *, currency: str = "USD", quantity: int = 1, charge_on: date = NOVEMBER.first_day) -> Charge:
    return Charge("chg_1", "cus_1", "Installation", quantity, Money(minor, currency), 0, charge_on)


def subscription(plan: Plan = PLAN, starts_on: date = date(2026, 1, 1), ends_on: date | None = None) -> Subscription:
    return Subscription("sub_1", "cus_1", plan, 2, starts_on, ends_on)


def bill(
    *items: Subscription | Charge, period: Period = NOVEMBER, email: str | None = "a@b.example", gross: bool = False
) -> list[InvoiceDraft]:
    recurring = tuple(item for item in items if isinstance(item, Subscription))
    once = tuple(item for item in items if isinstance(item, Charge))
    return draft_invoices(Billable("cus_1", email, recurring, once), period, prices_include_tax=gross)


@given(st.lists(subscriptions(), max_size=6), st.lists(charges, max_size=6), periods, st.booleans())
def test_lines_make_totals_whatever_is_billed(
    recurring: list[Subscription], once: list[Charge], period: Period, gross: bool
) -> None:
    try:
        drafts = bill(*recurring, *once, period=period, gross=gross)
    except CannotBillError:
        assume(False)  # noqa: FBT003 - Hypothesis' own word for: not this example
    assert [draft.currency for draft in drafts] == sorted({draft.currency for draft in drafts})
    for draft in drafts:
        assert draft.net + draft.tax == draft.gross
        for line in draft.lines:
            assert line.net + line.tax == line.gross
            assert (line.subscription_id is None) != (line.charge_id is None)
            assert (line.subscription_id is None) == (line.period_start is None)
        assert draft.gross.minor == sum(line.gross.minor for line in draft.lines) > 0


@given(st.lists(subscriptions(), max_size=6), st.lists(charges, max_size=6), periods)
def test_everything_that_is_due_gets_exactly_one_line(
    recurring: list[Subscription], once: list[Charge], period: Period
) -> None:
    try:
        drafts = bill(*recurring, *once, period=period)
    except CannotBillError:
        assume(False)  # noqa: FBT003 - as above
    due = [item.is_due_in(period) for item in recurring] + [item.charge_on <= period.last_day for item in once]
    assert sum(len(draft.lines) for draft in drafts) == sum(due)


def test_a_net_price_gets_its_tax_on_top() -> None:
    (draft,) = bill(subscription())
    assert (draft.net, draft.tax, draft.gross) == (Money(20000, "USD"), Money(3000, "USD"), Money(23000, "USD"))


def test_a_gross_price_has_its_tax_inside() -> None:
    (draft,) = bill(subscription(), gross=True)
    assert (draft.net, draft.tax, draft.gross) == (Money(17391, "USD"), Money(2609, "USD"), Money(20000, "USD"))


def test_a_line_says_what_it_is_for() -> None:
    (draft,) = bill(subscription(), charge(2500))
    assert [line.description for line in draft.lines] == ["Point of sale, 2026-11", "Installation"]
    assert (draft.lines[0].subscription_id, draft.lines[0].period_start) == ("sub_1", NOVEMBER.first_day)
    assert (draft.lines[1].charge_id, draft.lines[1].period_start) == ("chg_1", None)


def test_a_part_of_a_month_is_charged_by_days_when_the_plan_says_so() -> None:
    (draft,) = bill(subscription(PRORATED, starts_on=date(2026, 11, 16)))
    assert draft.net == Money(10000, "USD")  # 15 of 30 days of two at 100.00
    assert draft.lines[0].description == "Point of sale, 2026-11 (15 of 30 days)"
    assert draft.lines[0].unit_price == Money(10000, "USD")


def test_a_part_of_a_month_costs_the_whole_price_when_the_plan_does_not() -> None:
    (draft,) = bill(subscription(starts_on=date(2026, 11, 30)))
    assert draft.net == Money(20000, "USD")


def test_a_whole_month_of_a_prorated_plan_is_the_price_itself() -> None:
    (draft,) = bill(subscription(PRORATED))
    assert (draft.net, draft.lines[0].description) == (Money(20000, "USD"), "Point of sale, 2026-11")


@given(periods, st.data())
def test_two_halves_of_a_month_cost_the_month_to_the_cent(period: Period, data: st.DataObject) -> None:
    last_day = data.draw(st.dates(period.first_day, period.last_day - timedelta(days=1)))
    (before,) = bill(subscription(PRORATED, date(1999, 1, 1), last_day), period=period)
    (after,) = bill(subscription(PRORATED, last_day + timedelta(days=1)), period=period)
    assert abs((before.net + after.net).minor - 20000) <= 1
    assert abs(before.net.minor - Fraction(20000 * last_day.day, period.days)) <= Fraction(1, 2)


@pytest.mark.parametrize(("charge_on", "billed"), [("2026-10-31", True), ("2026-11-30", True), ("2026-12-01", False)])
def test_a_charge_waits_for_the_period_of_its_day(charge_on: str, billed: bool) -> None:
    assert bool(bill(charge(2500, charge_on=date.fromisoformat(charge_on)))) is billed


def test_nothing_due_makes_no_invoice_and_needs_no_address() -> None:
    assert bill(email=None) == []
    assert bill(subscription(starts_on=date(2026, 12, 1)), email=None) == []


@pytest.mark.parametrize("email", [None, ""])
def test_a_customer_without_an_address_is_parked_with_the_way_out(email: str | None) -> None:
    with pytest.raises(CannotBillError, match="cus_1 has no e-mail address to send an invoice to: add one"):
        bill(charge(2500), email=email)


def test_currencies_go_on_invoices_of_their_own() -> None:
    drafts = bill(charge(100, currency="ZAR"), charge(200), charge(300, currency="ZAR"))
    assert [(draft.currency, draft.gross.minor, len(draft.lines)) for draft in drafts] == [("USD", 200, 1), ("ZAR", 400, 2)]


def test_a_discount_lowers_the_total() -> None:
    (draft,) = bill(charge(2500), charge(-500))
    assert draft.gross == Money(2000, "USD")


@pytest.mark.parametrize("discount", [-2500, -2501])
def test_a_total_that_is_not_above_zero_parks_the_customer(discount: int) -> None:
    with pytest.raises(
        CannotBillError, match=r"cus_1 would get an invoice over USD .*must be above zero\. Correct the charges"
    ):
        bill(charge(2500), charge(discount))


def test_the_largest_total_is_billed_and_a_cent_more_is_parked() -> None:
    assert bill(charge(LARGEST_AMOUNT_MINOR))
    with pytest.raises(CannotBillError, match=r"too large to be meant\. Correct the price or the quantity"):
        bill(charge(LARGEST_AMOUNT_MINOR), charge(1))


counts = st.builds(RunTotals, *[st.integers(0, 1000)] * 4)


@given(counts, counts, counts)
def test_a_runs_totals_do_not_depend_on_how_it_was_cut_into_batches(one: RunTotals, two: RunTotals, three: RunTotals) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + RunTotals() == one
    assert (one + two).issued == one.issued + two.issued
