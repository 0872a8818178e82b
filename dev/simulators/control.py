"""The part of the control API that all simulators share: faults on demand at `/_control/faults`."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from dev.simulators.faults import Fault, Faults


class FaultOrder(BaseModel):
    """A fault to arm; `paynow_faults.Fault` says what `value` is."""

    model_config = ConfigDict(extra="forbid")

    operation: str
    kind: str
    times: int = 1
    value: str | int | float | None = None


def fault_router(faults: Faults) -> APIRouter:
    """List, arm and clear faults; to be included under `/_control`."""
    router = APIRouter()

    @router.get("/faults")
    async def list_faults() -> dict[str, Any]:
        return {"faults": faults.shown()}

    @router.post("/faults", status_code=201)
    async def add_fault(order: FaultOrder) -> dict[str, Any]:
        value = "" if order.value is None else str(order.value)
        try:
            faults.add(Fault(order.operation.lower(), order.kind.lower(), order.times, value))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return {"faults": faults.shown()}

    @router.delete("/faults")
    async def clear_faults() -> dict[str, Any]:
        faults.clear()
        return {"faults": []}

    return router
