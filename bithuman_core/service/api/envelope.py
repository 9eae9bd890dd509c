"""How the API says no: the shape of the commercial product's errors, whoever notices that something is wrong."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.answer import BODY
from bithuman_core.errors import BithumanError
from bithuman_core.files import DISK_FULL, is_full
from bithuman_core.service.data.identifiers import CODE_PATTERN
from bithuman_core.service.errors import Conflict, ServiceError, StorageFull
from bithuman_core.worker.refused import Refused

CODES = {
    400: "VALIDATION_ERROR", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 408: "TIMEOUT",
    413: "FILE_TOO_LARGE", 415: "UNSUPPORTED_TYPE", 421: "UNKNOWN_HOST", 422: "VALIDATION_ERROR", 429: "RATE_LIMITED",
    501: "NOT_INSTALLED", 503: "SERVICE_UNAVAILABLE", 507: "STORAGE_FULL",
}  # fmt: skip
DOWNLOAD = "DOWNLOAD_ERROR"
OVERTAKEN = "What the request is about was deleted or changed at the same moment: look at it again."
PATTERNS = {CODE_PATTERN: "an agent's code has 3 to 32 letters, digits, - and _"}
SENTENCES = {
    404: "There is nothing at that address: docs/service.md lists the calls.",
    405: "That address is asked in another way: docs/service.md lists the calls.",
}
SHOWN_TO = "bithuman_core.shown_to"  # key of a scope: the origin whose pages may read the answer
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'"}


class Fault(BaseModel):
    """What is wrong, and what to do, in one sentence."""

    code: str
    message: str
    httpStatus: int  # the API's own spelling


class Envelope(BaseModel):
    """Every answer that is no success."""

    error: Fault
    status: str = "error"
    status_code: int


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Envelope, "description": told}
    for status, told in {
        400: "a parameter is missing, or the request cannot be read",
        401: "no secret, or not a valid one",
        403: "the secret has not that scope",
        404: "there is no such thing",
        408: "it came too slowly",
        409: "it is still being made, is there already, or was changed at the same moment",
        413: "it is too large",
        415: "it is neither JSON nor a form, or a file of a kind that is not taken",
        421: "the server is not called that",
        422: "a parameter is wrong",
        429: "too often; Retry-After says when again",
        503: "database or storage are away, or the server is busy",
        507: "the storage is full",
    }.items()
}


def envelope(status: int, code: str, message: str) -> dict[str, Any]:
    """The body of an answer."""
    return Envelope(error=Fault(code=code, message=message, httpStatus=status), status_code=status).model_dump()


def answer_errors(app: FastAPI) -> None:
    """Have all that an application raises told in this shape."""

    @app.exception_handler(ServiceError)
    async def service(_: Request, error: ServiceError) -> JSONResponse:
        return JSONResponse(envelope(error.status, error.code, error.message), error.status, dict(error.headers))

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return JSONResponse(envelope(error.status, DOWNLOAD, error.message), error.status)

    @app.exception_handler(BithumanError)
    async def failed(_: Request, error: BithumanError) -> JSONResponse:
        return JSONResponse(envelope(422, CODES[422], error.message), 422)

    @app.exception_handler(RequestValidationError)
    async def misunderstood(_: Request, error: RequestValidationError) -> JSONResponse:
        status, code, message = wrong_parameter(error.errors()[0])
        return JSONResponse(envelope(status, code, message), status)

    @app.exception_handler(HTTPException)
    async def no_route(_: Request, error: HTTPException) -> JSONResponse:
        message = SENTENCES.get(error.status_code) or f"{str(error.detail).rstrip('.')}."
        code = CODES.get(error.status_code, "ERROR")
        return JSONResponse(envelope(error.status_code, code, message), error.status_code, error.headers)

    @app.exception_handler(IntegrityError)
    async def overtaken(_: Request, __: IntegrityError) -> JSONResponse:
        return JSONResponse(envelope(409, Conflict.default_code, OVERTAKEN), 409)

    @app.exception_handler(OSError)
    async def no_room(_: Request, error: OSError) -> JSONResponse:
        if is_full(error):
            return JSONResponse(envelope(507, StorageFull.default_code, DISK_FULL), 507)
        raise error


def wrong_parameter(fault: Any) -> tuple[int, str, str]:
    """(status, code, sentence) of what pydantic says of a request."""
    where = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path", "header"))
    if fault["type"] == "missing":
        return 400, "MISSING_PARAM", f"{where or 'The body'} is missing: docs/service.md lists what this call takes."
    if fault["type"] == "json_invalid":
        return 400, CODES[400], "The body is no JSON: send an object, and the header Content-Type: application/json."
    if fault["type"] == "string_pattern_mismatch":  # nobody should have to read the pattern
        what = PATTERNS.get(fault["ctx"]["pattern"], "that is no such name")
    else:
        what = str(fault["msg"]).removeprefix("Value error, ")
    return 422, CODES[422], f"{where or 'The body'}: {what}; docs/service.md lists what this call takes."


class ApiAnswers:
    """ASGI middleware: refusals of the guards have this shape, too, and no answer is kept by anybody on its way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if (origin := scope.get(SHOWN_TO)) is not None:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers.add_vary_header("Origin")
            await send(message)

        scope[BODY] = _refusal_body
        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


def _refusal_body(refusal: Refusal, _path: str) -> bytes:
    return json.dumps(envelope(refusal.status, CODES.get(refusal.status, "INTERNAL_ERROR"), refusal.sentence)).encode()
