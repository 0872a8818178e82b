"""What the import files say: plans, customers with their subscriptions, and one-off charges, read from CSV.

| file | columns |
|---|---|
| plans.csv | code, name, price, currency, interval_months, tax_percent, prorated |
| customers.csv | reference, name, email, phone, plan, quantity, starts_on, ends_on |
| charges.csv | customer_reference, description, quantity, unit_price, currency, tax_percent, charge_on |

Several rows of one reference are several subscriptions of one customer; a row without a plan is a customer without one. What
can be known only from the database (is there such a plan?) is checked in `persistence/imports.py`.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from domain.csv_table import CellRule, Record, RowProblem, read_records
from domain.import_cells import choice, currency, day, ends_on, money, optional, tax, text, unless_no_plan, whole, yes_or_no
from domain.money import Money

# Turns an address or a number as people write it into the one that is stored; raises InvalidInputError.
ContactRule = Callable[[str], str]

INTERVALS = (1, 3, 6, 12)
LARGEST_QUANTITY = 1_000_000


class ImportFile(StrEnum):
    """The files that can be imported, by name."""

    PLANS = "plans.csv"
    CUSTOMERS = "customers.csv"
    CHARGES = "charges.csv"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A row of plans.csv."""

    row: int
    code: str
    name: str
    price: Money
    interval_months: int
    tax_basis_points: int
    prorated: bool


@dataclass(frozen=True, slots=True)
class SubscriptionTerms:
    """The right half of a row of customers.csv; `plan` is the plan's code."""

    plan: str
    quantity: int
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A row of customers.csv. None is a blank cell: it says nothing, so what is stored stays."""

    row: int
    reference: str
    name: str
    email: str | None
    phone: str | None
    subscription: SubscriptionTerms | None


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A row of charges.csv."""

    row: int
    customer_reference: str
    description: str
    quantity: int
    unit_price: Money
    tax_basis_points: int
    charge_on: date


@dataclass(frozen=True, slots=True)
class Upload:
    """The good rows of one to three files that are imported together, and every problem of the others."""

    plans: tuple[PlanLine, ...] = ()
    customers: tuple[CustomerLine, ...] = ()
    charges: tuple[ChargeLine, ...] = ()
    problems: tuple[RowProblem, ...] = ()


def read_upload(files: Mapping[ImportFile, bytes], *, email: ContactRule, phone: ContactRule) -> Upload:
    """Read the files that were handed in.

    Args:
        files: contents as uploaded; a file that is not there brings nothing.
        email: checks and normalises an e-mail address.
        phone: checks and normalises a phone number.
    """
    rules = {
        ImportFile.PLANS: _PLAN_RULES,
        ImportFile.CUSTOMERS: _customer_rules(email, phone),
        ImportFile.CHARGES: _CHARGE_RULES,
    }
    records: dict[ImportFile, list[Record]] = {file: [] for file in ImportFile}
    problems: list[RowProblem] = []
    for file in (file for file in ImportFile if file in files):
        records[file], faults = read_records(file.value, files[file], rules[file])
        problems += faults
    plans = tuple(PlanLine(row=record.row, **_renamed(record)) for record in records[ImportFile.PLANS])
    customers = tuple(_customer_line(record) for record in records[ImportFile.CUSTOMERS])
    charges = tuple(ChargeLine(row=record.row, **_renamed(record)) for record in records[ImportFile.CHARGES])
    problems += [*_plan_clashes(plans), *_customer_clashes(customers), *_charge_clashes(charges)]
    problems.sort(key=lambda problem: (list(ImportFile).index(ImportFile(problem.file)), problem.row))
    return Upload(plans, customers, charges, tuple(problems))


_PLAN_RULES: dict[str, CellRule] = {
    "code": text(60),
    "name": text(200),
    "price": money(zero=True),
    "currency": currency,
    "interval_months": choice(INTERVALS),
    "tax_percent": tax,
    "prorated": yes_or_no,
}

