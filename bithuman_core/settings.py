"""Settings from the environment or a ``.env`` file, and where the shipped models lie."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bithuman_core.timing import FPS, SAMPLE_RATE

PACKAGE = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Runtime settings. Each can be set by the environment variable of its name.

    FPS and INPUT_SAMPLE_RATE are fixed by the pipeline and are here to be read. OUTPUT_WIDTH: longest side of the frames in
    px; 0 keeps the avatar's own size. LOADING_MODE is accepted and has one meaning: everything is loaded at the start.
    The secret and the token are asked of nobody unless BITHUMAN_API_URL names a server of one's own.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    FPS: int = Field(default=FPS, ge=FPS, le=FPS)
    INPUT_SAMPLE_RATE: int = Field(default=SAMPLE_RATE, ge=SAMPLE_RATE, le=SAMPLE_RATE)
    OUTPUT_WIDTH: int = Field(default=0, ge=0, le=4096)
    LOADING_MODE: str = "SYNC"
    model_path: str | None = Field(default=None, validation_alias=AliasChoices("BITHUMAN_MODEL_PATH", "BITHUMAN_AVATAR_MODEL"))
    model_root: Path | None = Field(default=None, validation_alias="BITHUMAN_MODEL_ROOT")
    api_url: str | None = Field(default=None, validation_alias="BITHUMAN_API_URL")
    api_secret: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("BITHUMAN_API_SECRET", "BITHUMAN_API_KEY")
    )
    api_token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("BITHUMAN_API_TOKEN", "BITHUMAN_RUNTIME_TOKEN")
    )
    verbose: bool = Field(default=False, validation_alias="BITHUMAN_VERBOSE")
    log_level: str | None = Field(default=None, validation_alias="BITHUMAN_LOG_LEVEL")
    face_model: Path | None = Field(default=None, validation_alias="BITHUMAN_FACE_MODEL")
    consent: str | None = Field(default=None, validation_alias="BITHUMAN_CONSENT")


@lru_cache(1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def models_dir() -> Path:
    """The folder of the shipped models: BITHUMAN_MODEL_ROOT, the installed package's own, or the source tree's."""
    root = settings().model_root
    if root is not None:
        return root
    installed = PACKAGE / "_models"
    return installed if installed.is_dir() else PACKAGE.parent / "models"


def default_avatar() -> Path:
    """The avatar that is used where none is named: BITHUMAN_MODEL_PATH, else the shipped Mara."""
    return Path(settings().model_path or models_dir() / "mara.imx")


def speech_clip() -> Path:
    """A clip of real speech (LibriSpeech, CC BY 4.0) for measuring and for trying an avatar."""
    installed = PACKAGE / "_assets"
    assets = installed if installed.is_dir() else PACKAGE.parent / "assets"
    return assets / "speech" / "librispeech-8014-112586-0000.flac"
