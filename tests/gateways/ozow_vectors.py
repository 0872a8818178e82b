"""How a published message of Ozow is checked, for the table in `test_vectors.py`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gateways.ozow_wire import NOTIFICATION_ORDER, Notification, hash_values, request_hash


def check_ozow(vector: Mapping[str, Any]) -> None:
    """A published request or notification is hashed as printed, and none of its wrong answers is taken for right."""
    fields, key, expected = dict(vector["inputs"]), vector["key"], vector["expected"].lower()
    wrong = vector.get("wrong_answers", {})
    answers = list(wrong.values()) if isinstance(wrong, dict) else list(wrong)
    is_notification = "TransactionId" in fields
    if is_notification:
        made = hash_values((fields.get(name, "") for name in NOTIFICATION_ORDER), key)
        assert _notified(fields, expected).is_signed(key)
        assert not any(_notified(fields, answer).is_signed(key) for answer in answers)
    else:
        made = request_hash(fields, key)
    assert made == expected
    assert made not in {answer.lower() for answer in answers}
    if is_notification and "raw_message" in vector:
        assert Notification(vector["raw_message"].encode()).is_signed(key)


def _notified(fields: Mapping[str, str], claimed: str) -> Notification:
    return Notification(urlencode({**fields, "Hash": claimed}).encode())
