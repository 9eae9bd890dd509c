"""A photo in the place of an avatar file: built once, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bithuman_core import __version__
from bithuman_core.errors import BuildError, ModelNotFoundError
from bithuman_core.settings import settings

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif"})


def avatar_file(path: str | Path, consent: str | None = None) -> Path:
    """The avatar file of ``path``: itself, or, where it is a photo, the avatar built of it (the first time; later at once).

    consent: who agreed to an avatar of the person in the photo (BITHUMAN_CONSENT, where it is left out). The avatar is kept in
    XDG_CACHE_HOME or ``~/.cache``, under a name made of photo, consent and builder version.

    Raises `BuildError` where the photo cannot be used or nobody agreed, `ModelNotFoundError` where it is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        return path
    if not path.is_file():
        raise ModelNotFoundError(f"there is no photo {str(path)!r}: check the path.")
    consent = consent or settings().consent
    if not consent:
        raise BuildError(
            f"{str(path)!r} is a photo: say who agreed to an avatar of this person in BITHUMAN_CONSENT, "
            "or make the avatar first with bithuman-core build"
        )
    from bithuman_core.build.builder import MAX_CONSENT, build_avatar
    from bithuman_core.build.decode import read_photo

    photo = read_photo(path)
    key = hashlib.sha256(b"\0".join([photo, consent[: MAX_CONSENT + 1].encode(), path.stem.encode(), __version__.encode()]))
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bithuman_core" / "avatars"
    avatar = folder / f"{key.hexdigest()[:32]}.imx"
    if not avatar.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        build_avatar(photo, avatar, consent=consent, name=path.stem)
    return avatar
