"""Hypothesis strategies for what the rules take: money, tax, plans, subscriptions, charges."""

from datetime import date

from hypothesis import strategies as st

from domain.calendar import Period
from domain.money import MINOR_DIGITS, Money
from domain.subscription import Charge, Plan, Subscription

currencies = st.sampled_from(sorted(MINOR_DIGITS))
minors = st.integers(-(10**15), 10**15)
moneys = st.builds(Money, minors, currencies)
dollars = st.builds(Money, minors, st.just("USD"))
tax_basis_points = st.integers(0, 10_000)
periods = st.builds(Period, st.integers(2000, 2099), st.integers(1, 12))
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
plans = st.builds(
    Plan,
    id=st.just("pln_1"),
    code=st.just("pos"),
    name=st.just("Point of sale"),
    price=st.builds(Money, st.integers(0, 10**7), st.sampled_from(["USD", "ZAR", "JPY"])),
    interval_months=st.sampled_from([1, 3, 6, 12]),
    tax_basis_points=tax_basis_points,
    prorated=st.booleans(),
)
charges = st.builds(
    Charge,
    id=st.just("chg_1"),
    customer_id=st.just("cus_1"),
    description=st.just("Installation"),
    quantity=st.integers(1, 1000),
    unit_price=st.builds(Money, st.integers(-(10**6), 10**7), st.sampled_from(["USD", "ZAR", "JPY"])),
    tax_basis_points=tax_basis_points,
    charge_on=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)


@st.composite
def subscriptions(draw: st.DrawFn) -> Subscription:
    """A subscription of up to some years; half of them without an end."""
    starts_on = draw(st.dates(date(2024, 1, 1), date(2027, 12, 31)))
    ends_on = draw(st.none() | st.dates(starts_on, date(2030, 1, 1)))
    return Subscription("sub_1", "cus_1", draw(plans), draw(st.integers(1, 1000)), starts_on, ends_on)
