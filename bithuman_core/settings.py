"""Settings from the environment or a ``.env`` file, and where the shipped models lie."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bithuman_core.timing import FPS, SAMPLE_RATE

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parent
ENV_FILE = Path(".env")
MIN_SIDE, MAX_SIDE = 64, 2160  # of frames, px
Renderer = Literal["cpu", "gpu", "auto"]
Provider = Literal["cpu", "cuda", "coreml"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
WANTED = {
    "FPS": f"frames are {FPS} a second",
    "INPUT_SAMPLE_RATE": f"sound is {SAMPLE_RATE} Hz inside, and of any rate where it goes in",
    "OUTPUT_WIDTH": f"give the longest side of the frames, {MIN_SIDE} to {MAX_SIDE} px",
    "turn_pause": "give the pause that ends a turn, 0.2 to 3 s",
    "renderer": f"give one of {', '.join(get_args(Renderer))}",
    "onnx_provider": f"give one of {', '.join(get_args(Provider))}",
    "verbose": "give 1 or 0",
    "log_level": f"give one of {', '.join(get_args(LogLevel))}",
}  # what a setting can be, where it can be wrong


class Settings(BaseSettings):
    """Runtime settings. Each can be set by the environment variable of its name.

    FPS and INPUT_SAMPLE_RATE are fixed by the pipeline and are here to be read. OUTPUT_WIDTH: longest side of the frames in
    px; 0 keeps the avatar's own size. LOADING_MODE is accepted and has one meaning: everything is loaded at the start.
    A value that makes no sense (these names are other programs', too) is left out with one sentence in the log.
    The secret and the token are asked of nobody unless BITHUMAN_API_URL names a server of one's own.
    """

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    FPS: int = Field(default=FPS, ge=FPS, le=FPS)
    INPUT_SAMPLE_RATE: int = Field(default=SAMPLE_RATE, ge=SAMPLE_RATE, le=SAMPLE_RATE)
    OUTPUT_WIDTH: int = Field(default=0, ge=0, le=MAX_SIDE)
    LOADING_MODE: str = "SYNC"
    renderer: Renderer = Field(default="cpu", validation_alias="BITHUMAN_RENDERER")
    onnx_provider: Provider = Field(default="cpu", validation_alias="BITHUMAN_ONNX_PROVIDER")  # of the speech net
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
    log_level: LogLevel | None = Field(default=None, validation_alias="BITHUMAN_LOG_LEVEL")
    face_model: Path | None = Field(default=None, validation_alias="BITHUMAN_FACE_MODEL")
    consent: str | None = Field(default=None, validation_alias="BITHUMAN_CONSENT")
    # a voice at an address that speaks OpenAI's API
    tts_url: str | None = Field(default=None, validation_alias="BITHUMAN_TTS_URL")
    tts_model: str = Field(default="tts-1", validation_alias="BITHUMAN_TTS_MODEL")
    tts_voice: str = Field(default="alloy", validation_alias="BITHUMAN_TTS_VOICE")
    tts_key: SecretStr | None = Field(default=None, validation_alias="BITHUMAN_TTS_KEY")
    # ears, likewise
    stt_url: str | None = Field(default=None, validation_alias="BITHUMAN_STT_URL")
    stt_model: str = Field(default="whisper-1", validation_alias="BITHUMAN_STT_MODEL")
    stt_key: SecretStr | None = Field(default=None, validation_alias="BITHUMAN_STT_KEY")
    stt_language: str | None = Field(default=None, validation_alias="BITHUMAN_STT_LANGUAGE")
    turn_pause: float = Field(default=0.35, ge=0.2, le=3.0, validation_alias="BITHUMAN_TURN_PAUSE")  # s that end a turn
    # and a brain, or a script in its place
    llm_url: str | None = Field(default=None, validation_alias="BITHUMAN_LLM_URL")
    llm_model: str = Field(default="gpt-4o-mini", validation_alias="BITHUMAN_LLM_MODEL")
    llm_key: SecretStr | None = Field(default=None, validation_alias="BITHUMAN_LLM_KEY")
    persona: str = Field(default="", validation_alias="BITHUMAN_PERSONA")
    script: Path | None = Field(default=None, validation_alias="BITHUMAN_SCRIPT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the environment, then the ``.env`` file of the working folder."""
        encoding = _encoding(ENV_FILE)
        if encoding is None:
            return init_settings, env_settings
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, ENV_FILE, encoding)

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("verbose", mode="before")
    @classmethod
    def _more_than_verbose(cls, value: Any) -> Any:
        """2 and more are what other programs call very verbose."""
        return bool(int(value)) if isinstance(value, str) and value.strip().isdecimal() else value

    @field_validator("OUTPUT_WIDTH")
    @classmethod
    def _no_frame_is_smaller(cls, value: int) -> int:
        if 0 < value < MIN_SIDE:
            raise ValueError("too small")
        return value

    @field_validator("*", mode="wrap")
    @classmethod
    def _sensible(cls, value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return validate(value)
        except ValidationError:
            name = str(info.field_name)
            field = cls.model_fields[name]
            logger.warning("%s=%s is ignored: %s.", field.validation_alias or name, value, WANTED.get(name, "it cannot be read"))
            return field.default


@lru_cache(1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def _encoding(path: Path) -> str | None:
    """How a text file is coded: UTF-8, or Latin-1, as older editors save it; None where it cannot be read."""
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("The file %s is not read: %s.", path, error.strerror)
        return None
    return "utf-8"


def models_dir() -> Path:
    """The folder of the shipped models: BITHUMAN_MODEL_ROOT, the installed package's own, or the source tree's."""
    root = settings().model_root
    if root is not None:
        return root.expanduser()
    installed = PACKAGE / "_models"
    return installed if installed.is_dir() else PACKAGE.parent / "models"


def default_avatar() -> Path:
    """The avatar that is used where none is named: BITHUMAN_MODEL_PATH, else the shipped Mara."""
    return find_avatar(settings().model_path or models_dir() / "mara.imx")


def find_avatar(named: str | Path) -> Path:
    """The file of an avatar that a user names: a path, or one of the models folder by its bare name (``mara``, ``mara.imx``)."""
    path = Path(named).expanduser()
    if path.name != str(path) or path.is_file():
        return path
    shipped = models_dir() / (path.name if path.suffix == ".imx" else f"{path.name}.imx")
    return shipped if shipped.is_file() else path


def speech_clip() -> Path:
    """A clip of real speech (LibriSpeech, CC BY 4.0) for measuring and for trying an avatar."""
    installed = PACKAGE / "_assets"
    assets = installed if installed.is_dir() else PACKAGE.parent / "assets"
    return assets / "speech" / "librispeech-8014-112586-0000.flac"
