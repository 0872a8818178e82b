"""What the Ozow simulator remembers: sites, payment requests and their transactions, kept in a JSON file when asked to."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from dev.simulators.ozow_wire import NOTIFIED, Fields

PENDING = "Pending"
FINAL = frozenset({"Complete", "Cancelled", "Error", "Abandoned"})


@dataclass(frozen=True, slots=True)
class Site:
    """A merchant's site: the private key only signs, the API key is the header of its calls."""

    site_code: str
    private_key: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Config:
    """How the simulator was set up.

    Attributes:
        sites: by site code.
        delay_scale: what the seconds between resends are multiplied by; 0.02 makes 30 s of waiting 0.6 s.
    """

    sites: dict[str, Site]
    delay_scale: float = 1.0

    @classmethod
    def load(cls, settings: dict[str, Any]) -> "Config":
        """From the JSON of the configuration file."""
        sites = [Site(*(str(entry[name]) for name in ("site_code", "private_key", "api_key"))) for entry in settings["sites"]]
        return cls({site.site_code: site for site in sites}, float(settings.get("delay_scale", 1.0)))

    def keyed(self, api_key: str) -> Site | None:
        """The site whose calls carry this API key."""
        return next((site for site in self.sites.values() if site.api_key == api_key), None)


@dataclass(slots=True)
class Transaction:
    """One try of a payer.

    Attributes:
        past: earlier statuses, oldest first.
        posted: what was posted to the merchant about it, and the HTTP status that came back.
        refunded: what was given back of it, as decimal text.
    """

    id: str
    created_at: str
    status: str = PENDING
    message: str = ""
    bank: str = ""
    paid_at: str = ""
    refunded: str = "0.00"
    past: list[str] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status not in FINAL


@dataclass(slots=True)
class PaymentRequest:
    """What a merchant asked for, with the payer's tries, oldest first.

    Attributes:
        id: `paymentRequestId`, and what its page's address is made of.
        fields: as they were sent, under their documented names.
        base_url: where this simulator was reached when it was made; its address starts with it.
    """

    id: str
    fields: Fields
    base_url: str
    created_at: str
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.base_url}/{self.id}/Secure"

    @property
    def reference(self) -> str:
        return self.fields["TransactionReference"]

    @property
    def amount(self) -> str:
        return f"{Decimal(self.fields['Amount']):.2f}"

    @property
    def is_test(self) -> bool:
        return self.fields["IsTest"].lower() == "true"

    @property
    def newest(self) -> Transaction | None:
        return self.transactions[-1] if self.transactions else None

    def begin(self, bank: str = "") -> Transaction:
        """A new try."""
        transaction = Transaction(str(uuid.uuid4()), now(), bank=bank)
        self.transactions.append(transaction)
        return transaction

    def message(self, transaction: Transaction) -> Fields:
        """What is told of a try, without the hash; the last four fields stand outside it."""
        told = {
            **{name: self.fields.get(name, "") for name in NOTIFIED},
            "TransactionId": transaction.id,
            "Amount": self.amount,
            "Status": transaction.status,
            "IsTest": "true" if self.is_test else "false",
            "StatusMessage": transaction.message,
        }
        return told | {"SubStatus": "", "MaskedAccountNumber": "", "BankName": transaction.bank, "SmartIndicators": ""}

    def row(self, transaction: Transaction) -> dict[str, Any]:
        """A try as the status API tells it."""
        return {
            "transactionId": transaction.id,
            "merchantCode": self.fields["SiteCode"].partition("-")[0],
            "siteCode": self.fields["SiteCode"],
            "transactionReference": self.reference,
            "currencyCode": self.fields["CurrencyCode"],
            "amount": float(self.amount),
            "status": transaction.status,
            "statusMessage": transaction.message or None,
            "createdDate": transaction.created_at,
            "paymentDate": transaction.paid_at or None,
            "bankName": transaction.bank or None,
        }

    def shown(self) -> dict[str, Any]:
        """As the control API shows it."""
        newest = self.newest
        return {
            **asdict(self),
            "paymentRequestId": self.id,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.fields["CurrencyCode"],
            "is_test": self.is_test,
            "url": self.url,
            "status": newest.status if newest else "",
        }


class Book:
    """All payment requests, newest last; saved in one step after each change when there is a file."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._requests: list[PaymentRequest] = []
        if file is not None and file.exists():
            self._requests = [_loaded(entry) for entry in json.loads(file.read_text(encoding="utf-8"))]

    def __iter__(self) -> Iterator[PaymentRequest]:
        return iter(self._requests)

    def add(self, request: PaymentRequest) -> None:
        self._requests.append(request)
        self.save()

    def requested(self, request_id: str) -> PaymentRequest | None:
        return next((request for request in self._requests if request.id == request_id.lower()), None)

    def tried(self, transaction_id: str) -> tuple[PaymentRequest, Transaction] | None:
        """A try by its id, with the request it belongs to."""
        for request in self._requests:
            for transaction in request.transactions:
                if transaction.id == transaction_id.lower():
                    return request, transaction
        return None

    def find(self, name: str) -> tuple[PaymentRequest, Transaction | None] | None:
        """The newest request known by `name`: merchant's reference or paymentRequestId; or the one of a transaction's id."""
        tried = self.tried(name)
        if tried is not None:
            return tried
        for request in reversed(self._requests):
            if name in {request.reference, request.id}:
                return request, None
        return None

    def save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([asdict(request) for request in self._requests], indent=1), encoding="utf-8")
        draft.replace(self._file)


def now() -> str:
    """The present moment as Ozow writes it: no zone."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _loaded(entry: dict[str, Any]) -> PaymentRequest:
    tries = [Transaction(**transaction) for transaction in entry["transactions"]]
    return PaymentRequest(**{**entry, "transactions": tries})
