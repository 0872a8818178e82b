"""The operating-system account that a program of the stack runs under.

PostgreSQL refuses to run as root, so when the stack is started by root (a container, as a rule) its server runs as an
account that every Unix has, and nothing is added to the machine. What lives here: choosing that account, and becoming it.
"""

import ctypes
import os
import pwd
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An account to switch to.

    Attributes:
        reach_everything: keep root's right to pass through closed directories (Linux capability `DAC_OVERRIDE`). Needed where
            the checkout lies under a home that only root may enter; better than opening that home to everybody.
    """

    name: str
    uid: int
    gid: int
    reach_everything: bool = False


def unprivileged_account(paths: Iterable[Path]) -> Account | None:
    """The account for a program that must not be root and has to reach `paths`; None when we are not root anyway."""
    if os.geteuid() != 0:
        return None
    entry = next(entry for entry in map(_lookup, _UNPRIVILEGED) if entry is not None)
    closed = any(not _open_to_all(path) for path in paths)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, reach_everything=closed)


def child_setup(account: Account | None, death_signal: int | None) -> Callable[[], None]:
    """What a child does between fork and exec: become `account`, and ask for `death_signal` when its parent dies.

    The order matters: Linux forgets the death signal when the user id changes.
    """

    def set_up() -> None:
        if account is not None:
            _become(account)
        if death_signal is not None and hasattr(_LIBC, "prctl"):
            _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)

    return set_up


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _open_to_all(path: Path) -> bool:
    """Whether any account may pass through `path` and all above it (what does not exist yet will be open)."""
    resolved = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (resolved, *resolved.parents) if step.exists())


def _become(account: Account) -> None:
    if account.reach_everything and hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if account.reach_everything and hasattr(_LIBC, "capset"):
        _keep_capability(_CAP_DAC_OVERRIDE)


def _keep_capability(capability: int) -> None:
    """Carry one capability over the exec that follows. A refusal shows itself as `permission denied` in the child's log."""
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _LIBC.capset(header, data)
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
