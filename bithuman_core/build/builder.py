"""From a photo or clip to an avatar file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bithuman_core import __version__
from bithuman_core.background import OWN, Background
from bithuman_core.background.stored import NOT_CLEAR, with_background
from bithuman_core.build.analysis import analyse
from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.refusal import NotFootage
from bithuman_core.build.photo.framing import FRAMINGS
from bithuman_core.build.photo.sources import is_clip
from bithuman_core.errors import BackgroundError, BuildError
from bithuman_core.imx import Manifest, write_imx
from bithuman_core.imx.bounds import as_name
from bithuman_core.imx.persona import as_persona

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
    "painting the skin": 0.13,
    "placing hair and shoulders": 0.06,
    "painting eyes and mouth": 0.06,
    "writing the rig": 0.04,
}
"""Every stage, and its share of the time; either a photo or a clip is read."""
FILM_STAGES = {
    "looking for the best part": 0.05,
    "following the face": 0.25,
    "fitting the moving head": 0.15,
    "finding the lips": 0.13,
    "gathering mouths": 0.05,
    "cutting out the person": 0.24,
    "planning the walk": 0.01,
    "calming the film": 0.12,
}
"""The same of footage."""
KINDS = ("photo", "footage")
SIDES = (512, 720)


@dataclass(frozen=True)
class BuildReport:
    """What was built: the file, its size in bytes, the avatar's name, sentences for the user, "photo" or "footage"."""

    path: Path
    size: int
    name: str
    notes: tuple[str, ...]
    kind: str = "photo"


def build_avatar(
    photo: str | Path | bytes,
    out: str | Path,
    *,
    consent: str,
    name: str | None = None,
    face: int | None = None,
    aspect: str = "1:1",
    kind: str | None = None,
    side: int = 512,
    background: Background | str | Path | None = None,
    persona: str = "",
    progress: Callable[[str, float], None] | None = None,
) -> BuildReport:
    """Make an avatar of one photo or a short clip, on this machine, in seconds.

    photo: path, or the bytes of a file; a photo, or a clip (MP4, MOV, WebM, MKV, AVI and others). out: the ``.imx`` file to write
    (only if all goes well). consent: who agreed to this avatar and how, stored in the file. name: of the avatar (the file's
    name). face: which one, 1 the largest, where there are several. aspect: width to height of the frames, "1:1" (512 x 512 px),
    "9:16" (512 x 912) or "16:9" (912 x 512). kind: of a clip, "footage" keeps 8 s to 20 s of it as film and draws the mouth
    alone; "photo" makes an avatar of its most neutral picture, with the colours of teeth, mouth and closed lids from its others;
    None: footage where the clip allows it, else a photo avatar with a sentence that says why. side: px of the shorter side of
    footage's frames, 512 or 720. background: what it stands before unless somebody chooses ("blur", "#rrggbb", the file of a
    picture); its own one stays in the file. persona: who it is where it answers, in plain words. progress: called with a stage's
    name and the share of the work done, 0..1.

    The same photo, name and consent give the same bytes. Raises `BuildError` with one sentence that says what is wrong with the
    file and what to do, `BackgroundError` for a background, and `OSError` where the file cannot be written.
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
    if kind not in (None, *KINDS):
        raise BuildError(f"the kind {kind!r} is not known: use one of {', '.join(KINDS)}")
    if side not in SIDES:
        raise BuildError(f"frames of {side} px are not made: use one of {', '.join(map(str, SIDES))}")
    who = as_persona(persona)
    behind = OWN if background is None else Background.of(background)
    if not behind.opaque:
        raise BackgroundError(NOT_CLEAR)
    film = is_clip(photo)
    if kind == "footage" and not film:
        raise BuildError("a photo cannot become footage: give a clip of 8 seconds or more")
    notes: list[str] = []
    if film and kind != "photo":
        from bithuman_core.build.footage.film import film_avatar

        try:
            manifest, arrays, notes = film_avatar(photo, name, face, aspect, side, _teller(FILM_STAGES, progress))
            manifest, arrays = with_background(manifest, arrays, behind)
            return _written(out, replace(manifest, persona=who), arrays, consent, notes, progress)
        except NotFootage as error:
            if kind == "footage":
                raise BuildError(f"this clip cannot be kept as footage: {error.message}") from error
            notes = [f"A photo avatar was made of the clip's best picture: as footage, {error.message}."]

    from bithuman_core.build.assemble import assemble, prepare

    tell = _teller(STAGES, progress)
    with ThreadPoolExecutor(1, "preparing") as second:
        second.submit(prepare)
        portrait = analyse(photo, face=face, aspect=aspect, progress=tell)
    manifest, arrays = assemble(portrait, name, tell)
    manifest, arrays = with_background(manifest, arrays, behind)
    return _written(out, replace(manifest, persona=who), arrays, consent, [*notes, *portrait.notes], progress)


def _teller(stages: Mapping[str, float], progress: Callable[[str, float], None] | None) -> Callable[[str], None]:
    """What is called as each stage begins."""
    done = 0.0

    def tell(stage: str) -> None:
        nonlocal done
        if progress:
            progress(stage, min(done, 1.0))
        done += stages.get(stage, 0.0)

    return tell


def _written(
    out: Path, manifest: Manifest, arrays: dict[str, Array], consent: str, notes: list[str],
    progress: Callable[[str, float], None] | None,
) -> BuildReport:  # fmt: skip
    provenance = {**manifest.provenance, "notes": notes, "consent": consent, "builder": f"bithuman-core {__version__}"}
    write_imx(out, replace(manifest, provenance=provenance), arrays)
    if progress:
        progress("done", 1.0)
    kind = "footage" if manifest.kind == "footage" else "photo"
    return BuildReport(out, out.stat().st_size, manifest.name, tuple(notes), kind)
