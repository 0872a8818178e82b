"""How a vector of Standard Webhooks or Yoco is checked."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook

from gateways.base import Inbound
from gateways.yoco_wire import signature_fault

Vector = Mapping[str, Any]


def is_believed(vector: Vector, answer: str, late: timedelta = timedelta()) -> bool:
    """Whether the vector's message is believed with `answer` as its signature, when it comes `late`."""
    headers = {
        "webhook-id": vector["webhook_id"],
        "webhook-timestamp": str(vector["webhook_timestamp"]),
        "webhook-signature": answer,
    }
    received_at = datetime.fromtimestamp(vector["webhook_timestamp"], UTC) + late
    inbound = Inbound(vector["raw_body"].encode(), headers, None, received_at)
    return signature_fault(inbound, [Webhook(vector["key"])]) is None


def check_yoco(vector: Vector) -> None:
    """Believed when it was made, not 4 minutes later, and never with one of its wrong answers."""
    assert is_believed(vector, vector["expected"])
    assert not is_believed(vector, vector["expected"], timedelta(minutes=4))
    for answer in vector.get("wrong_answers", {}).values():
        assert not is_believed(vector, answer)
        assert not is_believed(vector, f"v1,{answer.removeprefix('v1,')}")
