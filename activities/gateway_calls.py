"""How activities reach a gateway: the tenant's account, completed with the addresses of the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from domain.errors import ConflictError
from gateways.base import Gateway, GatewayAccount
from persistence import tenants
from persistence.secrets import CredentialBox
from persistence.tenants import StoredAccount


class Gateways(Protocol):
    """The gateways by name; see `gateways/registry.py`."""

    @property
    def names(self) -> list[str]: ...

    def gateway(self, name: str) -> Gateway: ...


@dataclass(frozen=True, slots=True)
class GatewayAddresses:
    """Where a gateway is and where it reaches us.

    Attributes:
        result_url: where it posts its updates.
        return_url: where it sends the payer's browser; None: to the page of the link that is paid.
        api_url: where its server API is, when that is another host than `base_url`.
        sources: networks and host names that its updates come from; empty: from anywhere.
    """

    base_url: str
    result_url: str
    return_url: str | None = None
    api_url: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayDesk:
    """Gateways, the key to their credentials, and their addresses by name."""

    gateways: Gateways
    box: CredentialBox
    addresses: Mapping[str, GatewayAddresses]

    def gateway(self, name: str) -> Gateway:
        return self.gateways.gateway(name)

    def account_for(self, session: Session, gateway: str, currency: str) -> GatewayAccount:
        """The bound tenant's account at `gateway` for `currency`.

        Raises:
            ConflictError: the tenant has none.
        """
        stored = tenants.account_for(session, self.box, gateway, currency)
        if stored is None:
            raise ConflictError(f"This business takes no {currency} by {gateway}: choose another way to pay.")
        return self.complete(stored)

    def account(self, session: Session, account_id: str) -> GatewayAccount:
        """Raises: NotFoundError: no such account in this session's sight."""
        return self.complete(tenants.account(session, self.box, account_id))

    def complete(self, stored: StoredAccount) -> GatewayAccount:
        addresses = self.addresses[stored.gateway]
        return GatewayAccount(
            id=stored.id,
            gateway=stored.gateway,
            currency=stored.currency,
            base_url=addresses.base_url,
            result_url=addresses.result_url,
            credentials=stored.credentials,
            api_url=addresses.api_url,
            update_sources=addresses.sources,
        )
