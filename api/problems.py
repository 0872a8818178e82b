"""The one table that says what an error means over HTTP: RFC 9457 problem details, sentences that name the way out."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from domain.errors import ConflictError, DunlinError, InvalidInputError, NotFoundError
from domain.quoting import shortened
from gateways.base import BadSignatureError, MalformedUpdateError
from persistence.idempotency import KeyReusedError, StillWorkingError
from workflows.client import EngineUnavailableError, MadeLaterError

MEDIA_TYPE = "application/problem+json"

# The first row whose type fits counts.
STATUS_OF: tuple[tuple[type[DunlinError], int, str], ...] = (
    (NotFoundError, 404, "not-found"),
    (KeyReusedError, 422, "idempotency-key-reused"),
    (StillWorkingError, 409, "still-working"),
    (ConflictError, 409, "conflict"),
    (InvalidInputError, 422, "invalid-input"),
    (BadSignatureError, 401, "bad-signature"),
    (MalformedUpdateError, 400, "malformed-update"),
)
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    422: "Not acceptable",
    500: "Internal error",
    503: "Unavailable",
}

# Where FastAPI found a field; callers know it by its name alone, as our own rules call it.
_PLACES = {"body", "query", "path", "header"}

log = structlog.get_logger(__name__)


class ProblemError(Exception):
    """A refusal that the API itself decides: not authenticated, not allowed, too large."""

    def __init__(self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers = status, kind, detail, headers


def problem(
    status: int, kind: str, detail: str, *, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """A problem document; `errors` names each field that is wrong."""
    body: dict[str, Any] = {
        "type": f"urn:dunlin:problem:{kind}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(DunlinError, _on_dunlin_error)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(OperationalError, _on_database_down)
    app.add_exception_handler(DataError, _on_unstorable)
    app.add_exception_handler(Exception, _on_bug)


def _on_dunlin_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, EngineUnavailableError):
        return _on_engine_down(error)
    for kind, status, name in STATUS_OF:
        if isinstance(error, kind):
            headers = {"Retry-After": "2"} if kind is StillWorkingError else None
            found = (error.field, error.message) if isinstance(error, InvalidInputError) else None
            errors = [{"field": _encodable(found[0]), "message": _encodable(found[1])}] if found else []
            return problem(status, name, _encodable(str(error)), errors=errors, headers=headers)
    return _on_bug(request, error)


def _on_engine_down(error: EngineUnavailableError) -> JSONResponse:
    """The words of most may hold addresses of the house: they are for the log."""
    log.warning("Temporal does not answer", error=str(error))
    told = "This could not be started just now, and nothing is lost: send the same request again in a moment."
    return problem(
        503,
        "try-again-soon",
        str(error) if isinstance(error, MadeLaterError) else told,
        headers={"Retry-After": "2"},
    )


def _on_problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - installed for this type only
    return problem(error.status, error.kind, error.detail, headers=error.headers)


def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - installed for this type only
    errors = [{"field": _field(found), "message": found["msg"]} for found in error.errors()]
    summary = "; ".join(f"{found['field']}: {found['message']}" for found in errors)
    return problem(422, "invalid-input", f"The request cannot be used as it is: {summary}.", errors=errors)


def _field(found: dict[str, Any]) -> str:
    """The name of a field that FastAPI refused; `body` when the body as a whole makes no sense."""
    place, *names = found["loc"]
    if found["type"] == "json_invalid" or not (names or place not in _PLACES):
        return str(place)
    return _encodable(".".join(shortened(str(part)) for part in (names if place in _PLACES else found["loc"])))


def _encodable(text: str) -> str:
    """What callers sent, told back to them: JSON may spell half of a character, which no answer can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - installed for this type only
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, "http", f"{error.detail}.", headers=headers)


def _on_database_down(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OperationalError)  # noqa: S101 - installed for this type only
    # The driver's own words: what was asked may hold the token of a payment link.
    log.error("the database does not answer", error=str(error.orig))
    return problem(
        503,
        "try-again-soon",
        "The database does not answer just now. Nothing was changed: try again.",
        headers={"Retry-After": "2"},
    )


def _on_unstorable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DataError)  # noqa: S101 - installed for this type only
    log.warning("a request held what the database cannot hold", error=str(error.orig))
    told = [*request.path_params.items(), *request.query_params.multi_items()]
    return problem(
        422,
        "invalid-input",
        "The request holds text that cannot be stored, such as a NUL character: remove it.",
        errors=[{"field": name, "message": "remove the NUL character"} for name, said in told if "\x00" in str(said)],
    )


def _on_bug(_request: Request, error: Exception) -> JSONResponse:
    # Path and ids are bound to the line already (`app.py`), without the tokens that a path may hold.
    log.error("unexpected error", exc_info=error)
    return problem(500, "internal", "Something went wrong on our side and was logged. Nothing was half done: try again.")
