"""What callers sent, told back to them in messages: spelled as in JSON, which is what they wrote, and never at length."""

import json
from typing import Any

LONGEST_QUOTE = 80


def quoted(said: Any) -> str:
    """`"PT5H"`, `null`, `[1, 2]`: as JSON spells it."""
    try:
        return shortened(json.dumps(said, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        # Nothing that JSON can hold, or nested so deeply that nobody could read it.
        return "this"


def shortened(text: str) -> str:
    """Text that may be of any length, cut where no reader needs more of it."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"
