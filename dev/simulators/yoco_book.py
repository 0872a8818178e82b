"""What the Yoco simulator remembers: its accounts, checkouts, webhook subscriptions and stored answers.

Kept in a JSON file when asked to. A secret key is never written there; a registered subscription's secret is, as Yoco keeps it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_SUBSCRIPTIONS = 5


@dataclass(frozen=True, slots=True)
class Account:
    """A business at Yoco, known by its secret key, whose beginning says whether its money is real.

    Attributes:
        webhook_url, webhook_secret: the subscription it was set up with, if it was.
    """

    secret_key: str
    webhook_url: str = ""
    webhook_secret: str = ""

    @property
    def mode(self) -> str:
        return "test" if self.secret_key.startswith("sk_test_") else "live"

    @property
    def merchant_id(self) -> str:
        return hashlib.sha256(self.secret_key.encode("utf-8")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Config:
    """How the simulator was set up.

    Attributes:
        delay_scale: what Yoco's documented seconds between tries are multiplied by.
        refund_test_mode: let test-mode checkouts be refunded, which Yoco does not.
        sends_payment_failed: tell of declined cards by `payment.failed`, which Yoco does not document.
    """

    accounts: tuple[Account, ...]
    delay_scale: float = 1.0
    refund_test_mode: bool = False
    sends_payment_failed: bool = False

    @classmethod
    def load(cls, settings: dict[str, Any]) -> "Config":
        """From the JSON of the configuration file."""
        accounts = tuple(
            Account(str(entry["secret_key"]), str(entry.get("webhook_url", "")), str(entry.get("webhook_secret", "")))
            for entry in settings["accounts"]
        )
        return cls(
            accounts,
            float(settings.get("delay_scale", 1.0)),
            bool(settings.get("refund_test_mode", False)),
            bool(settings.get("sends_payment_failed", False)),
        )

    def account(self, secret_key: str) -> Account | None:
        return next((account for account in self.accounts if account.secret_key == secret_key), None)


@dataclass(slots=True)
class Event:
    """One event and its deliveries: the body is the same at each try, the headers are not."""

    id: str
    type: str
    body: str
    tries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Checkout:
    """One checkout, as its merchant asked for it and as it stands.

    Attributes:
        amount, refunded: cents.
        asked: what the merchant sent beside amount and currency, by Yoco's names.
        declines: how many cards were declined on its page.
        card: brand and masked number of the card that paid, with its expiry: what Yoco's events carry.
        page_url: where the payer pays.
    """

    id: str
    merchant_id: str
    mode: str
    amount: int
    currency: str
    page_url: str
    asked: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    status: str = "created"
    payment_id: str | None = None
    declines: int = 0
    refunded: int = 0
    card: dict[str, Any] | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return str(self.asked.get("externalId") or (self.asked.get("metadata") or {}).get("reference") or "")

    @property
    def is_paid(self) -> bool:
        return self.status == "completed"

    def shown(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            **asdict(self),
            "checkoutId": self.id,
            "paymentId": self.payment_id,
            "reference": self.reference,
            "pageUrl": self.page_url,
        }


@dataclass(frozen=True, slots=True)
class Subscription:
    """An address that the events of one account, in one mode, are posted to."""

    id: str
    merchant_id: str
    name: str
    url: str
    mode: str
    secret: str

    def shown(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name, "url": self.url, "mode": self.mode}


class Book:
    """All checkouts, newest last, the registered subscriptions and the stored answers; saved in one step after each change."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._checkouts: list[Checkout] = []
        self.subscriptions: list[Subscription] = []
        self.answers: dict[str, dict[str, Any]] = {}  # by idempotency key, see `yoco_idempotency.py`
        if file is not None and file.exists():
            self._load(json.loads(file.read_text(encoding="utf-8")))

    def __iter__(self) -> Iterator[Checkout]:
        return iter(self._checkouts)

    def add(self, checkout: Checkout) -> None:
        self._checkouts.append(checkout)
        self.save()

    def checkout(self, checkout_id: str) -> Checkout | None:
        return next((checkout for checkout in self._checkouts if checkout.id == checkout_id), None)

    def find(self, name: str) -> Checkout | None:
        """The newest checkout known by `name`: its id, the payment's, the merchant's reference or idempotency key."""
        for checkout in reversed(self._checkouts):
            if name and name in {checkout.id, checkout.payment_id, checkout.reference, checkout.key}:
                return checkout
        return None

    def save(self) -> None:
        if self._file is None:
            return
        kept = {
            "checkouts": [asdict(checkout) for checkout in self._checkouts],
            "subscriptions": [asdict(subscription) for subscription in self.subscriptions],
            "answers": self.answers,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        draft.replace(self._file)

    def _load(self, kept: dict[str, Any]) -> None:
        for entry in kept["checkouts"]:
            events = [Event(**event) for event in entry["events"]]
            self._checkouts.append(Checkout(**(entry | {"events": events})))
        self.subscriptions = [Subscription(**entry) for entry in kept["subscriptions"]]
        self.answers = kept["answers"]
