"""How commands are run in these tests, and what they say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.fernet import Fernet

KEY = Fernet.generate_key().decode()
PAYNOW_KEY = "0a1b2c3d-60e1-4ce5-ab6e-6b1eb2d4f977"
FACTS = {
    "slug": "cvt",
    "name": "Christus Veritas Technologies",
    "currency": "USD",
    "time-zone": "Africa/Harare",
    "invoice-prefix": "CVT-",
    "sender-email": "billing@cvt.example",
    "contact-email": "accounts@cvt.example",
    "address-line": "Harare, Zimbabwe",
    "portal-url": "https://cvt.example/clients",
}


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line that a refused command says; no traceback, and nothing on standard output."""
        assert (self.code, self.out) == (2, ""), self
        (line,) = self.err.splitlines()
        return line


Run = Callable[..., Said]


def create(run: Run, changes: Mapping[str, str] = MappingProxyType({}), **variables: str) -> Said:
    return run(
        "create-tenant", *(part for name, value in {**FACTS, **changes}.items() for part in (f"--{name}", value)), **variables
    )
