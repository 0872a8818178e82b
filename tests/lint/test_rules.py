"""Each house rule finds what it is for, and leaves alone what is right."""

from pathlib import Path

import pytest

from lint.rules import findings

HEAD = '"""What lives here."""\n'


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        ("domain/money.py", "x = 1\n", "a module says what lives here"),
        ("domain/utils.py", HEAD, "'utils' says nothing"),
        ("domain/tax.py", HEAD + "RATE = 0.15\n", "a float in a rule"),
        ("domain/tax.py", HEAD + "x = round(3)\n", "round() in a rule"),
        ("domain/tax.py", HEAD + "x = float('1')\n", "float() in a rule"),
        ("activities/paying.py", HEAD + "session.commit()\n", "only persistence/database.py commits"),
        ("workflows/run.py", HEAD + "for x in {1, 2}:\n    pass\n", "iterates a set"),
        ("workflows/run.py", HEAD + "y = [x for x in set(z)]\n", "iterates a set"),
        ("api/app.py", HEAD + "x = 1\n" * 300, "301 lines"),
        ("api/app.py", HEAD + "def f():\n" + "    x = 1\n" * 60, "f has 61 lines"),
    ],
)
def test_a_broken_rule_is_found_with_its_reason(path: str, source: str, says: str) -> None:
    found = findings(Path(path), source)
    assert len(found) == 1
    assert says in str(found[0])
    assert str(found[0]).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/money.py", HEAD + "def share(self):\n    return 1 // 2\n"),
        ("api/page.py", HEAD + "PAUSE = 0.5\n"),
        ("persistence/database.py", HEAD + "session.commit()\n"),
        ("workflows/run.py", HEAD + "for x in sorted({1, 2}):\n    pass\n"),
        ("persistence/migrations/versions/0001_tables.py", HEAD + "x = 1\n" * 900),
        ("tests/__init__.py", ""),
    ],
)
def test_what_is_right_is_left_alone(path: str, source: str) -> None:
    assert findings(Path(path), source) == []
