"""What both composition roots (worker and API) wire alike: the gateways with their keys and addresses."""

from activities.gateway_calls import GatewayAddresses, GatewayDesk
from gateways.breaker import Breakers, Guarded
from gateways.registry import Registry, build_registry
from gateways.transport import Transport
from persistence.secrets import CredentialBox
from settings import Settings


def build_desk(settings: Settings, transport: Transport, breakers: Breakers) -> GatewayDesk:
    """The gateways over `transport` and behind `breakers`, with where they are and where they reach us."""
    registry = build_registry(transport)
    return GatewayDesk(
        gateways=Registry({name: Guarded(registry.gateway(name), breakers) for name in registry.names}),
        box=CredentialBox(settings.secret_keys),
        addresses=gateway_addresses(settings),
    )


def gateway_addresses(settings: Settings) -> dict[str, GatewayAddresses]:
    """Where each gateway is, and where it reaches us."""
    ours = f"{settings.app_url}/webhooks"
    return {
        "paynow": GatewayAddresses(
            base_url=settings.paynow_api_url,
            result_url=settings.paynow_result_url or f"{ours}/paynow",
            return_url=settings.paynow_return_url or None,
        ),
        "yoco": GatewayAddresses(base_url=settings.yoco_api_url, result_url=f"{ours}/yoco"),
        "payfast": GatewayAddresses(
            base_url=settings.payfast_url,
            result_url=f"{ours}/payfast",
            api_url=settings.payfast_api_url,
            sources=tuple(part.strip() for part in settings.payfast_sources.split(",") if part.strip()),
        ),
        "ozow": GatewayAddresses(base_url=settings.ozow_api_url, result_url=f"{ours}/ozow"),
    }
