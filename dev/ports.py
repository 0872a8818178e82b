"""Which port each part of the stack listens on: the one it had, else its usual one, else a free one.

The choice is kept in a file beside the data, so that addresses which people and links remember survive a restart.
"""

import json
import random
import socket
from collections.abc import Mapping
from pathlib import Path

HOST = "127.0.0.1"
# Below the range that Linux hands out for outgoing connections (32768 and up): a port from there can be taken by anybody
# between the moment we choose it and the moment the part listens on it.
_FREE_RANGE = range(20000, 32000)
_TRIES = 200


def choose_ports(usual: Mapping[str, int], memory: Path) -> dict[str, int]:
    """Choose a port for each name in `usual`, all different, and remember them in `memory` (JSON, `{name: port}`).

    Raises:
        OSError: no free port could be found.
    """
    remembered = remembered_ports(memory)
    chosen: dict[str, int] = {}
    for name, port in usual.items():
        taken = set(chosen.values())
        wishes = [wish for wish in (remembered.get(name), port) if wish is not None and wish not in taken]
        chosen[name] = next((wish for wish in wishes if is_free(wish)), None) or free_port(avoid=taken | set(usual.values()))
    memory.write_text(json.dumps(remembered | chosen, indent=1) + "\n", encoding="utf-8")
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, or connections that were closed a minute ago would make our own port look busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def accepts_connections(port: int) -> bool:
    """Whether a server listens on this port of 127.0.0.1."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def free_port(avoid: set[int] | frozenset[int] = frozenset()) -> int:
    """A port that nobody uses and nobody usually uses.

    Raises:
        OSError: none was found after many tries.
    """
    for _ in range(_TRIES):
        port = random.choice(_FREE_RANGE)
        if port not in avoid and is_free(port):
            return port
    raise OSError(f"No free port was found between {_FREE_RANGE.start} and {_FREE_RANGE.stop} on {HOST}.")


def remembered_ports(memory: Path) -> dict[str, int]:
    """The ports of the last choice, by name; empty when there was none."""
    try:
        return {str(name): int(port) for name, port in json.loads(memory.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}  # a lost or broken memory costs only the old numbers
