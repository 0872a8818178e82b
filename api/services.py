"""What the routers work with, handed in by the composition root (`app.py`), and how a request reaches it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request

from gateways.base import Gateway, GatewayAccount
from persistence.database import Database
from persistence.secrets import CredentialBox
from persistence.tenants import StoredAccount
from workflows.client import Workflows


class Gateways(Protocol):
    """The gateways by name."""

    @property
    def names(self) -> list[str]: ...

    def gateway(self, name: str) -> Gateway: ...


@dataclass(frozen=True, slots=True)
class ApiServices:
    """One per process.

    Attributes:
        complete_account: a stored account with the addresses of its gateway.
        payment_page: makes the address of an invoice's page from its payment token.
        ui_of_workflow, ui_of_schedule: make the address of one in the Temporal UI from its id.
    """

    database: Database
    workflows: Workflows
    gateways: Gateways
    box: CredentialBox
    complete_account: Callable[[StoredAccount], GatewayAccount]
    payment_page: Callable[[str], str]
    ui_of_workflow: Callable[[str], str]
    ui_of_schedule: Callable[[str], str]
    clock: Callable[[], datetime]


def utc_clock() -> datetime:
    """The request's clock: the only place where the API asks what time it is."""
    return datetime.now(UTC)


def services(request: Request) -> ApiServices:
    found: ApiServices = request.app.state.services
    return found


Services = Annotated[ApiServices, Depends(services)]
