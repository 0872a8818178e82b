"""Gateways by name."""

import pytest

from domain.errors import InvalidInputError
from gateways.registry import build_registry
from gateways.transport import Transport


def test_each_gateway_is_found_by_its_name(transport: Transport) -> None:
    registry = build_registry(transport)
    assert [registry.gateway(name).name for name in registry.names] == registry.names
    assert "paynow" in registry.names


def test_an_unknown_gateway_names_those_there_are(transport: Transport) -> None:
    with pytest.raises(InvalidInputError, match=r"gateway: 'paypal' is not known; use one of .*paynow"):
        build_registry(transport).gateway("paypal")
