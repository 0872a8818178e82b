"""The order of a workflow's commands, read from its source: what may not change while workflows run.

Each handler of each workflow class becomes lines such as `activity Paying.open_checkout`, `wait with a timer` or `patched x` in
the order of their evaluation, indented under the branch or loop they stand in. Methods of the class itself and functions of
the workflow modules are followed. What is called otherwise (through a variable, say) is not seen: do not hide a command there.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "workflows"
HANDLERS = frozenset({"run", "signal", "query", "update"})
ACTIVITIES = frozenset({
    "execute_activity",
    "execute_activity_method",
    "start_activity",
    "start_activity_method",
    "execute_local_activity",
    "execute_local_activity_method",
})  # fmt: skip
PLAIN = {
    "sleep": "timer",
    "continue_as_new": "continue as new",
    "upsert_search_attributes": "upsert search attributes",
    "upsert_memo": "upsert memo",
}
NAMED = {"patched": "patched", "deprecate_patch": "deprecate patch"}
CHILDREN = frozenset({"execute_child_workflow", "start_child_workflow"})
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.AsyncFor, ast.Match)

Functions = dict[str, ast.AsyncFunctionDef | ast.FunctionDef]


def command_order(sources: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """`Payment.run` and so on to the lines of its commands, from module name to source (the house's own when not given)."""
    texts = sources or house_sources()
    trees = {name: ast.parse(text) for name, text in texts.items()}
    functions: Functions = {}
    for tree in trees.values():
        functions |= {node.name: node for node in tree.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    order: dict[str, list[str]] = {}
    for tree in trees.values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and _is_decorated(node, {"defn"}):
                order |= _of_class(node, functions, classes)
    return order


def house_sources() -> dict[str, str]:
    """The modules of `workflows/` by name."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.py")) if file.stem != "__init__"}


def _methods(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Functions:
    """Its own methods and those of the house's classes that it is made of."""
    methods: Functions = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            methods |= _methods(classes[base.id], classes)
    return methods | {inner.name: inner for inner in node.body if isinstance(inner, ast.AsyncFunctionDef | ast.FunctionDef)}


def _of_class(node: ast.ClassDef, functions: Functions, classes: Mapping[str, ast.ClassDef]) -> dict[str, list[str]]:
    methods = _methods(node, classes)
    reader = _Reader(methods, functions)
    return {
        f"{node.name}.{method.name}": list(reader.read(method.body, ""))
        for method in methods.values()
        if _is_decorated(method, HANDLERS)
    }


def _is_decorated(node: ast.ClassDef | ast.AsyncFunctionDef | ast.FunctionDef, names: frozenset[str] | set[str]) -> bool:
    """Whether it carries `@workflow.<name>`, called or not."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "workflow" and target.attr in names:
            return True
    return False


@dataclass
class _Reader:
    """Reads statements in the order in which they are evaluated, and follows calls into the house's own functions."""

    methods: Functions
    functions: Functions
    within: list[str] = field(default_factory=list)

    def read(self, nodes: list[ast.stmt], indent: str) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, BRANCHES):
                yield from self._branch(node, indent)
            else:
                yield from self._node(node, indent)

    def _branch(self, node: ast.AST, indent: str) -> Iterator[str]:
        """A branch or loop with the commands in it, one without any is not worth a line; what it asks first comes before."""
        before = node.test if isinstance(node, ast.If) else None
        if before is not None:
            yield from self._node(before, indent)
        parts = [child for child in ast.iter_child_nodes(node) if child is not before]
        otherwise: list[ast.stmt] = getattr(node, "orelse", [])
        inside = self._all([part for part in parts if part not in otherwise], indent)
        instead = self._all(otherwise, indent)
        if inside or instead:
            yield f"{indent}{type(node).__name__.lower()}"
            yield from inside
        if instead:
            yield f"{indent}else"
            yield from instead

    def _all(self, nodes: Iterable[ast.AST], indent: str) -> list[str]:
        return [line for node in nodes for line in self._node(node, f"{indent}  ")]

    def _node(self, node: ast.AST, indent: str) -> Iterator[str]:
        if isinstance(node, BRANCHES):
            yield from self._branch(node, indent)
            return
        # What is handed to a call is evaluated before the call.
        for child in ast.iter_child_nodes(node):
            yield from self._node(child, indent)
        if isinstance(node, ast.Call):
            yield from self._call(node, indent)

    def _call(self, call: ast.Call, indent: str) -> Iterator[str]:
        match call.func:
            case ast.Attribute(value=ast.Name(id="workflow"), attr=name):
                line = _command(name, call)
                if line:
                    yield f"{indent}{line}"
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.methods:
                yield from self._follow(f"self.{name}", self.methods[name].body, indent)
            case ast.Attribute(attr="signal"):
                yield f"{indent}signal {ast.unparse(call.args[0])}"
            case ast.Name(id=name) if name in self.functions:
                yield from self._follow(name, self.functions[name].body, indent)

    def _follow(self, name: str, body: list[ast.stmt], indent: str) -> Iterator[str]:
        if name in self.within:
            return
        self.within.append(name)
        yield from self.read(body, indent)
        self.within.pop()


def _command(name: str, call: ast.Call) -> str | None:
    """What `workflow.<name>(…)` commands; None when it commands nothing."""
    if name in ACTIVITIES:
        return f"activity {ast.unparse(call.args[0])}"
    if name in CHILDREN:
        return f"child {ast.unparse(call.args[0])}"
    if name in NAMED:
        return f"{NAMED[name]} {ast.unparse(call.args[0])}"
    if name == "wait_condition":
        return "wait with a timer" if any(keyword.arg == "timeout" for keyword in call.keywords) else None
    return PLAIN.get(name)
