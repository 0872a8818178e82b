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
    ("GET", "/pay/{code}"),
    ("POST", "/pay/{code}"),
    ("GET", "/pay/{code}/handover/{payment_id}"),
    ("GET", "/pay/{code}/status"),
    ("POST", "/pay/{code}/checkout"),
    ("POST", "/pay/{code}/look"),
    ("POST", "/webhooks/{gateway}"),
}

# What a business has one of, and shows as it is: there is no list of it.
SETTINGS = {
    "/api/allocation-policy",
    "/api/dunning-policy",
    "/api/dunning-policy/preview",
    "/api/dunning-policy/versions",  # of which everybody has the first
}

MOVES_WITHOUT_A_DAY = ("void", "write-off", "resume", "dispute", "resolve", "reapply-policy")

# What the staff's POST and PUT routes take.
BODIES: dict[str, dict[str, object]] = {
    "/api/reviews/{review_id}/match": {"payment_id": "pay_of_nobody"},
    "/api/reviews/{review_id}/credit": {},
    "/api/reviews/{review_id}/dismiss": {"reason": "Nothing came."},
    "/api/reconciliations": {},
    "/api/billing-runs": {"period": "2026-11"},
    "/api/billing-schedules": {"name": "Monthly", "day_of_month": 1, "at": "04:00"},
    "/api/billing-schedules/{schedule_id}": {"name": "Monthly", "day_of_month": 1, "at": "04:00"},
    "/api/billing-schedules/{schedule_id}/pause": {"note": "Prices change."},
    "/api/billing-schedules/{schedule_id}/resume": {},
    **{f"/api/invoices/{{invoice_id}}/{move}": {"reason": "The customer rang."} for move in MOVES_WITHOUT_A_DAY},
    "/api/invoices/{invoice_id}/extend": {"due_on": "2026-12-15", "reason": "The customer rang."},
    "/api/invoices/{invoice_id}/pause": {"until": "2026-12-15", "reason": "The customer rang."},
    "/api/payment-links": {"type": "OUTSTANDING", "customer_id": "cus_of_nobody"},
    "/api/payment-links/{link_id}/cancel": {},
    "/api/payment-links/{link_id}/send": {},
    "/api/payments/{payment_id}/reverse": {"reason": "The bank returned it."},
    "/api/customers/{customer_id}/apply-credit": {"invoice_id": "inv_of_nobody"},
    "/api/customers/{customer_id}/holds": {"reason": "MANUAL", "note": "The licence was not renewed."},
    "/api/customers/{customer_id}/holds/{hold_id}/lift": {"reason": "The licence came in."},
    "/api/customers/{customer_id}/chasing/block": {"until": "2026-12-15", "reason": "Talks about instalments."},
    "/api/customers/{customer_id}/chasing/resume": {},
    "/api/allocation-policy": {"surplus": "CREDIT", "applies_credit": True},
    "/api/dunning-policy": {"policy": {"steps": []}},
    "/api/dunning-policy/preview": {"policy": {"steps": []}, "due_on": "2026-08-10"},
    "/api/customers/{customer_id}/dunning-policy": {"policy": {"steps": []}},
    "/api/gateway-accounts/{account_id}/fee-rates": {},
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
