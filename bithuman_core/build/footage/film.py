"""From a clip's file to the arrays of a footage avatar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.builder import footage_arrays, read_footage
from bithuman_core.build.footage.clip.gates import check_length
from bithuman_core.build.footage.clip.reading import MOST_SECONDS, at_frame_rate, best_part, part
from bithuman_core.build.photo.clip import Clip
from bithuman_core.build.photo.models import FACE_TASK_SHA256
from bithuman_core.errors import AudioError
from bithuman_core.imx import Manifest
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK


def film_avatar(
    source: str | Path | bytes, name: str, face: int | None, aspect: str, side: int, tell: Callable[[str], None]
) -> tuple[Manifest, dict[str, Array], list[str]]:
    """Manifest, arrays and sentences for the user.

    Raises `NotFootage` where the clip cannot be kept as footage, `BuildError` where it cannot be used at all.
    """
    clip = Clip(source if isinstance(source, bytes) else Path(source))

    def shots() -> Iterator[Array]:
        return at_frame_rate(clip.film())

    tell("looking for the best part")
    seconds = clip.seconds()
    first, end = (0, MOST_SECONDS * FPS) if seconds <= MOST_SECONDS else best_part(shots, face)
    check_length(min(end - first, round(seconds * FPS)))
    footage = read_footage(part(shots, first, end), face=face, aspect=aspect, side=side, begin=first, tell=tell)
    end = first + len(footage.pixels)
    check_length(len(footage.pixels))  # files may say anything
    sound = None if isinstance(source, bytes) else _sound(Path(source), first, end)
    manifest, arrays, notes = footage_arrays(footage, name, sound=sound, tell=tell)
    used = f"The clip was kept from {first / FPS:.1f} to {end / FPS:.1f} s."
    manifest.provenance = {
        "source": {"kind": "clip", "sha256": clip.sha256, "from": round(first / FPS, 2), "to": round(end / FPS, 2)},
        "models": {"face_landmarker": FACE_TASK_SHA256},
        "canvas": list(manifest.canvas),
    }
    return manifest, arrays, list(dict.fromkeys([*clip.notes, used, *notes]))


def _sound(path: Path, first: int, end: int) -> Array | None:
    """What is heard in a part of the clip, int16 at 16 kHz; None where nothing is."""
    try:
        sound, _ = load_audio(path, SAMPLE_RATE)
    except AudioError:  # most clips of listening people have none
        return None
    return float32_to_int16(sound[first * SAMPLES_PER_TICK : end * SAMPLES_PER_TICK])
