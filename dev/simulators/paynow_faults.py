"""What can be made to go wrong at the Paynow simulator, and how a message is twisted by it."""

from decimal import Decimal

from dev.simulators.faults import AFTER, BEFORE, Fault
from dev.simulators.paynow_wire import Reply, encode, hash_of

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
