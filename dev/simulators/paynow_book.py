"""What the Paynow simulator remembers: its integrations and their transactions, kept in a JSON file when asked to."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dev.simulators.paynow_wire import Pairs

# Paynow's own references have eight digits by now.
FIRST_NUMBER = 15_650_001

UNPAID = frozenset({"Created", "Sent"})


@dataclass(frozen=True, slots=True)
class Integration:
    """A merchant's id and key; the id decides the currency, for which Paynow's messages have no field."""

    id: str
    key: str
    currency: str


@dataclass(frozen=True, slots=True)
class Config:
    """How the simulator was set up.

    Attributes:
        integrations: by id.
        delay_scale: what Paynow's documented seconds are multiplied by; 0.02 makes 30 s of waiting 0.6 s.
        update_extras: optional fields that every status message carries, such as `paymentchannel`.
    """

    integrations: dict[str, Integration]
    delay_scale: float = 1.0
    update_extras: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, settings: dict[str, Any]) -> "Config":
        """From the JSON of the configuration file."""
        made = [
            Integration(str(entry["id"]), str(entry["key"]), str(entry.get("currency", "USD")))
            for entry in settings["integrations"]
        ]
        return cls(
            {integration.id: integration for integration in made},
            float(settings.get("delay_scale", 1.0)),
            {str(name): str(value) for name, value in settings.get("update_extras", {}).items()},
        )


@dataclass(slots=True)
class Transaction:
    """One payment.

    Attributes:
        number: `paynowreference`.
        amount: decimal text with two digits.
        base_url: where this simulator was reached when the payment was made; its addresses start with it.
        past: earlier statuses, oldest first.
        due_status, due_at: what a test number will make of it, and when (Unix seconds).
        extras: optional fields of its status messages.
        updates: what was posted to the merchant, and what came back.
    """

    number: int
    guid: str
    integration_id: str
    reference: str
    amount: str
    currency: str
    status: str
    base_url: str
    created_at: str
    merchanttrace: str = ""
    method: str = ""
    phone: str = ""
    authemail: str = ""
    additionalinfo: str = ""
    returnurl: str = ""
    resulturl: str = ""
    authorizationcode: str = ""
    authorizationexpires: str = ""
    due_status: str = ""
    due_at: float = 0.0
    past: list[str] = field(default_factory=list)
    extras: dict[str, str] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pollurl(self) -> str:
        return f"{self.base_url}/Interface/CheckPayment/?guid={self.guid}"

    @property
    def browserurl(self) -> str:
        return f"{self.base_url}/Payment/ConfirmPayment/{self.number}/"

    @property
    def is_unpaid(self) -> bool:
        return self.status in UNPAID

    def message(self) -> Pairs:
        """Its state in the order of the captures, without the hash."""
        return [
            ("reference", self.reference),
            ("paynowreference", str(self.number)),
            ("amount", self.amount),
            ("status", self.status),
            ("pollurl", self.pollurl),
            *self.extras.items(),
        ]

    def shown(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            **asdict(self),
            "paynowreference": str(self.number),
            "pollurl": self.pollurl,
            "browserurl": self.browserurl,
        }


class Book:
    """All transactions, newest last; saved in one step after each change when there is a file."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._transactions: list[Transaction] = []
        if file is not None and file.exists():
            self._transactions = [Transaction(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._transactions)

    @property
    def next_number(self) -> int:
        return self._transactions[-1].number + 1 if self._transactions else FIRST_NUMBER

    def add(self, transaction: Transaction) -> None:
        self._transactions.append(transaction)
        self.save()

    def find(self, name: str) -> Transaction | None:
        """The newest transaction known by `name`: merchant's reference, trace, Paynow's reference or guid."""
        for transaction in reversed(self._transactions):
            if name in {transaction.reference, transaction.merchanttrace, str(transaction.number), transaction.guid}:
                return transaction
        return None

    def numbered(self, number: str) -> Transaction | None:
        return next((transaction for transaction in self._transactions if str(transaction.number) == number), None)

    def polled(self, guid: str) -> Transaction | None:
        return next((transaction for transaction in self._transactions if transaction.guid == guid), None)

    def traced(self, integration_id: str, trace: str) -> Transaction | None:
        """The transaction that this integration sent with this `merchanttrace`."""
        if not trace:
            return None
        for transaction in self._transactions:
            if (transaction.integration_id, transaction.merchanttrace) == (integration_id, trace):
                return transaction
        return None

    def save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([asdict(transaction) for transaction in self._transactions], indent=1), encoding="utf-8")
        draft.replace(self._file)
