"""What the PayFast simulator remembers: its merchants, and the payments that were begun, kept in a JSON file when asked to."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from dev.simulators.payfast_wire import Pairs

JOHANNESBURG = timezone(timedelta(hours=2))

# PayFast's own ids have nine digits by now.
FIRST_NUMBER = 331_000_001

OPEN = "OPEN"
COMPLETE = "COMPLETE"
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant; the passphrase is empty where none was set."""

    id: str
    key: str
    passphrase: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """How the simulator was set up.

    Attributes:
        merchants: by id.
        delay_scale: what PayFast's documented waits are multiplied by; 0.02 makes ten minutes twelve seconds.
    """

    merchants: dict[str, Merchant]
    delay_scale: float = 1.0

    @classmethod
    def load(cls, settings: dict[str, Any]) -> "Config":
        """From the JSON of the configuration file."""
        made = [
            Merchant(str(entry["merchant_id"]), str(entry["merchant_key"]), str(entry.get("passphrase") or ""))
            for entry in settings["merchants"]
        ]
        return cls({merchant.id: merchant for merchant in made}, float(settings.get("delay_scale", 1.0)))


@dataclass(slots=True)
class Payment:
    """One payment. Each posting of a form begins another, also of the same form: PayFast has no key against that.

    Attributes:
        number: `pf_payment_id`.
        guid: in the address of its page.
        fields: the form as it was posted, without key and signature.
        status: OPEN until it is decided, then PayFast's word; ABANDONED when the buyer left, of which PayFast tells nobody.
        past: earlier statuses, oldest first.
        funding: how it was paid, `CC` or `EFT`.
        paid_at: South African time, `2026-08-20 11:54:59`; empty until then.
        refunds: cents that were given back, with their time.
        updates: what was posted to the merchant, and what came back.
    """

    number: int
    guid: str
    merchant_id: str
    fields: dict[str, str]
    status: str = OPEN
    past: list[str] = field(default_factory=list)
    funding: str = "CC"
    paid_at: str = ""
    refunds: list[tuple[str, int]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return self.fields.get("m_payment_id", "")

    @property
    def gross(self) -> Decimal:
        return Decimal(self.fields["amount"]).quantize(CENT)

    @property
    def fee(self) -> Decimal:
        """2.95 % and 80 cents, below zero as PayFast tells it; nothing of the nothing that may begin a subscription."""
        if not self.gross:
            return self.gross
        return -(self.gross * Decimal("0.0295") + Decimal("0.80")).quantize(CENT, ROUND_HALF_UP)

    @property
    def is_paid(self) -> bool:
        return bool(self.paid_at)

    def moved(self, status: str) -> None:
        self.past.append(self.status)
        self.status = status
        if status == COMPLETE and not self.paid_at:
            self.paid_at = f"{datetime.now(JOHANNESBURG):%Y-%m-%d %H:%M:%S}"

    def itn(self) -> Pairs:
        """Its state in the order of the captures: strings before whole numbers, which is not the order of the form."""
        given = self.fields.get
        return [
            ("m_payment_id", self.reference),
            ("pf_payment_id", str(self.number)),
            ("payment_status", self.status),
            ("item_name", given("item_name", "")),
            ("item_description", given("item_description", "")),
            ("amount_gross", f"{self.gross}"),
            ("amount_fee", f"{self.fee}"),
            ("amount_net", f"{self.gross + self.fee}"),
            *((f"custom_str{number}", given(f"custom_str{number}", "")) for number in range(1, 6)),
            *((f"custom_int{number}", given(f"custom_int{number}", "")) for number in range(1, 6)),
            ("name_first", given("name_first", "")),
            ("name_last", given("name_last", "")),
            ("email_address", given("email_address", "")),
            ("merchant_id", self.merchant_id),
        ]

    def shown(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {**asdict(self), "pf_payment_id": str(self.number), "page": f"/eng/process/payment/{self.guid}"}


class Book:
    """All payments, newest last; saved in one step after each change when there is a file."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._payments: list[Payment] = []
        if file is not None and file.exists():
            self._payments = [Payment(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]

    def __iter__(self) -> Iterator[Payment]:
        return iter(self._payments)

    @property
    def next_number(self) -> int:
        return self._payments[-1].number + 1 if self._payments else FIRST_NUMBER

    def add(self, payment: Payment) -> None:
        self._payments.append(payment)
        self.save()

    def find(self, name: str) -> Payment | None:
        """The newest payment known by `name`: the merchant's reference, PayFast's id or the guid of its page."""
        for payment in reversed(self._payments):
            if name in {payment.reference, str(payment.number), payment.guid}:
                return payment
        return None

    def of(self, merchant_id: str, number: str) -> Payment | None:
        """The payment of this merchant with this `pf_payment_id`."""
        found = (payment for payment in self._payments if (payment.merchant_id, str(payment.number)) == (merchant_id, number))
        return next(found, None)

    def save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([asdict(payment) for payment in self._payments], indent=1), encoding="utf-8")
        draft.replace(self._file)
