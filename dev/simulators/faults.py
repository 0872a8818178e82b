"""Faults that can be made to strike a simulator: armed over its control API, used up message by message."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Check = Callable[[str], bool]

# Before the request is read: it has no effect. `never` holds it unanswered until the client gives up.
BEFORE = frozenset({"http_500", "html", "never", "error"})
# After it took effect.
AFTER = frozenset({"latency", "drop_after_effect"})


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


def is_seconds(value: str) -> bool:
    return is_number(value) and float(value) >= 0


def is_http_status(value: str) -> bool:
    """Of an answer that has a body."""
    return value in {str(status) for status in range(200, 600)} - {"204", "205", "304"}


def is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def is_whole(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,18}", value) is not None


# What a value must be, by kind, at every simulator; any other value is taken as it is.
CHECKS: Mapping[str, Check] = {
    "latency": is_seconds,
    "in_progress": is_seconds,
    "html": is_http_status,
    "http_500": is_http_status,
    "drop_after_effect": is_http_status,
}


class Faults:
    """Faults in the order they were asked for; the oldest of an operation strikes first.

    Args:
        kinds: what can befall each operation.
        checks: what the values of further kinds must be at this simulator.
    """

    def __init__(self, kinds: Mapping[str, frozenset[str]], checks: Mapping[str, Check] = CHECKS) -> None:
        self._kinds = kinds
        self._checks = {**CHECKS, **checks}
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault; the operation `*` stands for all that it can befall.

        Raises:
            ValueError: there is no such operation, this kind cannot befall it, or it cannot use this value.
        """
        if fault.operation != "*" and fault.operation not in self._kinds:
            raise ValueError(f"operation: {fault.operation!r} is not known; use one of {', '.join(sorted(self._kinds))}.")
        known = self._kinds.get(fault.operation) or frozenset().union(*self._kinds.values())
        if fault.kind not in known:
            raise ValueError(f"kind: {fault.kind!r} cannot befall {fault.operation}; use one of {', '.join(sorted(known))}.")
        if fault.times < 1:
            raise ValueError("times: must be at least 1.")
        check = self._checks.get(fault.kind)
        if check is not None and fault.value and not check(fault.value):
            raise ValueError(f"value: {fault.value!r} is nothing that {fault.kind} can use; leave it out, or give a number.")
        self._waiting.append(fault)

    def peek(self, operation: str) -> Fault | None:
        """The fault that will strike the next message of `operation`."""
        for fault in self._waiting:
            if fault.operation == operation or (fault.operation == "*" and fault.kind in self._kinds[operation]):
                return fault
        return None

    def take(self, operation: str) -> Fault | None:
        """The fault that strikes this message, used up by one."""
        fault = self.peek(operation)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self._waiting.remove(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]
