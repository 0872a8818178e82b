"""What both composition roots (worker and API) wire alike: the gateways with their keys and addresses."""

from activities.gateway_calls import GatewayAddresses, GatewayDesk
from gateways.registry import build_registry
from gateways.transport import Transport
from persistence.secrets import CredentialBox
from settings import Settings


def build_desk(settings: Settings) -> GatewayDesk:
    """The gateways, with where they are and where they reach us."""
    return GatewayDesk(
        gateways=build_registry(Transport()),
        box=CredentialBox(settings.secret_keys),
        addresses={
            "paynow": GatewayAddresses(
                base_url=settings.paynow_api_url,
                result_url=settings.paynow_result_url or f"{settings.app_url}/webhooks/paynow",
                return_url=settings.paynow_return_url or None,
            )
        },
    )
