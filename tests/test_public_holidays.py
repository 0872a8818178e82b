"""Public holidays of Zimbabwe and South Africa, and the plans that keep them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from domain.customer import Tenant
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy, default_policy
from domain.errors import InvalidInputError
from public_holidays import plan_of_new_invoice, public_holidays, require_country, sending_calendar, span

TENANT = Tenant(
    id="ten_1",
    slug="cvt",
    name="Christus Veritas Technologies",
    currency="USD",
    time_zone="Africa/Harare",
    payment_terms_days=14,
    prices_include_tax=False,
    invoice_prefix="CVT-",
    sender_email="billing@cvt.example",
    contact_email="accounts@cvt.example",
    country="ZW",
)
CRECHE = replace(TENANT, time_zone="Africa/Johannesburg", country="ZA")
HEROES_DAY = date(2026, 8, 10)


@pytest.mark.parametrize(
    ("country", "day", "name"),
    [
        ("ZW", date(2026, 4, 18), "Independence Day"),
        ("ZW", HEROES_DAY, "Zimbabwe Heroes' Day"),
        ("ZW", date(2026, 8, 11), "Defense Forces Day"),
        ("ZW", date(2026, 12, 22), "Unity Day"),
        ("ZA", date(2026, 4, 27), "Freedom Day"),
        ("ZA", date(2026, 6, 16), "Youth Day"),
        ("ZA", date(2026, 12, 16), "Day of Reconciliation"),
        ("ZA", date(2027, 3, 26), "Good Friday"),
    ],
)
def test_public_holidays_have_their_english_names(country: str, day: date, name: str) -> None:
    assert public_holidays(country, day.year, day.year)[day] == name


def test_a_holiday_on_a_sunday_is_kept_on_the_monday_too() -> None:
    """South Africa's National Women's Day of 2026 falls on Sunday 9 August."""
    found = public_holidays("ZA", 2026, 2026)
    assert found[date(2026, 8, 9)] == "National Women's Day"
    assert found[date(2026, 8, 10)] == "National Women's Day (observed)"


def test_both_years_are_included_in_order_and_no_other() -> None:
    days = list(public_holidays("ZW", 2026, 2027))
    assert days == sorted(days)
    assert {day.year for day in days} == {2026, 2027}


@pytest.mark.parametrize("country", ["", "zw", "ZIM", "XX", "Zimbabwe"])
def test_a_country_whose_holidays_nobody_knows_is_refused_with_an_example(country: str) -> None:
    with pytest.raises(InvalidInputError, match=r"country: .* is not a code such as ZW or ZA"):
        require_country(country)
    with pytest.raises(InvalidInputError, match="country"):
        public_holidays(country, 2026, 2026)


@pytest.mark.parametrize("country", ["ZW", "ZA", "BW", "GB"])
def test_a_country_with_known_holidays_is_taken(country: str) -> None:
    require_country(country)


def test_only_a_policy_that_keeps_to_working_days_looks_at_holidays() -> None:
    working = default_policy()
    any_day = replace(working, working_days_only=False)
    assert sending_calendar(working, TENANT, HEROES_DAY, HEROES_DAY).why_closed(HEROES_DAY) == (
        "public holiday: Zimbabwe Heroes' Day"
    )
    assert sending_calendar(any_day, TENANT, HEROES_DAY, HEROES_DAY).why_closed(HEROES_DAY) is None


def test_holidays_are_known_beyond_the_turn_of_the_year() -> None:
    """A step of 31 December that is pushed on must find 1 January closed, and one before 1 January must find Christmas."""
    last, first = date(2026, 12, 31), date(2027, 1, 1)
    assert sending_calendar(default_policy(), TENANT, last, last).open_day_from(first) == date(2027, 1, 4)
    assert sending_calendar(default_policy(), TENANT, first, first).why_closed(date(2026, 12, 25)) is not None


@pytest.mark.parametrize(
    ("tenant", "moved_to", "why"),
    [
        (TENANT, date(2026, 8, 12), "public holiday: Zimbabwe Heroes' Day, public holiday: Defense Forces Day"),
        (CRECHE, date(2026, 8, 11), "public holiday: National Women's Day (observed)"),
    ],
)
def test_a_notice_of_10_august_2026_waits_for_the_holidays_of_the_country(tenant: Tenant, moved_to: date, why: str) -> None:
    plan = plan_of_new_invoice(default_policy(), tenant, HEROES_DAY, datetime(2026, 7, 27, 8, 0, tzinfo=UTC))
    notice = next(step for step in plan if step.key == "1-overdue_notice")
    assert (notice.nominal_on, notice.moved) == (HEROES_DAY, why)
    assert notice.at == datetime.combine(moved_to, time(7), tzinfo=UTC)


def test_steps_that_would_come_before_the_invoice_are_left_out() -> None:
    plan = plan_of_new_invoice(default_policy(), TENANT, HEROES_DAY, datetime(2026, 8, 10, 8, 0, tzinfo=UTC))
    assert [step.key for step in plan] == ["1-overdue_notice", "2-overdue_notice", "3-final_warning", "4-suspend"]


def test_the_span_of_a_ladder_runs_from_its_first_step_to_its_last_and_holds_the_due_day() -> None:
    assert span(default_policy(), HEROES_DAY) == (date(2026, 8, 7), date(2026, 8, 31))
    late = DunningPolicy((DunningStep.usual(7, Action.OVERDUE_NOTICE),))
    assert span(late, HEROES_DAY) == (HEROES_DAY, date(2026, 8, 17))
    assert span(DunningPolicy(()), HEROES_DAY) == (HEROES_DAY, HEROES_DAY)
