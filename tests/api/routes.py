"""Every route of the app, so that one that is added later cannot escape the rules that hold for all."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

# FastAPI's own description of the API.
_DESCRIPTION = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}

# What anybody may ask without a token: whoever has a payment link, gateways (who sign), and those who watch over the process.
PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/pay/static/{name}"),
    ("GET", "/pay/{token}"),
    ("GET", "/pay/{token}/status"),
    ("POST", "/pay/{token}/checkout"),
    ("POST", "/webhooks/{gateway}"),
}

# What the staff's POST routes take.
BODIES: dict[str, dict[str, object]] = {
    "/api/billing-runs": {"period": "2026-11"},
    "/api/payments": {
        "invoice_id": "inv_of_nobody",
        "method": "CASH",
        "amount": 100,
        "currency": "USD",
        "reference": "receipt 1",
    },
}


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """One method of one route, with the names in its path."""

    method: str
    path: str
    names: tuple[str, ...]

    @property
    def is_public(self) -> bool:
        return (self.method, self.path) in PUBLIC

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors(app: FastAPI) -> list[Door]:
    """All doors of the app but the description of its API."""
    found = {
        Door(method, route.path, tuple(route.param_convertors))
        for route in _leaves(app.routes)
        for method in route.methods or ()
        if route.path not in _DESCRIPTION and method != "HEAD"
    }
    return sorted(found)


def staff_doors(app: FastAPI) -> list[Door]:
    return [door for door in doors(app) if not door.is_public]


def _leaves(routes: list[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _leaves(inner.routes)
        else:
            assert isinstance(route, Route), f"{route!r} is of a kind that this walk does not know: teach it."
            yield route
