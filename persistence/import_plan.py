"""What an import would do, drawn up before anything is stored: rows to add, columns to change, and what stands in the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.csv_table import RowProblem
from domain.customer_import import ImportFile
from domain.ids import Prefix
from persistence.columns import Base, new_id
from persistence.models import ChargeRow, CustomerRow, PlanRow, SubscriptionRow


@dataclass(frozen=True, slots=True)
class RowChange:
    """Something stored that the file says otherwise: `resource_id` names the customer, subscription or plan."""

    row: int
    column: str
    before: str
    after: str
    file: str
    resource_id: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.column}: {self.before or '(blank)'} becomes {self.after}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many of each. `unchanged` counts what the files name and the database has just so."""

    customers_added: int
    customers_changed: int
    subscriptions_added: int
    unchanged: int
    subscriptions_changed: int = 0
    plans_added: int = 0
    plans_changed: int = 0
    charges_added: int = 0


@dataclass
class ImportPlan:
    """What an import would do, and what stands in its way."""

    problems: list[RowProblem] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    added: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)
    changed: dict[type[Base], dict[str, dict[str, Any]]] = field(default_factory=dict)
    unchanged: int = 0

    def add(self, table: type[Base], prefix: Prefix, **values: Any) -> str:
        """Take down a new row; gives the id that it will have."""
        identity = new_id(prefix)
        self.added.setdefault(table, []).append({"id": identity} | values)
        return identity

    def compare(self, table: type[Base], stored: Any, said: Mapping[str, Any], file: ImportFile, row: int) -> None:
        """Take down what `said` says otherwise than the `stored` row; None says nothing."""
        news = {name: value for name, value in said.items() if value is not None and value != getattr(stored, name)}
        if not news:
            self.unchanged += 1
            return
        self.changed.setdefault(table, {})[stored.id] = {"id": stored.id} | news
        for name, value in news.items():
            before = getattr(stored, name)
            self.changes.append(RowChange(row, name, "" if before is None else str(before), str(value), file.value, stored.id))

    def refuse(self, file: ImportFile, row: int, column: str, message: str) -> None:
        """Take down a problem."""
        self.problems.append(RowProblem(row, column, message, file.value))

    def result(self) -> ImportResult:
        """The counts that this plan comes to."""
        return ImportResult(
            customers_added=len(self.added.get(CustomerRow, ())),
            customers_changed=len(self.changed.get(CustomerRow, ())),
            subscriptions_added=len(self.added.get(SubscriptionRow, ())),
            subscriptions_changed=len(self.changed.get(SubscriptionRow, ())),
            plans_added=len(self.added.get(PlanRow, ())),
            plans_changed=len(self.changed.get(PlanRow, ())),
            charges_added=len(self.added.get(ChargeRow, ())),
            unchanged=self.unchanged,
        )
