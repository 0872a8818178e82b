"""Reasons and notes of staff: one line that can be read, whatever was pasted."""

import pytest
from pydantic import TypeAdapter, ValidationError

from api.reasons import Note, Reason

REASON, NOTE = TypeAdapter(Reason), TypeAdapter(Note)


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("  It was issued twice. ", "It was issued twice."),
        ("Line one\r\nline\ttwo\x0b", "Line one line two"),
        ("\u202eIt was\u2066 issued\u200f twice", "It was issued twice"),
        ("Bell\x07 and escape\x1b[31m", "Bell and escape[31m"),
        ("Nyaradzo's 家族", "Nyaradzo's 家族"),
        ("r" * 500 + "\n", "r" * 500),
    ],
)
def test_a_reason_is_one_line_that_can_be_read(pasted: str, kept: str) -> None:
    assert REASON.validate_python(pasted) == NOTE.validate_python(pasted) == kept


@pytest.mark.parametrize(
    "said", ["", "ok", "   ", "\n\n\n", "\u202e\u202e\u202e", "\u200b\u200b\u200b", "a\u200b\u200bb", "x" * 501, 7]
)
def test_what_nobody_can_read_is_no_reason(said: object) -> None:
    with pytest.raises(ValidationError):
        REASON.validate_python(said)


@pytest.mark.parametrize("said", ["", "   ", "\u202e\u202e\u202e", "\u200b"])
def test_a_note_may_say_nothing(said: str) -> None:
    assert NOTE.validate_python(said) == ""


def test_a_nul_character_is_refused_and_not_dropped() -> None:
    for kind in (REASON, NOTE):
        with pytest.raises(ValidationError, match="remove the NUL character"):
            kind.validate_python("It was\x00 issued twice.")
