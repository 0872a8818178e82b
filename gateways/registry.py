"""Which gateways there are. The only module that knows all providers by name; the roots hand the registry to the rest."""

from collections.abc import Mapping

from domain.errors import InvalidInputError
from gateways.base import Gateway
from gateways.ozow import Ozow
from gateways.payfast import Payfast
from gateways.paynow import Paynow
from gateways.transport import Transport
from gateways.yoco import Yoco


class Registry:
    """Gateways by the name under which accounts and webhooks refer to them."""

    def __init__(self, gateways: Mapping[str, Gateway]) -> None:
        self._gateways = dict(gateways)

    @property
    def names(self) -> list[str]:
        return sorted(self._gateways)

    def gateway(self, name: str) -> Gateway:
        """The gateway called `name`.

        Raises:
            InvalidInputError: there is none of that name.
        """
        try:
            return self._gateways[name]
        except KeyError:
            raise InvalidInputError("gateway", f"{name!r} is not known; use one of {', '.join(self.names)}.") from None


def build_registry(transport: Transport) -> Registry:
    """All gateways of this installation, each calling out through `transport`."""
    gateways: list[Gateway] = [Paynow(transport), Yoco(transport), Payfast(transport), Ozow(transport)]
    return Registry({gateway.name: gateway for gateway in gateways})
