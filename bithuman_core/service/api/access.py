"""Who asks: the secret in the header ``api-secret`` (or, as OpenAI's clients send it, ``Authorization: Bearer``)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from bithuman_core.service.context import InService
from bithuman_core.service.secrets.scopes import Scope
from bithuman_core.service.secrets.store import Holder

HEADER = "api-secret"
in_header = APIKeyHeader(name=HEADER, scheme_name="apiSecret", auto_error=False)
as_bearer = HTTPBearer(scheme_name="bearer", auto_error=False)

AsBearer = Annotated[HTTPAuthorizationCredentials | None, Security(as_bearer)]


def shown_secret(header: Annotated[str | None, Security(in_header)], bearer: AsBearer) -> str | None:
    """The secret that came with a request, where there is one."""
    return header or (bearer.credentials if bearer else None)


ShownSecret = Annotated[str | None, Depends(shown_secret)]


class _Needs:
    """A dependency: the holder of a secret that has a scope. The request is counted."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, service: InService, secret: ShownSecret) -> Holder:
        return service.secrets.admit(secret, self._scope)


Reader = Annotated[Holder, Depends(_Needs(Scope.READ))]
Speaking = Annotated[Holder, Depends(_Needs(Scope.SPEAK))]
Builder = Annotated[Holder, Depends(_Needs(Scope.BUILD))]
Admin = Annotated[Holder, Depends(_Needs(Scope.ADMIN))]
