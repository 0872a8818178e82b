"""Public holidays, from the `holidays` library, and the sending calendars made with them; rules are handed both."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

import holidays

from domain.customer import Tenant
from domain.dunning import PlannedStep, plan_steps
from domain.dunning_policy import DunningPolicy
from domain.errors import InvalidInputError
from domain.sending_calendar import SendingCalendar


def require_country(country: str) -> None:
    """Refuse a country whose public holidays nobody can tell.

    Raises:
        InvalidInputError: not an ISO 3166 alpha-2 code that the library knows.
    """
    if country not in holidays.list_supported_countries(include_aliases=False):
        raise InvalidInputError("country", f"{country!r} is not a code such as ZW or ZA of a country whose holidays are known.")


@lru_cache(maxsize=64)
def public_holidays(country: str, first_year: int, last_year: int) -> Mapping[date, str]:
    """The public holidays of these years, both included, by day with their English names.

    Days in lieu are included. Countries proclaim further ones at short notice, which the library learns with its releases.

    Raises:
        InvalidInputError: as `require_country`.
    """
    require_country(country)
    years = range(first_year, last_year + 1)
    found = holidays.country_holidays(country, years=years, language="en_US")
    return MappingProxyType(dict(sorted(found.items())))


def sending_calendar(policy: DunningPolicy, tenant: Tenant, first: date, last: date) -> SendingCalendar:
    """The calendar by which a policy's steps between these days fall, with as much to spare as steps may move."""
    holidays_ = public_holidays(tenant.country, first.year - 1, last.year + 1) if policy.working_days_only else {}
    return SendingCalendar.of(policy, tenant.time_zone, holidays_)


def plan_of_new_invoice(policy: DunningPolicy, tenant: Tenant, due_on: date, issued_at: datetime) -> tuple[PlannedStep, ...]:
    """What a policy comes to for an invoice that is issued at an instant (UTC) and due on a local day."""
    calendar = sending_calendar(policy, tenant, *span(policy, due_on))
    return plan_steps(policy, due_on, calendar, issued_at)


def span(policy: DunningPolicy, due_on: date) -> tuple[date, date]:
    """The days between which the policy's steps nominally fall."""
    offsets = [0, *(step.offset_days for step in policy.steps)]
    return due_on + timedelta(days=min(offsets)), due_on + timedelta(days=max(offsets))
