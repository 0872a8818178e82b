"""What staff write to say why, in whatever request: one line that can be read, shown in the audit log and on timelines."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.customer_moves import STAFF_REASONS_TOLD
from domain.standing import STAFF_REASONS, HoldReason

LONGEST_REASON = 500
_LEAST_VISIBLE = 3
# They turn the direction of writing, also of what stands around them in a list.
_BIDI_CONTROLS = {*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def on_one_line(said: object) -> object:
    """Text without line breaks, control characters, and what stands around it. Raises: PydanticCustomError: it holds a NUL."""
    if not isinstance(said, str):
        return said
    if "\x00" in said:
        raise PydanticCustomError("nul", "remove the NUL character")
    kept = (char for char in said if char.isspace() or not (unicodedata.category(char) == "Cc" or char in _BIDI_CONTROLS))
    line = " ".join("".join(kept).split())
    return line if _visible(line) else ""


def _visible(text: str) -> int:
    """How many characters of it one can see."""
    return sum(unicodedata.category(char)[0] not in "CZ" for char in text)


def _required(reason: str) -> str:
    if _visible(reason) < _LEAST_VISIBLE:
        raise PydanticCustomError("no_reason", "say why, in at least {least} characters", {"least": _LEAST_VISIBLE})
    return reason


Note = Annotated[str, Field(max_length=LONGEST_REASON), BeforeValidator(on_one_line)]
# Where a note that is left out is null, and one that is sent says something.
NoteIfAny = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), BeforeValidator(on_one_line)] | None
Reason = Annotated[
    str,
    Field(max_length=LONGEST_REASON, json_schema_extra={"minLength": _LEAST_VISIBLE}),
    BeforeValidator(on_one_line),
    AfterValidator(_required),
]


def _one_of_staffs(said: object) -> object:
    if said not in [*STAFF_REASONS]:
        raise PydanticCustomError("hold_reason", "{choices}", {"choices": STAFF_REASONS_TOLD.removesuffix(".")})
    return said


StaffHoldReason = Annotated[
    HoldReason,
    BeforeValidator(_one_of_staffs),
    WithJsonSchema({"type": "string", "enum": [reason.value for reason in STAFF_REASONS]}),
]
