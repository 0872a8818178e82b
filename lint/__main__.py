"""`python -m lint`: check every Python file that git knows or could know, and exit 1 when one breaks a rule."""

import subprocess
import sys
from pathlib import Path

from lint.rules import findings

_ROOT = Path(__file__).parent.parent


def main() -> int:
    """Print each finding as `path:line: why`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607 - git as the shell finds it
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(line) for line in listed.stdout.splitlines() if (_ROOT / line).exists()]
    found = [finding for path in paths for finding in findings(path, (_ROOT / path).read_text(encoding="utf-8"))]
    for finding in found:
        print(finding)
    print(f"{len(paths)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
