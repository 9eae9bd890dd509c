"""The choice of a background: the avatar's own, that one blurred, one colour, a picture, or none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.background.picture import read_picture
from bithuman_core.errors import BackgroundError

COLOUR = re.compile(r"#([0-9a-fA-F]{6})")
EXPECTED = "give photo, blur, transparent, a colour as #rrggbb, or the file of a picture"


class Kind(str, Enum):
    """What kinds of background there are."""

    PHOTO = "photo"
    BLUR = "blur"
    TRANSPARENT = "transparent"
    COLOUR = "colour"
    PICTURE = "picture"


NAMES = (Kind.PHOTO.value, Kind.BLUR.value, Kind.TRANSPARENT.value)


@dataclass(frozen=True, eq=False)
class Background:
    """A choice. colour: RGB, 0..255, of the kind COLOUR; picture: RGB uint8 [h, w, 3], of the kind PICTURE."""

    kind: Kind = Kind.PHOTO
    colour: tuple[int, int, int] = (0, 0, 0)
    picture: NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, choice: Background | str | Path | NDArray[np.uint8]) -> Background:
        """The background that a user names.

        choice: ``"photo"`` (the avatar's own), ``"blur"`` (that one, blurred), ``"transparent"``, ``"#rrggbb"``, the file of a
        picture, or RGB uint8 [h, w, 3]. Raises BackgroundError with a sentence for anything else.
        """
        if isinstance(choice, Background):
            return choice
        if isinstance(choice, np.ndarray):
            if choice.dtype != np.uint8 or choice.ndim != 3 or choice.shape[2] != 3 or not choice.size:
                raise BackgroundError(
                    f"The background is {choice.dtype} {list(choice.shape)}: give RGB uint8 [height, width, 3]."
                )
            return cls(Kind.PICTURE, picture=choice.copy())
        if isinstance(choice, Path):
            return cls(Kind.PICTURE, picture=read_picture(choice))
        if not isinstance(choice, str):
            raise BackgroundError(f"The background is a {type(choice).__name__}: {EXPECTED}.")
        text = choice.strip()
        known = text in NAMES or text.startswith("#")
        return cls.named(text) if known or not _is_file(text) else cls(Kind.PICTURE, picture=read_picture(Path(text)))

    @classmethod
    def named(cls, text: str) -> Background:
        """The background of a name or colour that somebody else sent: no file is opened. Raises BackgroundError."""
        text = text.strip()
        if text in NAMES:
            return cls(Kind(text))
        if text.startswith("#"):
            digits = COLOUR.fullmatch(text)
            if digits is None:
                raise BackgroundError(f"The colour {text[:40]!r} is not one: give # and six digits, for example #1e6fd9.")
            red, green, blue = bytes.fromhex(digits[1])
            return cls(Kind.COLOUR, (red, green, blue))
        raise BackgroundError(f"There is no background {text[:200]!r}: {EXPECTED}.")

    @property
    def opaque(self) -> bool:
        """Whether nothing shines through frames before it."""
        return self.kind is not Kind.TRANSPARENT

    def __str__(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.colour) if self.kind is Kind.COLOUR else self.kind.value


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a name that there cannot be
        return False


OWN = Background()
