"""What can be made to go wrong at the Yoco simulator, and how its answers and events are twisted by it."""

import json
from collections.abc import Mapping
from typing import Any

from dev.simulators.faults import AFTER, BEFORE, Check, Fault, is_http_status, is_whole
from dev.simulators.yoco_wire import Reply

# What is told is changed, and signed afterwards.
TOLD = frozenset({"amount_changed", "currency_changed", "mode_changed"})
# The headers are at fault.
SIGNING = frozenset({"wrong_signature", "no_signature", "other_secret", "stale"})

KINDS: dict[str, frozenset[str]] = {
    # `in_progress`: the request is worked on for `value` seconds before it takes effect.
    "create": BEFORE | AFTER | {"foreign_url", "in_progress"},
    "poll": BEFORE | AFTER | TOLD,
    "refund": BEFORE | AFTER,
    "event": SIGNING | TOLD | {"latency", "never", "duplicate", "out_of_order"},
}

# An `error` has an HTTP status here, and amounts are cents.
CHECKS: Mapping[str, Check] = {"error": is_http_status, "amount_changed": is_whole}

FOREIGN_BASE = "http://yoco.example.net"
STALE_SECONDS = 600


def twisted_reply(reply: Reply, fault: Fault | None, base_url: str) -> Reply:
    """The answer of the API as the fault leaves it; `foreign_url` replaces `base_url`, where the simulator was reached."""
    if fault is None or "id" not in reply.fields:
        return reply
    fields = dict(reply.fields)
    if fault.kind == "foreign_url":
        fields["redirectUrl"] = str(fields["redirectUrl"]).replace(base_url, fault.value or FOREIGN_BASE)
    return Reply(reply.status, _told(fields, fault, "processingMode"))


def twisted_event(body: str, fault: Fault | None) -> str:
    """The body of an event as the fault leaves it, before it is signed."""
    if fault is None or fault.kind not in TOLD:
        return body
    event = json.loads(body)
    event["payload"] = _told(event["payload"], fault, "mode")
    return json.dumps(event, separators=(",", ":"))


def _told(fields: dict[str, Any], fault: Fault, mode: str) -> dict[str, Any]:
    match fault.kind:
        case "amount_changed":
            return fields | {"amount": int(fault.value or fields["amount"] + 100)}
        case "currency_changed":
            return fields | {"currency": fault.value or "USD"}
        case "mode_changed":
            return fields | {mode: fault.value or ("live" if fields[mode] == "test" else "test")}
        case _:
            return fields
