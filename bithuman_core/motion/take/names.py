"""Which column is which channel: names as ARKit, Live Link Face and other tools spell them."""

from __future__ import annotations

import re

from bithuman_core.face import FACE_NAMES

_ODD = re.compile(r"[^a-z0-9]")


def plain(name: str) -> str:
    """A name in lower case, without anything but letters and digits."""
    return _ODD.sub("", name.lower())


def _spellings(name: str) -> set[str]:
    """``eyeBlinkLeft`` is ``EyeBlinkLeft`` and ``eyeBlink_L``, too."""
    short = {name[: -len(side)] + side[0] for side in ("Left", "Right") if name.endswith(side) and name != side}
    return {plain(spelling) for spelling in {name, *short}}


CHANNELS: dict[str, int] = {spelling: index for index, name in enumerate(FACE_NAMES) for spelling in _spellings(name)}
"""Number of a channel in FACE_NAMES by every spelling of its name, as :func:`plain` writes it."""
