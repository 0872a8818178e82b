"""A supervisor over small programs, run as a process of its own: `python -m tests.dev.small_stack STATE PARTS`.

PARTS is a JSON list of `{"name", "code", …}`: each part is a Python program given as text, ready when it has written the file
`<name>.ready` in its directory STATE; the other keys are fields of `Part`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.registry import Registry, write_private
from dev.supervisor import Part, Supervisor


def part(state: Path, facts: dict[str, Any]) -> Part:
    name, code = facts.pop("name"), facts.pop("code")
    ready = state / f"{name}.ready"
    return Part(name, [sys.executable, "-c", code], ready.exists, prepare=lambda: ready.unlink(missing_ok=True), **facts)


def main() -> int:
    state = Path(sys.argv[1])
    parts = [part(state, facts) for facts in json.loads(sys.argv[2])]

    def publish(pids: Mapping[str, int]) -> None:
        write_private(state / "pids.json", json.dumps(dict(pids)))

    with Registry(state).acquire():
        return Supervisor(parts, state=state, directory=state, on_change=publish).run()


if __name__ == "__main__":
    sys.exit(main())
