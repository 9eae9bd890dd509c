"""The persona that an avatar's file holds: who it is where it answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bithuman_core.errors import BuildError
from bithuman_core.imx.manifest import MAX_PERSONA
from bithuman_core.imx.reader import read_imx
from bithuman_core.imx.writer import write_imx


def as_persona(text: str) -> str:
    """A persona as it is kept, without spaces around it. Raises BuildError for one that is too long."""
    text = text.strip()
    if len(text) > MAX_PERSONA:
        raise BuildError(f"the persona has {len(text)} characters, and {MAX_PERSONA} are the most: shorten it")
    return text


def write_persona(path: str | Path, text: str) -> None:
    """Keep a persona in an avatar's file ("" removes it). Raises BuildError, ModelError and OSError."""
    avatar = read_imx(Path(path))
    write_imx(Path(path), replace(avatar.manifest, persona=as_persona(text)), dict(avatar.arrays))
