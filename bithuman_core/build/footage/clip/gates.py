"""What footage must be like. Every refusal says what was measured, the limit, and what to do."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.calm import CalmPlan
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.clip.refusal import NotFootage
from bithuman_core.build.footage.clip.watch import Watch
from bithuman_core.build.footage.person.person import Person
from bithuman_core.build.photo.colour import srgb_to_lab
from bithuman_core.build.photo.faces import BYSTANDER
from bithuman_core.build.photo.gates import (
    BLUR_WIDTH,
    LUMA,
    MAX_BLUR,
    MEASURED_WIDTH,
    MIDDLE_BRIGHTNESS,
    blurriness,
    lip_contrast,
)
from bithuman_core.build.photo.landmarker import Face
from bithuman_core.build.photo.pixels import face_pixels
from bithuman_core.timing import FPS

LEAST_SECONDS = 8.0
LOST = 0.02  # of the frames that may show no face
MOST_YAW = 25.0  # degrees
MOST_ERROR = 2.0  # canvas px rms between the smooth head and the measured one: 1 px of a 512 px frame
USUAL_ACTIVITY, RESTING, RESTING_SHARE = 0.03, 0.015, 0.05  # face widths: median, and what some frames must be under

CUT, CUT_TIMES = 25.0, 8.0  # levels rms between two frames made small, and times the usual, that are a cut or a jump of light
CROWDED = 2  # looks that show another face
BLUR_EVERY, LIPS_EVERY, LIPS_HIDDEN = 12, 3, 3  # frames from look to look; looks in a row that show no lips
STEADY, LIGHT_JUMP = 5, 0.15  # frames whose median is compared with that of as many before; log of the upper face's light
COVERED, COVERED_SHARE, COVERED_FRAMES = 0.35, 0.3, 3  # log of colour beside the usual; share of the skin; frames in a row


def check_length(frames: int) -> None:
    """Refuse clips that would soon repeat."""
    if frames < LEAST_SECONDS * FPS:
        raise NotFootage(f"the clip has {frames / FPS:.1f} s and {LEAST_SECONDS:.0f} are needed")


def cuts(levels: Array) -> Array:
    """bool [n]: the picture is another one, or in another light, than the one before. levels [n]: see `watch.Changes`."""
    return levels > max(CUT, CUT_TIMES * float(np.median(levels)))


def check_one_shot(watch: Watch) -> None:
    """Refuse cuts and light that jumps."""
    levels = watch.changes.levels
    worst = int(levels.argmax())
    if cuts(levels)[worst]:
        raise NotFootage(
            f"the picture jumps at {(watch.begin + worst) / FPS:.1f} s, a cut or the light: by {levels[worst]:.0f} levels, and "
            f"{max(CUT, CUT_TIMES * float(np.median(levels))):.0f} are allowed"
        )


def check_alone(watch: Watch) -> None:
    """Refuse other people who come into the picture."""
    if len(watch.crowds) >= CROWDED:
        at, faces = watch.crowds[0]
        raise NotFootage(
            f"another face comes into the picture at {(watch.begin + at) / FPS:.1f} s: it is {faces[1].width:.0f} px wide beside "
            f"one of {faces[0].width:.0f}, and {BYSTANDER * faces[0].width:.0f} are allowed"
        )


def check_picture(landmarks: Array, pixels: Frames, begin: int = 0) -> None:
    """Refuse blur, and a mouth that something covers which has the colour of skin, or is there from the beginning to the end.

    landmarks: f32 [n, 478, 3] in px of the frames; begin: frames of the clip before the first one.
    """
    blur = [blurriness(_face(landmarks, pixels, i, BLUR_WIDTH)[0] @ LUMA) for i in range(0, len(pixels), BLUR_EVERY)]
    if np.median(blur) > MAX_BLUR:
        raise NotFootage(
            f"the face is too blurred: {100 * np.median(blur):.0f} % in the median and {100 * MAX_BLUR:.0f} % are allowed"
        )
    looked = range(0, len(pixels), LIPS_EVERY)
    shown = np.array([lip_contrast(*_in_even_light(*_face(landmarks, pixels, i, MEASURED_WIDTH))) for i in looked])
    hidden = np.convolve(shown[:, 0] < shown[:, 1], np.ones(LIPS_HIDDEN), "valid") >= LIPS_HIDDEN
    if hidden.any():
        at = int(hidden.argmax())
        raise NotFootage(
            f"something covers the mouth at {(begin + looked[at]) / FPS:.1f} s: the lips differ by {shown[at, 0]:.1f} steps of "
            f"colour from what is around them and {shown[at, 1]} are needed"
        )


def _face(landmarks: Array, pixels: Frames, frame: int, width: int) -> tuple[Array, Array]:
    return face_pixels(Face(landmarks[frame], {}, 1.0), Image.fromarray(pixels[frame]), width)


def _in_even_light(pixels: Array, points: Array) -> tuple[Array, Array]:
    bright = float(np.median(pixels @ LUMA))
    lit = np.clip(pixels * np.float32(max(1.0, MIDDLE_BRIGHTNESS / max(bright, 0.01))), 0, 1)
    return srgb_to_lab(lit), points


def check_uncovered(colours: Array, others: Array, begin: int = 0) -> None:
    """Refuse hands and microphones before the mouth. colours: f32 [n, p, 3], the skin about the mouth in every frame, 0..255;
    others [n, q, 3]: that of the upper face, which tells the light; begin: frames of the clip before the first one."""
    light = np.log(colours.mean(-1) + 8)
    light -= np.median(np.log(others.mean(-1) + 8), axis=1, keepdims=True)
    tint = colours / (colours.sum(-1, keepdims=True) + 24)
    odd = np.abs(light - np.median(light, axis=0)) + 4 * np.abs(tint - np.median(tint, axis=0)).max(-1)
    share = (odd > COVERED).mean(1)
    covered = np.convolve(share > COVERED_SHARE, np.ones(COVERED_FRAMES), "valid") >= COVERED_FRAMES
    if covered.any():
        at = int(covered.argmax())
        raise NotFootage(
            f"something covers the mouth at {(begin + at) / FPS:.1f} s: {100 * share[at]:.0f} % of the skin about it looks "
            f"different and {100 * COVERED_SHARE:.0f} % are allowed"
        )


def check_light(upper: Array, begin: int = 0) -> None:
    """Refuse light that jumps. upper: f32 [n, q, 3], the same places of the upper face in every frame, 0..255."""
    light = np.median(np.log(upper.mean(-1) + 8), axis=1)
    if len(light) < 2 * STEADY:
        return
    usual = np.median(sliding_window_view(light, STEADY), axis=1)
    jump = np.abs(usual[STEADY:] - usual[:-STEADY])
    worst = int(jump.argmax())
    if jump[worst] > LIGHT_JUMP:
        raise NotFootage(
            f"the light on the face jumps at {(begin + worst + STEADY) / FPS:.1f} s: by {100 * jump[worst]:.0f} % and "
            f"{100 * LIGHT_JUMP:.0f} % are allowed"
        )


def check_seen(found: Array) -> None:
    """Refuse clips that lose the face."""
    lost = 1 - float(found.mean())
    if lost > LOST:
        raise NotFootage(f"the face is lost in {100 * lost:.0f} % of the frames and {100 * LOST:.0f} % are allowed")


def check_person(person: Person) -> None:
    """Refuse heads that turn too far or move too fast to be followed."""
    yaw = float(np.quantile(np.abs(person.yaw), 0.98))
    if yaw > MOST_YAW:
        raise NotFootage(f"the head turns by {yaw:.0f} degrees and {MOST_YAW:.0f} are allowed")
    if person.error > MOST_ERROR:
        raise NotFootage(f"the head moves too fast to be followed: it is {person.error / 2:.1f} px off and 1.0 are allowed")


def check_calm(plan: CalmPlan) -> None:
    """Refuse mouths that never rest."""
    usual, resting = float(np.median(plan.activity)), float((plan.activity <= RESTING).mean())
    if usual > USUAL_ACTIVITY or resting < RESTING_SHARE:
        raise NotFootage(
            f"the mouth never rests: in the median it is {usual:.3f} face widths from rest ({USUAL_ACTIVITY} are allowed), in "
            f"{100 * resting:.0f} % of the frames under {RESTING} ({100 * RESTING_SHARE:.0f} % are needed)"
        )
