"""Looking at a new avatar: five seconds of it speaking, and its poses on one picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from bithuman_core.audio import float32_to_int16, load_audio, resample, write_video
from bithuman_core.background.stored import own_background
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FootageRenderer, FootageRig, any_rig, renderer_for, scene_for
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE

SECONDS = 5.0
COLUMNS = 4
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.3, "cheekSquintRight": 0.3}
POSES: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 0.35},
    {"jawOpen": 0.2, "mouthFunnel": 0.5, "mouthPucker": 0.3},
    SMILE,
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"headYaw": 8.0, "eyeLookInLeft": 0.3, "eyeLookOutRight": 0.3},
    {"headYaw": -8.0, "headPitch": 4.0, "jawOpen": 0.15, **SMILE},
    {"browInnerUp": 0.8, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7, "eyeWideLeft": 0.4, "eyeWideRight": 0.4},
)
"""At rest, a, o, smile, blink, turned both ways, surprised."""


def speak(avatar: str | Path, out: str | Path, audio: str | Path | None = None, seconds: float = SECONDS) -> None:
    """Write a video of the avatar speaking the first ``seconds`` of an audio file (a clip that comes along)."""
    sound, rate = load_audio(audio or speech_clip())
    sound = sound[: math.ceil(seconds * rate)]
    samples = float32_to_int16(resample(sound, rate, SAMPLE_RATE))
    fixture = Fixture.load(avatar)
    frames = (tick.frame for tick in render_clip(fixture, samples, seed=0))
    write_video(Path(out), frames, sound, rate, title=fixture.manifest.name)


def contact_sheet(avatar: str | Path) -> Image.Image:
    """The avatar in POSES, COLUMNS side by side; one on film in as many frames from its whole length, for head and eyes are
    the film's."""
    file = read_imx(avatar)
    rig = any_rig(file)
    renderer = renderer_for(rig, scene_for(rig, own_background(file)))
    faces = [FaceState.from_mapping(pose) for pose in POSES]
    if isinstance(rig, FootageRig) and isinstance(renderer, FootageRenderer):
        places = np.linspace(0, rig.frames - 1, len(faces)).round().astype(int)
        frames = [renderer.render(face, int(k))[:, :, ::-1].copy() for face, k in zip(faces, places, strict=True)]
    else:
        frames = [renderer.render(face)[:, :, ::-1].copy() for face in faces]
    rows = [np.concatenate(frames[i : i + COLUMNS], axis=1) for i in range(0, len(frames), COLUMNS)]
    return Image.fromarray(np.concatenate(rows))
