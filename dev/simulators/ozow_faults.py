"""What can be made to go wrong at the Ozow simulator, and how a message is twisted by it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dev.simulators.faults import AFTER, BEFORE, Check, Fault, is_number
from dev.simulators.ozow_book import PENDING, Transaction
from dev.simulators.ozow_wire import Fields, signed

STATES = frozenset({"amount_changed", "currency_changed", "mode_changed", "out_of_order"})

KINDS: dict[str, frozenset[str]] = {
    "request": BEFORE | AFTER | {"foreign_url"},
    "by_reference": BEFORE | AFTER | STATES,
    "notification": STATES | {"wrong_hash", "no_hash", "latency", "never", "duplicate"},
}

CHECKS: Mapping[str, Check] = {"amount_changed": is_number}

FOREIGN_BASE = "https://pay.ozow.example.net"
OTHER_CURRENCY = "USD"


def notification(told: Fields, earlier: str, fault: Fault | None, private_key: str) -> Fields:
    """A notification as the fault leaves it. What was changed is signed afterwards, unless the signature is the fault.

    Args:
        earlier: the status before the one it tells.
    """
    kind = fault.kind if fault else ""
    if kind == "no_hash":
        return told
    if kind == "wrong_hash":
        return signed(told, f"{private_key}-forged")
    changed = dict(told)
    if fault is not None and kind == "amount_changed":
        changed["Amount"] = fault.value or _more(told["Amount"])
    elif fault is not None and kind == "currency_changed":
        changed["CurrencyCode"] = fault.value or OTHER_CURRENCY
    elif kind == "mode_changed":
        changed["IsTest"] = "false" if told["IsTest"] == "true" else "true"
    elif kind == "out_of_order":
        changed["Status"] = earlier
    return signed(changed, private_key)


def row(told: dict[str, Any], transaction: Transaction, fault: Fault | None, *, is_test: bool) -> dict[str, Any]:
    """A row of the status API as the fault leaves it; the mode is told there only when it is the fault."""
    match fault.kind if fault else "":
        case "amount_changed":
            return told | {"amount": float(fault.value if fault and fault.value else _more(str(told["amount"])))}
        case "currency_changed":
            return told | {"currencyCode": fault.value if fault and fault.value else OTHER_CURRENCY}
        case "mode_changed":
            return told | {"isTest": not is_test}
        case "out_of_order":
            return told | {"status": earlier_of(transaction)}
        case _:
            return told


def earlier_of(transaction: Transaction) -> str:
    return transaction.past[-1] if transaction.past else PENDING


def _more(amount: str) -> str:
    return f"{Decimal(amount) + 1:.2f}"
