"""What goes wrong with the service, with the HTTP status and the code that its clients are told."""

from __future__ import annotations

from collections.abc import Mapping

from bithuman_core.errors import BithumanError


class ServiceError(BithumanError):
    """One sentence for the client; ``code`` and ``status`` as the answer has them, ``retry`` s after which to ask again."""

    default_code = "INTERNAL_ERROR"
    status = 500

    def __init__(self, message: str, *, retry: int | None = None) -> None:
        super().__init__(message)
        self.retry = retry

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with the status."""
        return {} if self.retry is None else {"Retry-After": str(self.retry)}


class MissingAuth(ServiceError):
    default_code, status = "MISSING_AUTH", 401


class Unauthorized(ServiceError):
    default_code, status = "UNAUTHORIZED", 401


class Forbidden(ServiceError):
    default_code, status = "FORBIDDEN", 403


class ConsentNeeded(ServiceError):
    default_code, status = "CONSENT_REQUIRED", 403


class MissingParam(ServiceError):
    default_code, status = "MISSING_PARAM", 400


class Unreadable(ServiceError):
    default_code, status = "VALIDATION_ERROR", 400


class Invalid(ServiceError):
    default_code, status = "VALIDATION_ERROR", 422


class NotFound(ServiceError):
    default_code, status = "NOT_FOUND", 404


class AgentNotFound(ServiceError):
    default_code, status = "AGENT_NOT_FOUND", 404


class AgentProcessing(ServiceError):
    default_code, status = "AGENT_PROCESSING", 409


class AgentExists(ServiceError):
    default_code, status = "AGENT_EXISTS", 409


class Conflict(ServiceError):
    default_code, status = "CONFLICT", 409


class AgentFailed(ServiceError):
    default_code, status = "AGENT_FAILED", 400


class NoActiveRooms(ServiceError):
    default_code, status = "NO_ACTIVE_ROOMS", 404


class RateLimited(ServiceError):
    default_code, status = "RATE_LIMITED", 429


class Unavailable(ServiceError):
    """The database or the storage is away; it is asked again with the next request."""

    default_code, status = "SERVICE_UNAVAILABLE", 503


class StorageFull(ServiceError):
    default_code, status = "STORAGE_FULL", 507


class NoPlaces(ServiceError):
    """As many avatars are live as may be."""

    default_code, status = "NO_PLACES", 503


class NotInstalled(ServiceError):
    default_code, status = "NOT_INSTALLED", 501
