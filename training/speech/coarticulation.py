"""From phone times to the motion of the mouth: dominance blending, and lip contact that always reaches a frame.

The blend is Cohen and Massaro's (1993): every phone pulls towards its own shape with a weight that fades before and
after it; phones that the lips make pull harder than phones made by the tongue alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import TICK_SECONDS
from training.speech.clip import Segment
from training.speech.phones import BILABIALS, PHONE_INDEX, SILENCE, VISEME_INDEX, VISEME_OF_PHONE, each
from training.speech.rig import DRIVEN, DRIVEN_INDEX

SUBSTEPS = 4  # blended at 100 Hz, then averaged over the frame
FADE = 0.03  # s, time constant of a phone's pull outside its own time; this and the pulls below: nearest to the lips of GRID s1
ROUND_FADE = 0.055  # s, the same for lip rounding, which starts early
REST_MARGIN = 0.08  # s before and after speech in which the mouth is on its way
OPENING = each({
    SILENCE: 0.9, "p b m f v": 1.2, "w uw ow oy ao uh": 1.4, "t d n l ax k g hh ng": 0.2, "th dh s z sh zh ch jh r": 1.1,
})  # fmt: skip
ROUNDING = each({
    "w uw": 3.0, "ow oy sh zh ch jh uh": 2.0, "r er ao": 1.3, "iy y eh ey ae": 1.2, "p b m": 0.5,
    "t d n l k g hh ng s z th dh ax": 0.4,
})  # fmt: skip
ROUNDERS = np.array([DRIVEN_INDEX[n] for n in ("mouthFunnel", "mouthPucker", "mouthSmile", "mouthStretch")])


@dataclass
class Targets:
    """What the net learns for a clip of n frames, each value for the frame's centre (k + 0.5) * 40 ms."""

    mouth: NDArray[np.float32]  # [n, 13] coefficients
    contact: NDArray[np.float32]  # [n] 1 where the lips of a p b m meet
    rest: NDArray[np.float32]  # [n] 1 where nobody speaks nor is about to
    voice: NDArray[np.float32]  # [n] 1 in speech
    phone: NDArray[np.int64]  # [n] index into PHONES
    viseme: NDArray[np.int64]  # [n] index into VISEME_NAMES


def silence(frames: int) -> Targets:
    """Targets of a clip in which nobody speaks."""
    zeros = np.zeros(frames, np.float32)
    return Targets(np.zeros((frames, len(DRIVEN)), np.float32), zeros, zeros + 1, zeros.copy(), np.zeros(frames, np.int64),
                   np.zeros(frames, np.int64))  # fmt: skip


def targets(segments: list[Segment], frames: int, poses: NDArray[np.float32]) -> Targets:
    """Targets for phones ``segments`` over ``frames`` frames; ``poses`` is :func:`training.speech.poses.pose_table`."""
    segments = merge_pauses(segments)
    start, end = (np.array([s[i] for s in segments], np.float32) for i in (0, 1))
    index = np.array([PHONE_INDEX[s[2]] for s in segments])

    def blend(strength: dict[str, float], fade: float) -> NDArray[np.float32]:
        weight, along = pulls(segments, frames, strength, fade)
        return (weight * (1 - along)) @ poses[index, 0] + (weight * along) @ poses[index, 1]

    mouth = blend(OPENING, FADE)
    mouth[:, ROUNDERS] = blend(ROUNDING, ROUND_FADE)[:, ROUNDERS]
    mouth = mouth.reshape(frames, SUBSTEPS, -1).mean(axis=1)

    centres = (np.arange(frames) + 0.5) * TICK_SECONDS
    inside = (centres[:, None] >= start) & (centres[:, None] < end)
    phone = np.where(inside.any(axis=1), index[inside.argmax(axis=1)], 0)
    contact = np.zeros(frames, np.float32)
    for a, b, name in segments:
        if name in BILABIALS and b > 0 and a < frames * TICK_SECONDS:
            held = (centres >= a) & (centres < b)
            if not held.any():  # shorter than a frame: the nearest one shows it
                held[min(frames - 1, int((a + b) / 2 / TICK_SECONDS))] = True
            contact[held] = 1.0
            mouth[held] = poses[PHONE_INDEX[name], 0]
    speech = np.array([s[2] != SILENCE for s in segments])
    away = np.maximum(np.maximum(start - centres[:, None], centres[:, None] - end), 0.0)
    rest = (np.where(speech, away, np.inf).min(axis=1) > REST_MARGIN).astype(np.float32)
    mouth[rest > 0] = 0.0
    viseme_of = np.array([VISEME_INDEX[VISEME_OF_PHONE[p]] for p in PHONE_INDEX])
    return Targets(mouth.astype(np.float32), contact, rest, (phone != 0).astype(np.float32), phone, viseme_of[phone])


def pulls(
    segments: list[Segment], frames: int, strength: dict[str, float], fade: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What each of the segments has of every substep: its share of the pull, and how far it is through (0 its start, 1 its end).

    Both float32 [frames * SUBSTEPS, segments]. ``strength`` by phone, 1 where it says nothing; ``fade`` in seconds.
    """
    start, end = (np.array([s[i] for s in segments], np.float32) for i in (0, 1))
    times = ((np.arange(frames * SUBSTEPS) + 0.5) * (TICK_SECONDS / SUBSTEPS)).astype(np.float32)
    outside = np.maximum(np.maximum(start - times[:, None], times[:, None] - end), 0.0)
    along = np.clip((times[:, None] - start) / np.maximum(end - start, 1e-3), 0.0, 1.0)
    weight = np.array([strength.get(s[2], 1.0) for s in segments], np.float32) * np.exp(-outside / np.float32(fade))
    return (weight / (weight.sum(axis=1, keepdims=True) + 1e-9)).astype(np.float32), along.astype(np.float32)


def merge_pauses(segments: list[Segment]) -> list[Segment]:
    """Neighbouring silences made one."""
    merged: list[Segment] = []
    for start, end, phone in segments:
        if phone == SILENCE and merged and merged[-1][2] == SILENCE:
            merged[-1] = (merged[-1][0], end, SILENCE)
        elif end > start:
            merged.append((start, end, phone))
    return merged
