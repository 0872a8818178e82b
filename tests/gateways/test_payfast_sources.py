"""Where PayFast's updates may come from: hosts are looked up seldom, and a silent name server turns nobody away."""

from collections.abc import Collection

import pytest

from gateways.payfast_sources import REMEMBERED_SECONDS, Sources, addresses_of


class Names:
    """A name server and a clock, both in the test's hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.addresses: Collection[str] | None = ["41.74.179.194"]

    def resolve(self, host: str) -> Collection[str]:
        self.asked += 1
        if self.addresses is None:
            raise OSError(host)
        return self.addresses


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def sources(names: Names) -> Sources:
    return Sources(names.resolve, lambda: names.now)


def test_a_network_decides_without_a_look_up(sources: Sources, names: Names) -> None:
    assert sources.include("197.97.145.150", ["www.payfast.co.za", "197.97.145.144/28"])
    assert names.asked == 0


def test_a_host_is_looked_up_once_in_a_while(sources: Sources, names: Names) -> None:
    assert all(sources.include("41.74.179.194", ["www.payfast.co.za"]) for _ in range(3))
    assert names.asked == 1
    names.now, names.addresses = REMEMBERED_SECONDS, ["41.74.179.195"]
    assert not sources.include("41.74.179.194", ["www.payfast.co.za"])
    assert sources.include("41.74.179.195", ["www.payfast.co.za"])
    assert names.asked == 2


def test_what_was_known_last_counts_while_the_name_server_is_silent(sources: Sources, names: Names) -> None:
    assert sources.include("41.74.179.194", ["www.payfast.co.za"])
    names.now, names.addresses = REMEMBERED_SECONDS, None
    assert sources.include("41.74.179.194", ["www.payfast.co.za"])
    assert not sources.include("41.74.179.195", ["www.payfast.co.za"])
    assert names.asked == 2


def test_a_host_that_was_never_known_lets_nobody_in(sources: Sources, names: Names) -> None:
    names.addresses = None
    assert not sources.include("41.74.179.194", ["www.payfast.co.za"])


def test_the_machines_own_resolver_knows_this_machine() -> None:
    assert Sources(addresses_of).include("127.0.0.1", ["localhost"])
