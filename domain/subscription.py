"""What recurs: a plan's price, taken by a customer in some quantity from one day to another; and one-off charges."""

from dataclasses import dataclass
from datetime import date

from domain.calendar import Period
from domain.money import Money


@dataclass(frozen=True, slots=True)
class Plan:
    """A price that recurs.

    Attributes:
        price: per unit and interval; gross or net as the tenant's `prices_include_tax` says.
        interval_months: 1 monthly, 3 quarterly, 12 yearly; counted from the month in which a subscription starts.
        tax_basis_points: 1,500 is 15 %.
        prorated: whether a month that the subscription covers only in part is charged by days.
    """

    id: str
    code: str
    name: str
    price: Money
    interval_months: int
    tax_basis_points: int
    prorated: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer's use of a plan; `ends_on` is the last day that is charged."""

    id: str
    customer_id: str
    plan: Plan
    quantity: int
    starts_on: date
    ends_on: date | None = None

    def active_days(self, period: Period) -> int:
        """On how many days of `period` it runs; 0 when it is not charged at all."""
        first = max(self.starts_on, period.first_day)
        last = period.last_day if self.ends_on is None else min(self.ends_on, period.last_day)
        return max((last - first).days + 1, 0)

    def is_due_in(self, period: Period) -> bool:
        """Whether `period` begins one of its intervals while it runs."""
        months = period.months_since(self.starts_on)
        return months >= 0 and months % self.plan.interval_months == 0 and self.active_days(period) > 0


@dataclass(frozen=True, slots=True)
class Charge:
    """Something charged once, on the first invoice of a period that ends on or after `charge_on`."""

    id: str
    customer_id: str
    description: str
    quantity: int
    unit_price: Money
    tax_basis_points: int
    charge_on: date
