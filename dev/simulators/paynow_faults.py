"""What can be made to go wrong at the Paynow simulator, and how a message is twisted by it."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from dev.simulators.paynow_wire import Reply, encode, hash_of

# Before the request is read: it has no effect. `never` holds it unanswered until the client gives up.
BEFORE = frozenset({"http_500", "html", "never", "error"})
# After it took effect.
AFTER = frozenset({"latency", "drop_after_effect"})
# The message is made and then spoilt.
SIGNING = frozenset({"wrong_hash", "no_hash"})
STATES = frozenset({"amount_changed", "out_of_order"})

KINDS: dict[str, frozenset[str]] = {
    "initiate": BEFORE | AFTER | SIGNING | {"foreign_url"},
    "remote": BEFORE | AFTER | SIGNING | {"foreign_url"},
    "poll": BEFORE | AFTER | SIGNING | STATES | {"foreign_url"},
    "trace": BEFORE | AFTER | SIGNING | STATES | {"foreign_url"},
    "update": SIGNING | STATES | {"latency", "never", "duplicate", "foreign_url"},
}

FOREIGN_BASE = "http://paynow.example.net"


@dataclass(slots=True)
class Fault:
    """A fault that waits for the next `times` messages of `operation`.

    Attributes:
        value: what the kind needs: seconds (`latency`), an amount (`amount_changed`), a reason (`error`), an HTTP status
            (`html`, `http_500`, `drop_after_effect`), a scheme and host (`foreign_url`).
    """

    operation: str
    kind: str
    times: int = 1
    value: str = ""


class Faults:
    """Faults in the order they were asked for; the oldest of an operation strikes first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault.

        Raises:
            ValueError: there is no such operation, or this kind cannot befall it.
        """
        if fault.operation not in KINDS:
            raise ValueError(f"operation: {fault.operation!r} is not known; use one of {', '.join(sorted(KINDS))}.")
        if fault.kind not in KINDS[fault.operation]:
            known = ", ".join(sorted(KINDS[fault.operation]))
            raise ValueError(f"kind: {fault.kind!r} cannot befall {fault.operation}; use one of {known}.")
        if fault.times < 1:
            raise ValueError("times: must be at least 1.")
        self._waiting.append(fault)

    def take(self, operation: str) -> Fault | None:
        """The fault that strikes this message, used up by one."""
        for fault in self._waiting:
            if fault.operation == operation:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._waiting.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]


def twisted(reply: Reply, fault: Fault | None, base_url: str) -> str:
    """The message as the fault leaves it. What was changed is signed afterwards, unless the signature is the fault.

    Args:
        base_url: where the simulator was reached, which `foreign_url` replaces.
    """
    if fault is None or reply.key is None:
        return reply.body()
    if fault.kind == "no_hash":
        return encode(reply.pairs)
    if fault.kind == "wrong_hash":
        return encode([*reply.pairs, ("hash", hash_of(reply.pairs, f"{reply.key}-forged"))])
    told = [(name, _told(fault, name, value, reply.earlier, base_url)) for name, value in reply.pairs]
    return Reply(told, reply.key).body()


def _told(fault: Fault, name: str, value: str, earlier: str, base_url: str) -> str:
    match fault.kind, name:
        case "amount_changed", "amount":
            return fault.value or str(Decimal(value) + 1)
        case "out_of_order", "status":
            return earlier or value
        case "foreign_url", _:
            return value.replace(base_url, fault.value or FOREIGN_BASE)
        case _:
            return value