_CHARGE_RULES: dict[str, CellRule] = {
    "customer_reference": text(60),
    "description": text(300),
    "quantity": whole(LARGEST_QUANTITY),
    "unit_price": money(zero=False),
    "currency": currency,
    "tax_percent": tax,
    "charge_on": day,
}


def _customer_rules(email: ContactRule, phone: ContactRule) -> dict[str, CellRule]:
    return {
        "reference": text(60),
        "name": text(200),
        "email": optional(lambda cell, _: email(cell)),
        "phone": optional(lambda cell, _: phone(cell)),
        "plan": optional(text(60)),
        "quantity": unless_no_plan(whole(LARGEST_QUANTITY)),
        "starts_on": unless_no_plan(day),
        "ends_on": unless_no_plan(optional(ends_on)),
    }


def _renamed(record: Record) -> dict[str, Any]:
    """A row's values under the names of the dataclasses, where tax is in basis points and money has its currency."""
    names = {"tax_percent": "tax_basis_points"}
    return {names.get(column, column): value for column, value in record.values.items() if column != "currency"}


def _customer_line(record: Record) -> CustomerLine:
    values = record.values
    plan = values["plan"]
    terms = SubscriptionTerms(plan, values["quantity"], values["starts_on"], values["ends_on"]) if plan else None
    return CustomerLine(record.row, values["reference"], values["name"], values["email"], values["phone"], terms)


class _Line(Protocol):
    @property
    def row(self) -> int: ...


_AnyLine = TypeVar("_AnyLine", bound=_Line)


def _repeated(lines: Iterable[_AnyLine], key: Callable[[_AnyLine], Hashable]) -> list[tuple[_AnyLine, _AnyLine]]:
    """Each line whose key an earlier line has, with that line."""
    seen: dict[Hashable, _AnyLine] = {}
    return [(line, first) for line in lines if (first := seen.setdefault(key(line), line)) is not line]


def _plan_clashes(plans: tuple[PlanLine, ...]) -> list[RowProblem]:
    return [
        RowProblem(line.row, "code", f"plan {line.code!r} is in row {first.row} already; keep one.", ImportFile.PLANS.value)
        for line, first in _repeated(plans, lambda line: line.code)
    ]


def _customer_clashes(customers: tuple[CustomerLine, ...]) -> list[RowProblem]:
    problems = [
        RowProblem(
            line.row,
            column,
            f"{getattr(line, column) or ''!r} is {getattr(first, column) or ''!r} in row {first.row}, which has the same "
            f"reference {line.reference!r}; make them agree.",
            ImportFile.CUSTOMERS.value,
        )
        for line, first in _repeated(customers, lambda line: line.reference)
        for column in ("name", "email", "phone")
        if getattr(line, column) != getattr(first, column)
    ]
    repeated = _repeated(customers, lambda line: (line.reference, _start(line)))
    return problems + [_same_subscription(line, first) for line, first in repeated]


def _start(line: CustomerLine) -> tuple[str, date] | None:
    return (line.subscription.plan, line.subscription.starts_on) if line.subscription else None


def _same_subscription(line: CustomerLine, first: CustomerLine) -> RowProblem:
    same = "plan from the same day on" if line.subscription else "customer without a plan"
    message = f"row {first.row} has the same {same}; keep one row, with the whole quantity."
    return RowProblem(line.row, "plan", message, ImportFile.CUSTOMERS.value)


def _charge_clashes(charges: tuple[ChargeLine, ...]) -> list[RowProblem]:
    message = "row {row} is the same charge; keep one, or tell them apart in the description if both are meant."
    return [
        RowProblem(line.row, "description", message.format(row=first.row), ImportFile.CHARGES.value)
        for line, first in _repeated(charges, charge_key)
    ]


def charge_key(charge: ChargeLine) -> Hashable:
    """What makes two charges the same: everything that they say."""
    money = charge.unit_price
    return (
        charge.customer_reference,
        charge.description,
        charge.quantity,
        money.minor,
        money.currency,
        charge.tax_basis_points,
        charge.charge_on,
    )
