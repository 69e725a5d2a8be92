"""Every error as JSON: a code for programs, a sentence for people, and where in the request it was."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from finalmile.errors import (
    BusyError,
    ConfigError,
    ConflictError,
    FinalMileError,
    MissingInputError,
    NotCertifiedError,
    SchemaError,
    TransientError,
    UnknownNameError,
    printable,
)
from finalmile.web.api.policy import ForbiddenError
from finalmile.web.api.wording import no_path, plainly
from finalmile.web.redaction import redacted

_LOG = logging.getLogger("finalmile.api")
_STATUS: Sequence[tuple[type[FinalMileError], int, str]] = (
    (ForbiddenError, 403, "forbidden"),
    (UnknownNameError, 404, "unknown"),
    (MissingInputError, 404, "missing"),
    (NotCertifiedError, 409, "not_certified"),
    (ConflictError, 409, "conflict"),
    (ConfigError, 422, "invalid"),
    (SchemaError, 422, "invalid"),
    (BusyError, 503, "busy"),
    (TransientError, 503, "busy"),
)
_WORDS = {
    400: "malformed", 401: "unauthenticated", 404: "unknown", 405: "method", 408: "timeout", 413: "too_large",
    415: "media_type", 422: "invalid",
}  # fmt: skip
RETRY_S = "1"
_NO_PATH = "Not Found"


def told(status: int, code: str, message: str, **more: object) -> JSONResponse:
    """An error as every route tells it."""
    body = {"code": code, "message": printable(redacted(message), lines=True), **more}
    headers = {"retry-after": RETRY_S} if status in (429, 503) else {}
    return JSONResponse({"error": body}, status_code=status, headers=headers)


def add_errors(app: FastAPI) -> None:
    """Let an app tell every error so."""
    app.add_exception_handler(FinalMileError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, unexpected)


def _ours(_: Request, error: Exception) -> JSONResponse:
    mend = ""
    if isinstance(error, UnknownNameError) and error.kind == "model" and not error.known:
        mend = " Make one: finalmile train MODEL, or finalmile register MODEL; then finalmile promote MODEL"
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            return told(status, code, f"{error}{mend}")
    _LOG.error("%s: %s", type(error).__name__, redacted(str(error)))
    return told(500, "failed", str(error))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if _mistyped(request):
        return told(404, "unknown", no_path(request))
    faults = [_fault(one) for one in error.errors()]
    malformed = any(one["type"] == "json_invalid" for one in error.errors())
    message = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults[:20])
    status, code = (400, "malformed") if malformed else (422, "invalid")
    return told(status, code, message, where=faults[0]["where"] if faults else "body", faults=faults[:100])


def _fault(one: Any) -> dict[str, str]:
    """Place and sentence; what was sent is not repeated, it may be long, secret, or no JSON."""
    where = ".".join(str(part)[:80] for part in one["loc"])
    return {"where": printable(redacted(where)), "message": printable(redacted(plainly(one)))}


def _mistyped(request: Request) -> bool:
    """Whether a path is what a worker answers but for its verb, such as ``:predicts``: no name holds a colon."""
    return ":" in str(request.scope["path"])


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 405 and _mistyped(request):
        return told(404, "unknown", no_path(request))
    message = str(error.detail)
    if error.status_code == 404 and message == _NO_PATH:
        message = no_path(request)
    if error.status_code == 405:
        message = f"use {(error.headers or {}).get('Allow', 'another method')} here"
    answer = told(error.status_code, _WORDS.get(error.status_code, "refused"), message)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """What nobody foresaw: the log knows what it was, the caller gets a number to ask for."""
    request_id = str(request.scope.get("finalmile.request_id", ""))
    _LOG.error("request %s failed: %s", request_id, redacted(repr(error)), exc_info=error)
    return told(500, "failed", f"this could not be done; the log of the endpoint says why, under {request_id}")
