"""A film of somebody who depicts nobody: Mara, drawn by our own renderer, speaks and then listens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.build.footage.builder import Footage, footage_arrays, read_footage
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.face import FaceState
from bithuman_core.imx import ImxFile, read_imx, write_imx
from bithuman_core.render import FootageRig
from bithuman_core.render import read_footage as read_rig
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE

SPEAKS, RESTS = 3, 3  # seconds
TALKING = {"jawOpen": 0.25} | {f"{n}{side}": 0.15 for n in ("mouthUpperUp", "mouthLowerDown") for side in ("Left", "Right")}


@dataclass(frozen=True)
class Filmed:
    """The film, what was read of it, and the avatar."""

    faces: list[FaceState]
    frames: list[NDArray[np.uint8]]
    """RGB, 25 a second."""
    footage: Footage
    file: ImxFile
    rig: FootageRig
    path: Path


def shots(seed: int = 3, speaks: float = SPEAKS, rests: float = RESTS) -> tuple[list[FaceState], list[NDArray[np.uint8]]]:
    """(Faces, RGB frames) of Mara."""
    sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
    samples = float32_to_int16(sound)[: int(speaks * SAMPLE_RATE)]
    samples = np.concatenate([samples, np.zeros(int(rests * SAMPLE_RATE), np.int16)])
    ticks = list(render_clip(Fixture("mara"), samples, seed))
    return [t.face for t in ticks], [np.ascontiguousarray(t.frame[:, :, ::-1]) for t in ticks]


@cache
def filmed(folder: Path) -> Filmed:
    """Made once; the avatar lies in the folder."""
    faces, frames = shots()
    footage = read_footage(lambda: frames)
    manifest, arrays, _ = footage_arrays(footage, "Mara on film")
    write_imx(folder / "mara_film.imx", manifest, arrays)
    file = read_imx(folder / "mara_film.imx")
    return Filmed(faces, frames, footage, file, read_rig(file), folder / "mara_film.imx")
