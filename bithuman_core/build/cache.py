"""A photo or clip in the place of an avatar file: built once, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bithuman_core import __version__
from bithuman_core.build.photo.sources import CLIP_SUFFIXES, PHOTO_SUFFIXES, is_clip
from bithuman_core.errors import BuildError, ModelNotFoundError
from bithuman_core.settings import settings


def avatar_file(path: str | Path, consent: str | None = None) -> Path:
    """The avatar file of ``path``: itself, or, of a photo or clip, the avatar built of it (the first time; later at once).

    consent: who agreed to an avatar of the person shown (BITHUMAN_CONSENT, where it is left out). The avatar is kept in
    XDG_CACHE_HOME or ``~/.cache``, under a name made of its content, consent and builder version.

    Raises `BuildError` where it cannot be used or nobody agreed, `ModelNotFoundError` where the file is missing.
    """
    path = Path(path)
    kind = "photo" if path.suffix.lower() in PHOTO_SUFFIXES else "clip"
    if kind == "clip" and path.suffix.lower() not in CLIP_SUFFIXES:
        return path
    if not path.is_file():
        raise ModelNotFoundError(f"there is no {kind} {str(path)!r}: check the path.")
    consent = consent or settings().consent
    if not consent:
        raise BuildError(
            f"{str(path)!r} is a {kind}: say who agreed to an avatar of this person in BITHUMAN_CONSENT, "
            "or make the avatar first with bithuman-core build"
        )
    from bithuman_core.build.builder import MAX_CONSENT, build_avatar
    from bithuman_core.build.photo.clip import Clip
    from bithuman_core.build.photo.decode import read_photo

    source = path if is_clip(path) else read_photo(path)
    digest = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else Clip(source).sha256
    key = hashlib.sha256("\0".join([digest, consent[: MAX_CONSENT + 1], path.stem, __version__]).encode())
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bithuman_core" / "avatars"
    avatar = folder / f"{key.hexdigest()[:32]}.imx"
    if not avatar.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        build_avatar(source, avatar, consent=consent, name=path.stem)
    return avatar
