"""Reading the JSON that merchants send to a simulator: what a provider's server would not take is refused in one way."""

import json
from collections.abc import Callable
from typing import Any

# Deeper than any request of a provider's, and shallow enough to be stored and shown.
DEEPEST = 32


def read_json(body: bytes, number: Callable[[str], Any] | None = None) -> Any:
    """The JSON in `body`; its numbers made by `number`, where that is given.

    Raises:
        ValueError: it is not JSON in UTF-8, is nested too deep, or holds half of a character or a number that is none.
    """
    try:
        told = json.loads(body.decode("utf-8"), parse_float=number, parse_int=number)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [told]
    for _ in range(DEEPEST):
        level = [part for value in level for part in _parts(value)]
    if level:
        raise ValueError("nested too deep")
    json.dumps(told, allow_nan=False, ensure_ascii=False).encode("utf-8")
    return told


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
