"""What footage must be like. Every refusal says what was measured, the limit, and what to do."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.calm import CalmPlan
from bithuman_core.build.footage.person import Person
from bithuman_core.build.footage.refusal import NotFootage
from bithuman_core.timing import FPS

LEAST_SECONDS = 8.0
LOST = 0.02  # of the frames that may show no face
MOST_YAW = 25.0  # degrees
MOST_ERROR = 2.0  # canvas px rms between the smooth head and the measured one: 1 px of a 512 px frame
USUAL_ACTIVITY, RESTING, RESTING_SHARE = 0.03, 0.015, 0.05  # face widths: median, and what some frames must be under

CUT, CUT_TIMES = 25.0, 8.0  # levels rms between two frames made small, and times the usual, that are a cut or a jump of light
THUMB = 32  # px
COVERED, COVERED_SHARE, COVERED_FRAMES = 0.35, 0.3, 3  # log of colour beside the usual; share of the skin; frames in a row


def check_length(frames: int) -> None:
    """Refuse clips that would soon repeat."""
    if frames < LEAST_SECONDS * FPS:
        raise NotFootage(f"the clip has {frames / FPS:.1f} s and {LEAST_SECONDS:.0f} are needed")


def check_one_shot(pixels: Array) -> None:
    """Refuse cuts and light that jumps. pixels: uint8 [n, h, w, 3]."""
    thumbs = np.stack([np.asarray(Image.fromarray(p).resize((THUMB, THUMB), Image.Resampling.BOX), np.float32) for p in pixels])
    step = np.sqrt(((thumbs[1:] - thumbs[:-1]) ** 2).mean((1, 2, 3)))
    worst = int(step.argmax())
    if step[worst] > max(CUT, CUT_TIMES * float(np.median(step))):
        raise NotFootage(
            f"the picture jumps at {(worst + 1) / FPS:.1f} s, a cut or the light: {step[worst]:.0f} levels, {CUT:.0f} are allowed"
        )


def check_uncovered(colours: Array, others: Array) -> None:
    """Refuse hands and microphones before the mouth. colours: f32 [n, p, 3], the skin about the mouth in every frame, 0..255;
    others [n, q, 3]: that of the upper face, which tells the light."""
    light = np.log(colours.mean(-1) + 8)
    light -= np.median(np.log(others.mean(-1) + 8), axis=1, keepdims=True)
    tint = colours / (colours.sum(-1, keepdims=True) + 24)
    odd = np.abs(light - np.median(light, axis=0)) + 4 * np.abs(tint - np.median(tint, axis=0)).max(-1)
    share = (odd > COVERED).mean(1)
    covered = np.convolve(share > COVERED_SHARE, np.ones(COVERED_FRAMES), "valid") >= COVERED_FRAMES
    if covered.any():
        at = int(covered.argmax())
        raise NotFootage(
            f"something covers the mouth at {at / FPS:.1f} s: {100 * share[at]:.0f} % of the skin about it looks different and "
            f"{100 * COVERED_SHARE:.0f} % are allowed"
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
