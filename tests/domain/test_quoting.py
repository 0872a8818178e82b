"""What callers sent, told back: spelled as in JSON, and cut where it is long."""

from typing import Any

import pytest

from domain.quoting import LONGEST_QUOTE, quoted, shortened


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ("PT5H", '"PT5H"'),
        ("09:00\x00", r'"09:00\u0000"'),
        ("Müller", '"Müller"'),
        ({"from": "8"}, '{"from": "8"}'),
        ([1, None], "[1, null]"),
    ],
)
def test_it_is_spelled_as_json_spells_it(said: Any, told: str) -> None:
    assert quoted(said) == told


def test_what_nobody_could_read_is_not_spelled_at_all() -> None:
    assert [quoted(said) for said in (nested(100_000), 10**5000, {1})] == ["this", "this", "this"]


def test_what_is_long_is_cut_at_80_characters() -> None:
    assert shortened("x" * LONGEST_QUOTE) == "x" * 80
    assert shortened("x" * 81) == "x" * 79 + "…"
    assert len(quoted({"steps": ["x" * 100_000]})) == 80
