"""What the API takes and gives about dated plans. Days and hours are the business's local ones; `at` is an instant in UTC."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from api.days import Day
from api.dunning_policies_schemas import PolicyData, PolicyShown
from domain.calendar import local_day
from domain.customer import Tenant
from domain.dunning_ladder import format_offset
from domain.dunning_policy import DunningPolicy
from domain.dunning_preview import PreviewedStep
from public_holidays import public_holidays

# The holidays of other centuries are nobody's business, and calendars end in the year 9999.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2099, 12, 31)


def _within_reach(day: date) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise PydanticCustomError(
            "far_day", "choose a day from {first} to {last}", {"first": f"{_EARLIEST}", "last": f"{_LATEST}"}
        )
    return day


_PreviewDay = Annotated[Day, AfterValidator(_within_reach)]
DueOn = Annotated[
    _PreviewDay | None, Query(description="Due on this day; without it, as many days after the issue as the business gives.")
]
IssuedOn = Annotated[
    _PreviewDay | None,
    Query(
        description="Issued as this day begins; without it, as many days before the due day as the business gives, or today."
    ),
]


class DraftRequest(BaseModel):
    """A policy that is not saved, and the invoice to try it on: `due_on` and `issued_on` are as in the query of GET."""

    model_config = ConfigDict(extra="forbid")

    policy: PolicyData
    due_on: _PreviewDay | None = None
    issued_on: _PreviewDay | None = None


class StepPreviewed(BaseModel):
    """A step with its date.

    `nominal_on` is the day that the offset names, `on` the day on which it is really taken; when they differ,
    `moved_because` says why. `left_out` says why a step would not be taken at all; null when it would. `taken_at` is when a
    step of an invoice was taken.
    """

    key: str
    action: str
    letter: str | None
    offset: str | None
    nominal_on: date | None
    nominal_weekday: str | None
    on: date
    weekday: str
    local_time: str
    at: datetime
    moved_because: str | None
    left_out: str | None
    taken_at: datetime | None

    @classmethod
    def of(cls, found: PreviewedStep, due_on: date, zone: str, taken_at: datetime | None) -> Self:
        step = found.step
        on, nominal_on = local_day(step.at, zone), step.nominal_on
        return cls(
            key=step.key,
            action=step.action.value,
            letter=step.letter.value if step.letter else None,
            offset=format_offset((nominal_on - due_on).days) if nominal_on else None,
            nominal_on=nominal_on,
            nominal_weekday=f"{nominal_on:%A}" if nominal_on else None,
            on=on,
            weekday=f"{on:%A}",
            local_time=f"{step.at.astimezone(ZoneInfo(zone)):%H:%M}",
            at=step.at,
            moved_because=step.moved or None,
            left_out=found.left_out or None,
            taken_at=taken_at,
        )


class HolidayShown(BaseModel):
    """A public holiday."""

    on: date
    weekday: str
    name: str


class CalendarShown(BaseModel):
    """The calendar by which steps fall: public holidays are those between the first and the last day that concern the plan.

    They only move steps when the policy keeps to working days.
    """

    country: str
    time_zone: str
    send_at: str
    send_window: dict[str, str]
    working_days_only: bool
    public_holidays: list[HolidayShown]

    @classmethod
    def of(cls, policy: DunningPolicy, tenant: Tenant, first: date, last: date) -> Self:
        data = policy.to_data()
        found = public_holidays(tenant.country, first.year, last.year)
        return cls(
            country=tenant.country,
            time_zone=tenant.time_zone,
            send_at=data["send_at"],
            send_window=data["send_window"],
            working_days_only=policy.working_days_only,
            public_holidays=[
                HolidayShown(on=day, weekday=f"{day:%A}", name=name) for day, name in found.items() if first <= day <= last
            ],
        )


class PlanShown(BaseModel):
    """A dated plan, with the calendar that it keeps."""

    due_on: date
    issued_on: date
    calendar: CalendarShown
    steps: list[StepPreviewed]

    @classmethod
    def of(
        cls,
        policy: DunningPolicy,
        tenant: Tenant,
        *,
        due_on: date,
        issued_on: date,
        steps: Sequence[PreviewedStep],
        taken: Mapping[str, datetime] = MappingProxyType({}),
    ) -> Self:
        """Args: taken: when steps were taken, by their keys."""
        days = [due_on]
        for found in steps:
            days += [local_day(found.step.at, tenant.time_zone), found.step.nominal_on or due_on]
        return cls(
            due_on=due_on,
            issued_on=issued_on,
            calendar=CalendarShown.of(policy, tenant, min(days), max(days)),
            steps=[StepPreviewed.of(found, due_on, tenant.time_zone, taken.get(found.step.key)) for found in steps],
        )


class PolicyPreview(BaseModel):
    """What a policy comes to for an invoice that there is not. `policy` is null for a draft."""

    policy: PolicyShown | None
    plan: PlanShown


class InvoicePreview(BaseModel):
    """What an invoice's chasing comes to.

    Attributes:
        set_aside: why it is not chased now, whatever the plan says; null when it is.
        snapshot: the policy that stays with the invoice.
        snapshot_version: which version that was; null for an invoice from before policies had versions.
        plan: what was made of it when the invoice was issued, or its due day extended; only the steps that are taken.
        current: the policy by which the customer's new invoices are chased now.
        reapplied: what the rest would be if staff applied that version now (`reapply-policy`); null when it is the
            invoice's own version, or the invoice is closed: then there is nothing to apply.
    """

    invoice_id: str
    number: str
    state: str
    set_aside: str | None
    snapshot: dict[str, Any]
    snapshot_version: int | None
    plan: PlanShown
    current: PolicyShown
    reapplied: PlanShown | None
