"""The rules. Each text tells what went wrong elsewhere, so that nobody has to ask why."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_FILE = 300
LONGEST_FUNCTION = 60
_VAGUE_NAMES = {"utils", "util", "helpers", "common", "misc", "service", "manager"}

Place = tuple[int, str]
Rule = Callable[[Path, ast.Module, str], Iterator[Place]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that breaks a rule; `path` is relative to the repository."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def findings(path: Path, source: str) -> list[Finding]:
    """What a file breaks."""
    tree = ast.parse(source)
    return [Finding(path, line, text) for rule in RULES for line, text in rule(path, tree, source)]


def has_docstring(path: Path, tree: ast.Module, source: str) -> Iterator[Place]:
    if source.strip() and ast.get_docstring(tree) is None and path.parts[0] != "tests":
        yield 1, "a module says what lives here, and what does not: a stranger opens files at random."


def has_a_clear_name(path: Path, _tree: ast.Module, _source: str) -> Iterator[Place]:
    if path.stem in _VAGUE_NAMES:
        yield 1, f"{path.stem!r} says nothing: what has no name of its own has no reason to be here. Name what it does."


def is_short(path: Path, tree: ast.Module, source: str) -> Iterator[Place]:
    if _is_migration(path):
        return
    lines = source.count("\n")
    if lines > LONGEST_FILE:
        yield (
            LONGEST_FILE,
            f"{lines} lines, {LONGEST_FILE} at most: nobody reads a 4,216-line service. Split it by what it is about.",
        )
    if path.parts[0] == "tests":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {length} lines, {LONGEST_FUNCTION} at most: push ifs up and loops down."


def leaves_commits_to_the_edge(path: Path, tree: ast.Module, _source: str) -> Iterator[Place]:
    if path == Path("persistence/database.py") or path.parts[0] == "tests":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield (
                node.lineno,
                "only persistence/database.py commits: a commit below the edge keeps half of a change when the rest fails.",
            )


def reckons_exactly(path: Path, tree: ast.Module, _source: str) -> Iterator[Place]:
    """In domain/ there is no float and no built-in round: two rounding rules made invoices one cent off (pains 11)."""
    if path.parts[0] != "domain":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, "a float in a rule: 0.1 + 0.2 went to a gateway as 0.30000000000000004. Use minor units."
        if isinstance(node, ast.Name) and node.id in {"float", "round"}:
            yield node.lineno, f"{node.id}() in a rule: money has one rounding rule, in domain/money.py."


def iterates_in_order(path: Path, tree: ast.Module, _source: str) -> Iterator[Place]:
    """Workflows never iterate sets: on replay their order differs, and results go to the wrong tenant unseen."""
    if path.parts[0] != "workflows":
        return
    for node in ast.walk(tree):
        iterable = node.iter if isinstance(node, ast.For | ast.comprehension) else None
        is_set_call = (
            isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.func.id in {"set", "frozenset"}
        )
        if isinstance(iterable, ast.Set | ast.SetComp) or is_set_call:
            assert iterable is not None  # noqa: S101 - said by the line above, for the type checker
            yield (
                iterable.lineno,
                "a workflow iterates a set: its order is another one on replay, which swaps results between tenants unseen.",
            )


def _is_migration(path: Path) -> bool:
    return path.parts[:3] == ("persistence", "migrations", "versions")


RULES: tuple[Rule, ...] = (
    has_docstring,
    has_a_clear_name,
    is_short,
    leaves_commits_to_the_edge,
    reckons_exactly,
    iterates_in_order,
)
