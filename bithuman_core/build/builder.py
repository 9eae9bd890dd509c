"""From a photo or clip to an avatar file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bithuman_core import __version__
from bithuman_core.build.analysis import analyse
from bithuman_core.build.photo.framing import FRAMINGS
from bithuman_core.errors import BuildError
from bithuman_core.imx import write_imx
from bithuman_core.imx.bounds import as_name

MAX_CONSENT = 2000
STAGES = {
    "reading the photo": 0.04,
    "finding the face": 0.12,
    "reading the clip": 0.01,
    "looking through the clip": 0.15,
    "laying out the canvas": 0.11,
    "cutting out the person": 0.22,
    "continuing the background": 0.06,
    "fitting the head": 0.14,
    "transferring the shapes": 0.02,
    "painting the skin": 0.17,
    "painting eyes and mouth": 0.01,
    "placing hair and shoulders": 0.03,
    "writing the rig": 0.08,
}
"""Every stage, and its share of the time; either a photo or a clip is read."""


@dataclass(frozen=True)
class BuildReport:
    """What was built: the file, its size in bytes, the avatar's name, sentences for the user."""

    path: Path
    size: int
    name: str
    notes: tuple[str, ...]


def build_avatar(
    photo: str | Path | bytes,
    out: str | Path,
    *,
    consent: str,
    name: str | None = None,
    face: int | None = None,
    aspect: str = "1:1",
    progress: Callable[[str, float], None] | None = None,
) -> BuildReport:
    """Make an avatar of one photo or a short clip, on this machine, in seconds.

    photo: path, or the bytes of a file; of a clip (MP4, MOV, WebM, MKV, AVI and others) the most neutral picture is taken, and
    from its others the colours of teeth, mouth and closed lids. out: the ``.imx`` file to write (only if all goes well).
    consent: who agreed to this avatar and how, stored in the file. name: of the avatar (the file's name). face: which one, 1 the
    largest, where there are several. aspect: width to height of the frames, "1:1" (512 x 512 px), "9:16" (512 x 912) or "16:9"
    (912 x 512). progress: called with a stage's name and the share of the work done, 0..1.

    The same photo, name and consent give the same bytes. Raises `BuildError` with one sentence that says what is wrong with the
    file and what to do, and `OSError` where the file cannot be written.
    """
    consent = consent.strip()
    if not consent or len(consent) > MAX_CONSENT:
        raise BuildError(
            f"the consent has {len(consent)} characters and 1 to {MAX_CONSENT} are needed: "
            'say who agreed to this avatar, for example "I am the person in the photo"'
        )
    if aspect not in FRAMINGS:
        raise BuildError(f"the aspect {aspect!r} is not supported: use one of {', '.join(FRAMINGS)}")
    out = Path(out)
    if not out.parent.is_dir():
        raise BuildError(f"the folder {str(out.parent)!r} does not exist: make it first")
    if not isinstance(photo, bytes) and out.exists() and Path(photo).exists() and out.samefile(photo):
        raise BuildError(f"{str(out)!r} is the photo itself: give the avatar a name of its own")
    name = as_name(name or ("" if isinstance(photo, bytes) else Path(photo).stem)) or "avatar"
    done = 0.0

    def tell(stage: str) -> None:
        nonlocal done
        if progress:
            progress(stage, min(done, 1.0))
        done += STAGES.get(stage, 0.0)

    from bithuman_core.build.assemble import assemble

    portrait = analyse(photo, face=face, aspect=aspect, progress=tell)
    provenance = {**portrait.provenance, "consent": consent, "builder": f"bithuman-core {__version__}"}
    manifest, arrays = assemble(replace(portrait, provenance=provenance), name, tell)
    write_imx(out, manifest, arrays)
    if progress:
        progress("done", 1.0)
    return BuildReport(out, out.stat().st_size, name, tuple(portrait.notes))
