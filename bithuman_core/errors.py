"""The error tree. Every message is one sentence that says what is wrong and what to do."""

from __future__ import annotations


class BithumanError(Exception):
    """Base of every error this package raises on purpose. ``code`` is stable; ``str`` is ``"[code] message"``."""

    default_code = "BITHUMAN_ERROR"

    def __init__(self, message: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"


class TokenError(BithumanError):
    """Kept for compatible code; nothing here needs a token."""

    default_code = "TOKEN_ERROR"


class TokenExpiredError(TokenError):
    default_code = "TOKEN_EXPIRED"


class TokenValidationError(TokenError):
    default_code = "TOKEN_VALIDATION"


class TokenRequestError(TokenError):
    default_code = "TOKEN_REQUEST"


class AccountStatusError(TokenError):
    default_code = "ACCOUNT_STATUS"


class ModelError(BithumanError):
    """Something is wrong with the avatar file or the speech net."""

    default_code = "MODEL_ERROR"


class ModelNotFoundError(ModelError):
    default_code = "MODEL_NOT_FOUND"


class ModelLoadError(ModelError):
    default_code = "MODEL_LOAD"


class ModelSecurityError(ModelError):
    """The file breaks a rule that protects the reader (size, counts, shapes, checksums)."""

    default_code = "MODEL_SECURITY"


class BuildError(ModelError):
    """A photo cannot become an avatar: it is unreadable, or the face in it cannot be used."""

    default_code = "BUILD"


class SeveralFacesError(BuildError):
    """A photo shows several faces and nobody said which. ``faces``: a picture of each (JPEG bytes), number 1 first."""

    default_code = "SEVERAL_FACES"
    faces: tuple[bytes, ...] = ()


class IntakeError(BithumanError):
    """A file that somebody else sent takes more time or memory than it is given, or ended the process that read it."""

    default_code = "INTAKE"


class RuntimeNotReadyError(BithumanError):
    default_code = "RUNTIME_NOT_READY"


class AudioError(BithumanError, ValueError):
    """The audio cannot be used: wrong rate, wrong shape, NaN, unreadable file."""

    default_code = "AUDIO"


class AddressError(BithumanError):
    """A service at an address (a voice, ears, a brain) is set wrongly, cannot be reached, or answers with an error."""

    default_code = "ADDRESS"


class MotionError(BithumanError, ValueError):
    """Recorded motion cannot be used: an unreadable file, unknown channels, NaN, nothing in it."""

    default_code = "MOTION"


class BackgroundError(BithumanError, ValueError):
    """A background cannot be used: an unreadable picture, no colour, film without a matte, transparency where there is none."""

    default_code = "BACKGROUND"


class AvatarError(BithumanError):
    """Base of the errors of ``bithuman_core.open``."""

    default_code = "AVATAR_ERROR"


class InvalidAvatar(AvatarError):
    default_code = "INVALID_AVATAR"


class NotSupported(AvatarError):
    default_code = "NOT_SUPPORTED"


class NotAuthorised(AvatarError):
    default_code = "NOT_AUTHORISED"


class Failed(AvatarError):
    default_code = "FAILED"
