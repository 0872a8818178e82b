"""What no real PayFast has: faults on demand, a look at all payments, and a hand on each."""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from dev.simulators.control import fault_router
from dev.simulators.faults import Faults
from dev.simulators.payfast_book import Book, Payment
from dev.simulators.payfast_courier import Courier
from dev.simulators.payfast_desk import Desk


class Move(BaseModel):
    """The status to bring a payment into."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["COMPLETE", "PENDING", "FAILED", "CANCELLED"]


def control_router(book: Book, desk: Desk, courier: Courier, faults: Faults) -> APIRouter:
    """The control API. `{name}` is the merchant's reference (its newest payment), PayFast's id or the guid of the page."""
    router = APIRouter(prefix="/_control")
    router.include_router(fault_router(faults))

    def found(name: str) -> Payment:
        payment = book.find(name)
        if payment is None:
            raise HTTPException(404, f"There is no payment {name}.")
        return payment

    @router.get("/transactions")
    async def list_payments() -> dict[str, Any]:
        return {"transactions": [payment.shown() for payment in book]}

    # References may hold slashes, hence `:path`; the two moves stand first because the bare one would swallow them.
    @router.post("/transactions/{name:path}/status")
    async def move(name: str, order: Move) -> dict[str, Any]:
        payment = found(name)
        desk.move(payment, order.status)
        await courier.tell(payment)
        return payment.shown()

    @router.post("/transactions/{name:path}/resend")
    async def resend(name: str) -> dict[str, Any]:
        payment = found(name)
        courier.post(payment)
        return payment.shown()

    @router.get("/transactions/{name:path}")
    async def show(name: str) -> dict[str, Any]:
        return found(name).shown()

    return router
