"""Replays the stored histories in a process of its own, so that it can have a hash seed of its own.

`PYTHONHASHSEED=1 python -m tests.workflows.replay` fails when today's code cannot replay one of them.
"""

import asyncio
import sys

from tests.workflows import histories


def main() -> None:
    """Replay all, say what failed, and fail with it."""
    stored = histories.stored()
    failed = asyncio.run(histories.failures(stored))
    print(f"{len(stored)} histories replayed, {len(failed)} failed")  # noqa: T201 - what this program says is its result
    for reason in failed.values():
        print(reason)  # noqa: T201 - as above
    sys.exit(1 if failed or not stored else 0)


if __name__ == "__main__":
    main()
