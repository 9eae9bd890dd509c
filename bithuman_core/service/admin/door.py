"""The door of the admin page: a secret with the scope ``admin`` opens it, and a cookie keeps it open for some hours.

The cookie is a token that every process of the installation can read; the secret itself is kept by nobody. Whether that secret
still holds is asked with every request: who is revoked is out at once.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.service.api.envelope import envelope
from bithuman_core.service.context import InService, Service
from bithuman_core.service.errors import Forbidden, ServiceError, Unauthorized
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.secrets.scopes import Scope as Right

PATH = "/admin"
LOGIN, LOGOUT = f"{PATH}/sign-in", f"{PATH}/sign-out"  # other names than those of Gradio's own
COOKIE, AUDIENCE = "bithuman-admin", "bithuman-admin"
HOURS = 8
HOLDER = "bithuman_core.admin"  # key of a scope: the secret's id
PAGE = Path(__file__).with_name("login.html")
SIGN_IN = "Sign in first: that page is for whoever runs the service."

router = APIRouter(include_in_schema=False)


@router.get(LOGIN)
async def show_login() -> HTMLResponse:
    """The form."""
    return _form()


@router.post(LOGIN)
def log_in(request: Request, service: InService, secret: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Open the door, or say why not."""
    try:
        holder = service.secrets.admit(secret.strip() or None, Right.ADMIN)
    except ServiceError as error:
        return _form(error.message, error.status)
    with service.database.writing() as session:
        note(session, service.now(), holder.id, "admin.login")
    token, _ = service.tokens.issue(holder.id, AUDIENCE, HOURS * 3600)
    answer = RedirectResponse(f"{PATH}/", 303)
    answer.set_cookie(
        COOKIE, token, max_age=HOURS * 3600, path=PATH, secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return answer


@router.post(LOGOUT)
async def log_out() -> RedirectResponse:
    """Forget who is here."""
    answer = RedirectResponse(LOGIN, 303)
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


class Door:
    """ASGI middleware: nobody gets further without that cookie; a browser that asks for the page is shown the form."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in (LOGIN, LOGOUT)):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": SIGN_IN})
            return
        try:
            scope[HOLDER] = await run_in_threadpool(self._holder, _cookie(scope))
        except ServiceError as error:
            await _refused(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _holder(self, token: str | None) -> str:
        """Whose cookie it is. Raises Unauthorized, Forbidden, Unavailable."""
        if token is None:
            raise Unauthorized(SIGN_IN)
        number = str(self._service.tokens.read(token, AUDIENCE)["sub"])
        if not self._service.secrets.still_may(number, Right.ADMIN):
            raise Forbidden("The secret that you signed in with is not valid any more: sign in with another one.")
        return number


def signed_in(request: Request) -> str | None:
    """Who is here, for Gradio."""
    return request.scope.get(HOLDER)


def _cookie(scope: Scope) -> str | None:
    return Request(scope).cookies.get(COOKIE)


def _refused(scope: Scope, error: ServiceError) -> Response:
    outside = isinstance(error, (Unauthorized, Forbidden))
    if outside and scope["method"] == "GET" and scope["path"].rstrip("/") == PATH:
        return RedirectResponse(LOGIN, 303)
    return JSONResponse(envelope(error.status, error.code, error.message), error.status, dict(error.headers))


def _form(wrong: str = "", status: int = 200) -> HTMLResponse:
    page = PAGE.read_text("utf-8").replace("{wrong}", escape(wrong)).replace("{hidden}", "" if wrong else "hidden")
    return HTMLResponse(page, status)
