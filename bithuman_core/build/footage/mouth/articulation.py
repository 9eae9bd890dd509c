"""How wide this person opens her mouth: of what is drawn, as the landmark net sees it, and of what the speech net hears.

Both are one number, `gain` of the opening shapes. What is drawn is seen smaller than its mesh (lips have an inner side, teeth are
pale); people open their mouths more or less than the speech net thinks.
"""

from __future__ import annotations

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
DRAWN_LIMITS, SPOKEN_LIMITS = (0.9, 1.3), (0.8, 1.6)
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


def spoken_gain(
    person: Person, rig: FootageRig, mouths: list[FaceState], sound: Array, net: SpeechNet
) -> tuple[float, float] | None:
    """(gain, r): by how much this person opens her mouth more than the net hears; None where the clip does not tell.

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
    measured = np.array([rig.measure(face).gap for face in mouths[: len(heard)]])  # the same openings as the mesh has them
    own = smooth(measured, WINDOWS["amount"])  # what trembles would count as opening
    as_seen = float(true.std() / max(own.std(), 1e-9))
    thinks, does = shifted[best]
    return float(np.clip(does.std() / max(as_seen * float(thinks.std()), 1e-9), *SPOKEN_LIMITS)), r[best]


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
