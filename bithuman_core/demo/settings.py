"""The settings of the demo, from the environment, a ``.env`` file or the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bithuman_core.demo.connections import as_networks
from bithuman_core.settings import find_avatar, models_dir

ON_SPACES = "SPACE_ID" in os.environ  # Hugging Face Spaces: a container behind a proxy


class DemoSettings(BaseSettings):
    """Serve the avatar on a web page."""

    model_config = SettingsConfigDict(
        env_prefix="BITHUMAN_",
        env_file=".env",
        extra="ignore",
        cli_prog_name="app.py",
        cli_kebab_case=True,
        cli_implicit_flags=True,
    )
    host: str = Field("0.0.0.0" if ON_SPACES else "127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    max_visitors: int = Field(3, ge=1, description="How many people may be live at once; the next ones wait in line.")
    visit_minutes: float = Field(
        10 if ON_SPACES else 0, ge=0, description="Longest time live at a stretch, so that others get their turn; 0: no limit."
    )
    avatar: Path = Field(
        models_dir() / "mara_film.imx",
        validation_alias=AliasChoices("avatar", "BITHUMAN_AVATAR", "BITHUMAN_MODEL_PATH"),
        description="The avatar that is shown first, an .imx file; the shipped ones follow.",
    )
    photos: bool = Field(True, description="Let visitors make avatars from photos.")
    places_per_address: int = Field(
        0, ge=0, description="How many of them may come from one network address; 0: all but one, so that others have a chance."
    )
    allowed_hosts: str = Field(
        "", description="Names that the page is called by, with commas (*.example.org: all below it); others are refused."
    )
    trusted_proxies: str = Field(
        "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.1" if ON_SPACES else "127.0.0.1",
        validation_alias=AliasChoices("trusted_proxies", "BITHUMAN_TRUSTED_PROXIES", "FORWARDED_ALLOW_IPS"),
        description="Web servers in front, addresses or networks with commas: their X-Forwarded-For says who a visitor is.",
    )
    open_browser: bool = Field(not ON_SPACES, description="Open the page in a browser where there is a display.")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, entries: str) -> str:
        as_networks(entries)
        return entries

    @property
    def names(self) -> list[str]:
        """What the page may be called by."""
        return [name.strip() for name in self.allowed_hosts.split(",") if name.strip()]


def read_settings(*, command_line: bool = False) -> DemoSettings:
    """The settings of this process, with ``command_line`` from its options, too.

    Ends the process with a sentence where one is wrong.
    """
    try:
        return DemoSettings(_cli_parse_args=command_line or None)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        faults = [(str(fault["loc"][0]).replace("_", "-"), fault["msg"], fault["input"]) for fault in error.errors()]
    sys.exit("\n".join(f"--{name}: {message}, not {given!r}." for name, message, given in faults))


def avatar_files(settings: DemoSettings) -> list[Path]:
    """The avatar of the settings, then the others that ship."""
    first = find_avatar(settings.avatar)
    return [first, *(path for path in sorted(models_dir().glob("*.imx")) if path.resolve() != first.resolve())]
