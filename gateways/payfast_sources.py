"""Where an update may come from: networks, and host names whose addresses are looked up and remembered for a while."""

import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Sequence

Resolver = Callable[[str], Collection[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REMEMBERED_SECONDS = 300.0
RETRY_SECONDS = 30.0  # after a look-up that failed


def addresses_of(host: str) -> Collection[str]:
    """The IP addresses of `host` by the machine's own resolver.

    Raises:
        OSError: it has none, or nobody answered.
    """
    return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


class Sources:
    """Judges addresses against an account's list. Safe to share between threads: at worst a host is looked up twice."""

    def __init__(self, resolve: Resolver = addresses_of, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._resolve = resolve
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, frozenset[Address]]] = {}

    def include(self, source: str | None, allowed: Sequence[str]) -> bool:
        """Whether `source` is in one of the networks of `allowed`, or an address of one of its hosts.

        An IPv4 address that came over an IPv6 socket (`::ffff:197.97.145.144`) is the IPv4 address.
        """
        address = _address(source or "")
        if address is None:
            return False
        networks = {entry: _network(entry) for entry in allowed}
        # Networks first: they cost nothing, and mostly they decide.
        if any(network is not None and address in network for network in networks.values()):
            return True
        return any(address in self._addresses(entry) for entry, network in networks.items() if network is None)

    def _addresses(self, host: str) -> frozenset[Address]:
        now = self._monotonic()
        until, known = self._known.get(host, (now, frozenset()))
        if now < until:
            return known
        try:
            found = frozenset(address for text in self._resolve(host) if (address := _address(text)) is not None)
            self._known[host] = (now + REMEMBERED_SECONDS, found)
        except OSError:
            # A name server that is silent must not turn genuine updates away: what was known last still counts.
            self._known[host] = (now + RETRY_SECONDS, known)
        return self._known[host][1]


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry.strip(), strict=False)
    except ValueError:
        return None
