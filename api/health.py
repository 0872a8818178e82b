"""Whether the process lives, and whether it can do its work."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from api.services import ApiServices, Services

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def is_ready(services: Services) -> JSONResponse:
    """The database answers and is migrated. Temporal is told of, but not needed: updates are taken without it."""
    database = await asyncio.to_thread(_database_is_ready, services)
    temporal = await services.workflows.is_ready()
    body = {"status": "ok" if database else "unavailable", "database": database, "temporal": temporal}
    return JSONResponse(body, 200 if database else 503)


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """For Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _database_is_ready(services: ApiServices) -> bool:
    try:
        return services.database.is_ready()
    except SQLAlchemyError:
        return False
