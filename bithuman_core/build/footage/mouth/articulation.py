"""How wide this person opens her mouth: of what is drawn, as the landmark net sees it, and of what the speech net hears.

Both are one number, `gain` of the opening shapes. What is drawn is seen smaller than its mesh (lips have an inner side, teeth are
pale); people open their mouths more or less than the speech net thinks. `width_gain` is the same of what narrows and widens it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.person.head import fitted_shapes
from bithuman_core.build.footage.person.person import WINDOWS, Person, smooth
from bithuman_core.build.footage.person.tracking import ONE_LOOK, track
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.build.shape.template import Template
from bithuman_core.engine import cut_into_ticks, padded_tick
from bithuman_core.face import INDEX, FaceState
from bithuman_core.render import FootageRenderer, FootageRig
from bithuman_core.speech.net import SpeechNet
from bithuman_core.timing import FPS, LOOKAHEAD_TICKS

TRIED = 24  # frames that are drawn to see how wide they look
OPEN = 0.02  # face widths: mouths that tell something
DRAWN_LIMITS, SPOKEN_LIMITS, WIDTH_LIMITS = (0.9, 1.3), (0.8, 1.6), (0.7, 1.7)
WIDTH_STEPS, LEAST_WIDTH_R = 11, 0.2  # gains that are tried; of the net's width with the person's own: below, nothing is learnt
APART = 2 * FPS  # frames between a mouth and the frame it is drawn into
LEAST_R, LEAST_SECONDS = 0.4, 5.0  # of the speech net's opening with the person's own; of talk: below, nothing is learnt
LATEST = 4  # frames by which the sound of a clip may lie beside its picture


def measured_mouths(template: Template, person: Person) -> list[FaceState]:
    """What was fitted to the mouth of every frame."""
    names = [template.names[k] for k in fitted_shapes(template)]
    chosen = [(j, INDEX[name]) for j, name in enumerate(names) if name.startswith(("jaw", "mouth"))]
    faces = []
    for amount in person.amount:
        face = FaceState()
        for j, row in chosen:
            face.values[row] = amount[j]
        faces.append(face)
    return faces


def drawn_gain(person: Person, rig: FootageRig, mouths: list[FaceState]) -> float:
    """By how much openings have to be drawn wider to look as those of the film do."""
    opened = np.flatnonzero(person.gap > OPEN)
    if len(opened) < TRIED // 4:
        return 1.0
    tried = opened[np.linspace(0, len(opened) - 1, TRIED).astype(int)]
    renderer, last = FootageRenderer(rig), rig.frames - 1
    frames = []
    for k in tried:
        at = (int(k) + APART) % (2 * last)
        frames.append(np.ascontiguousarray(renderer.render(mouths[k], at if at <= last else 2 * last - at)[:, :, ::-1]))
    seen = lip_gap(track(load_face_nets(), frames, 1, ONE_LOOK).landmarks)
    true = lip_gap(person.landmarks[tried])
    return float(np.clip((seen * true).sum() / max((seen * seen).sum(), 1e-9), *DRAWN_LIMITS))


@dataclass(frozen=True)
class Spoken:
    """By how much a person moves her mouth more than the speech net hears."""

    gain: float  # of the opening
    width_gain: float  # of what narrows and widens the mouth
    r: float  # of the net's opening with her own


def spoken_gains(person: Person, rig: FootageRig, mouths: list[FaceState], sound: Array, net: SpeechNet) -> Spoken | None:
    """What the talk of a clip tells; None where it does not tell anything.

    mouths: as measured. sound: of the clip, int16 at 16 kHz.
    """
    heard = heard_mouths(net, sound)[: len(person.gap)]
    if len(heard) < LEAST_SECONDS * FPS:
        return None
    thought = np.array([rig.measure(face).gap for face in heard])
    true = lip_gap(person.landmarks[: len(heard)])
    if (thought > 0.3 * thought.max()).mean() < LEAST_SECONDS / 20:
        return None
    lags = range(-LATEST, LATEST + 1)
    shifted = [(np.roll(thought, lag)[LATEST:-LATEST], true[LATEST:-LATEST]) for lag in lags]
    r = [float(np.corrcoef(a, b)[0, 1]) for a, b in shifted]
    best = int(np.argmax(r))
    if not r[best] >= LEAST_R:
        return None
    measured = [rig.measure(face) for face in mouths[: len(heard)]]  # the same mouths as the mesh has them
    gap, width = (smooth(np.array(of), WINDOWS["amount"]) for of in zip(*((m.gap, m.width) for m in measured), strict=True))
    as_seen = float(true.std() / max(gap.std(), 1e-9))  # smooth: what trembles would count as opening
    thinks, does = shifted[best]
    gain = float(np.clip(does.std() / max(as_seen * float(thinks.std()), 1e-9), *SPOKEN_LIMITS))
    return Spoken(gain, width_gain(replace(rig, gain=gain), heard, width, lags[best]), r[best])


def width_gain(rig: FootageRig, heard: list[FaceState], own: Array, lag: int) -> float:
    """The gain by which what the net hears narrows and widens the mouth as much as this person does: own [n], interocular
    distances. 1 where the two have nothing to do with each other. lag: frames by which the net's mouths are shifted."""

    def widths(gain: float) -> Array:
        hers = replace(rig, width_gain=gain)
        return np.array([hers.measure(face).width for face in heard])

    usual = np.roll(widths(1.0), lag)[LATEST:-LATEST]
    if not np.corrcoef(usual, own[LATEST:-LATEST])[0, 1] >= LEAST_WIDTH_R:
        return 1.0
    tried = np.linspace(*WIDTH_LIMITS, WIDTH_STEPS)
    return float(tried[np.argmin([abs(widths(float(gain)).std() - own.std()) for gain in tried])])


def heard_mouths(net: SpeechNet, sound: Array) -> list[FaceState]:
    """What the net makes of a sound, int16 at 16 kHz: the mouth of every tick, and nothing else."""
    stream, rows = net.stream(), [INDEX[n] for n in net.mouth_names]
    faces = []
    for tick in [*cut_into_ticks(sound), *[None] * LOOKAHEAD_TICKS]:
        face = FaceState()
        face.values[rows] = stream.push(padded_tick(tick)).mouth
        faces.append(face)
    return faces[LOOKAHEAD_TICKS:]


def lip_gap(landmarks: Array) -> Array:
    """[n] face widths, of landmarks [n, 468 or more, 2 or 3]."""
    points = landmarks[..., :2]
    gap = np.linalg.norm(points[:, 13] - points[:, 14], axis=-1)
    return gap / np.linalg.norm(points[:, 454] - points[:, 234], axis=-1)
