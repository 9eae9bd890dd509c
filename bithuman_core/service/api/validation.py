"""``/v1/validate`` and ``/v1/runtime-tokens/request``: what the SDK asks for before it runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel

from bithuman_core.service.api.access import Reader, ShownSecret
from bithuman_core.service.api.models import Answer, told
from bithuman_core.service.context import InService
from bithuman_core.service.errors import MissingAuth, Unauthorized
from bithuman_core.service.tokens import LIFETIME_SECONDS, RUNTIME

router = APIRouter(tags=["secrets"])


class Validity(BaseModel):
    """Whether a secret is valid."""

    valid: bool


class RuntimeToken(BaseModel):
    """A token of five minutes. ``expires_in``: s, which needs no clock that agrees with the server's."""

    token: str
    expires_in: int
    expires_at: str


@router.post("/v1/validate", summary="Whether the secret is valid", openapi_extra={"security": [{}]})
def validate(service: InService, secret: ShownSecret) -> Validity:
    """Always 200: a missing, wrong, expired or revoked secret is ``{"valid": false}``."""
    try:
        service.secrets.holder(secret)
    except (MissingAuth, Unauthorized):
        return Validity(valid=False)
    return Validity(valid=True)


@router.post("/v1/runtime-tokens/request", summary="A token to run avatars for five minutes")
def request_token(
    service: InService, holder: Reader, _said: Annotated[dict[str, Any] | None, Body()] = None
) -> Answer[RuntimeToken]:
    """What the body says of the machine is accepted, and not needed."""
    token, ends = service.tokens.issue(holder.id, RUNTIME, scopes=list(holder.scopes))
    return Answer(data=RuntimeToken(token=token, expires_in=LIFETIME_SECONDS, expires_at=told(ends)))
