"""From a clip to a footage avatar: the stages in their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from bithuman_core.build.arrays import Array
from bithuman_core.build.assemble import GESTURES
from bithuman_core.build.footage import arrays as file
from bithuman_core.build.footage.calm import CalmFilm, CalmPlan, plan
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.clip.framing import CANVAS, frame_crop
from bithuman_core.build.footage.clip.gates import (
    check_alone,
    check_calm,
    check_light,
    check_one_shot,
    check_person,
    check_picture,
    check_seen,
    check_uncovered,
)
from bithuman_core.build.footage.clip.reading import Shots
from bithuman_core.build.footage.clip.watch import Watch
from bithuman_core.build.footage.coding import GOP, coded_within
from bithuman_core.build.footage.matting import matte_arrays
from bithuman_core.build.footage.mouth.articulation import drawn_gain, measured_mouths, spoken_gains
from bithuman_core.build.footage.mouth.interiors import open_mouths
from bithuman_core.build.footage.mouth.lips import LipRing, lip_ring
from bithuman_core.build.footage.mouth.made_up import WIDE, made_up_mouths, widened
from bithuman_core.build.footage.mouth.teeth import with_teeth
from bithuman_core.build.footage.person.mesh import FaceMesh, face_mesh
from bithuman_core.build.footage.person.person import Person, read_person
from bithuman_core.build.footage.person.tracking import Track, track
from bithuman_core.build.footage.walk import walkable
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.build.shape.camera import DISTANCE
from bithuman_core.build.shape.template import Template, load_template
from bithuman_core.imx import ImxFile, Manifest
from bithuman_core.imx.checksum import describe
from bithuman_core.render import read_footage as read_rig
from bithuman_core.render.footage.interior import Interiors
from bithuman_core.speech.net import SpeechNet

Progress = Callable[[str], None]
ABOUT = 0.15  # face widths from the lips: the skin that tells whether something covers the mouth
AVERTED = 0.001  # face widths of the lips' activity that a degree of yaw weighs, in the picture that a mouth is made up for
LARGEST_FILE, LEAST_FILM = 3_950_000, 1_500_000  # bytes: of all, and of the film among it where the rest is large
SHOWN = ("hello", "laugh", "nod", "shake", "smile", "surprise", "think", "tilt")
"""Gestures that are seen: a wink and a look aside are of the lids and the eyes, which are the film's."""
TURNS = {"headYaw": (-2.5, 2.5), "headPitch": (-2.5, 2.5), "headRoll": (-1.5, 1.5)}
"""Degrees by which the head of a frame can be turned: hair and neck are moved with it, no new side of it is seen, and straight
edges behind it bend little."""


@dataclass(frozen=True)
class Footage:
    """A clip of n frames on its way to an avatar."""

    template: Template
    mesh: FaceMesh
    track: Track
    """Landmarks in canvas px."""
    person: Person
    plan: CalmPlan
    pixels: Frames
    """As filmed."""
    ring: LipRing
    interiors: Interiors
    made_up: bool
    """The mouth hardly opens in the clip: its inside is painted."""
    covers: Frames | None = None
    """Alpha of the frames (all three colours), where it is known and need not be estimated."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames."""
        return self.pixels.shape[2], self.pixels.shape[1]

    @property
    def calm(self) -> CalmFilm:
        """The frames without the talking."""
        return CalmFilm(self.template, self.person, self.mesh, self.pixels, self.ring, self.plan)


def read_footage(
    shots: Shots,
    *,
    face: int | None = None,
    aspect: str = "1:1",
    side: int = 512,
    begin: int = 0,
    tell: Progress | None = None,
    covers: Shots | None = None,
) -> Footage:
    """Everything that is known of a clip's pictures; they are read twice. begin: frames of the clip that come before them.

    covers: their alpha as pictures of grey, where it is known.

    Raises `NotFootage` where the clip shows a person but cannot be kept as footage, and `BuildError`.
    """
    with threadpool_limits(1):  # the systems are small: threads would only wait for each other
        return _read(shots, face, aspect, side, begin, tell or (lambda stage: None), covers)


def _read(
    shots: Shots, face: int | None, aspect: str, side: int, begin: int, say: Progress, covers: Shots | None
) -> Footage:
    template = load_template()
    say("following the face")
    size = (0, 0)
    nets = load_face_nets()
    watch = Watch(nets if face is None else None, begin)

    def pictures() -> Iterator[Array]:
        nonlocal size
        for picture in shots():
            size = picture.shape[1], picture.shape[0]
            watch.see(picture)
            yield picture

    seen = track(nets, pictures(), face)
    check_seen(seen.found)
    check_one_shot(watch)
    check_alone(watch)
    crop = frame_crop(seen.landmarks, seen.found, size, aspect, side)
    seen = Track(crop.canvas(seen.landmarks), seen.found, seen.blendshapes)
    say("fitting the moving head")
    mesh = face_mesh(template)
    person = read_person(template, seen, mesh.used)
    check_person(person)
    what = plan(template, person, seen.found)
    check_calm(what)
    say("finding the lips")
    pixels = Frames(crop.cut(picture) for picture in shots())
    check_picture(crop.frame(seen.landmarks), pixels, begin)
    about, upper = skin_colours(person, mesh, pixels)
    check_light(upper, begin)
    check_uncovered(about, upper, begin)
    inner, outer = screen_rings(person, mesh, crop.size)
    ring = lip_ring(pixels, inner, outer, min(crop.size) / 512)
    say("gathering mouths")
    interiors = open_mouths(pixels, ring, seen.found, person.face_width * min(crop.size) / CANVAS)
    made_up = interiors is None
    if interiors is None or interiors.gap.max() < WIDE:
        best = pixels[int(np.argmin(what.activity + AVERTED * np.abs(person.yaw) + 9.0 * ~seen.found))]
        interiors = made_up_mouths(best) if interiors is None else widened(interiors, best)
    interiors = with_teeth(interiors)
    known = None if covers is None else Frames(crop.cut(cover) for cover in covers())
    return Footage(template, mesh, seen, person, what, pixels, ring, interiors, made_up, known)


def footage_arrays(
    footage: Footage, name: str, *, sound: Array | None = None, tell: Progress | None = None
) -> tuple[Manifest, dict[str, Array], list[str]]:
    """Manifest and arrays of the avatar, for ``write_imx``, and sentences for the user.

    sound: what is heard in the clip, int16 at 16 kHz; the person's own way to open the mouth is learnt from it.
    """
    with threadpool_limits(1):
        manifest, arrays = _arrays(footage, name, tell or (lambda stage: None))
        gains, notes = _gains(footage, manifest, arrays, sound)
        manifest.rig.update(gains)
    if footage.made_up:
        notes.append("The mouth hardly opens in the clip: its inside was made up. Say a sentence in it to have your own teeth.")
    return manifest, arrays, notes


def _gains(
    footage: Footage, manifest: Manifest, arrays: dict[str, Array], sound: Array | None
) -> tuple[dict[str, float], list[str]]:
    """How much more the mouth is to be opened, and to be narrowed and widened, and what is said of it."""
    rig = read_rig(ImxFile(replace(manifest, arrays=describe(arrays)), arrays))
    mouths = measured_mouths(footage.template, footage.person)
    drawn = drawn_gain(footage.person, rig, mouths)
    own = None if sound is None else spoken_gains(footage.person, rig, mouths, sound, SpeechNet.load())
    if own is None:
        return {"gain": round(drawn, 3)}, []
    told = (
        f"The way to open the mouth was learnt from the talk in the clip: {own.gain:.2f} times the usual (r {own.r:.2f}); "
        f"to narrow and widen it: {own.width_gain:.2f} times."
    )
    return {"gain": round(min(own.gain * drawn, 2.0), 3), "width_gain": round(own.width_gain, 3)}, [told]


def _arrays(footage: Footage, name: str, say: Progress) -> tuple[Manifest, dict[str, Array]]:
    template, mesh, person, size = footage.template, footage.mesh, footage.person, footage.size
    calm = footage.calm
    say("cutting out the person")
    matte = matte_arrays(footage.pixels, faces(footage), footage.covers)
    say("planning the walk")
    walk = walkable(person, footage.pixels.thumbs, footage.track.landmarks, footage.track.blendshapes)
    vertices = person.vertices[mesh.used]
    rest = np.empty((len(footage.pixels), *vertices.shape), np.float32)
    for i in range(len(rest)):
        rest[i] = calm.at_rest(i)
    names, shapes = file.shape_arrays(template, mesh)
    scale = float(np.median([pose.scale for pose in person.poses]))
    made = {**matte, "pose": file.pose_array(person)}
    made |= file.rest_arrays(rest, vertices, scale) | shapes | file.mesh_arrays(template, mesh, vertices)
    made |= file.interior_arrays(footage.interiors) | file.walk_arrays(walk)
    say("calming the film")
    room = LARGEST_FILE - sum(array.nbytes for array in made.values())
    made["film"], made["film_start"] = coded_within(lambda: iter(calm), len(rest), size, max(room, LEAST_FILM))
    unit = CANVAS / min(size)
    rig: dict[str, Any] = {"sample_canvas": CANVAS, "distance": DISTANCE, "face_width": person.face_width, "gop": GOP,
                           "principal": [size[0] * unit / 2, size[1] * unit / 2], "gain": 1.0}  # fmt: skip
    manifest = Manifest(name=name, canvas=size, kind="footage", coefficients=names, rig=rig, images=("interiors",),
                        gestures=shown_gestures(names), limits=dict(TURNS))  # fmt: skip
    return manifest, made


def faces(footage: Footage) -> Array:
    """The middle of the face in every frame [n, 2], frame px."""
    scale = min(footage.size) / CANVAS
    corner = (np.array(footage.size) - min(footage.size)) / 2
    return footage.person.landmarks.mean(1) * scale + corner


def shown_gestures(names: tuple[str, ...]) -> dict[str, Any]:
    """Of the motion clips that every avatar gets, those that are seen without the eyes, and what of them is shown."""
    gestures, moved = json.loads(GESTURES.read_text("utf-8")), {*names, *TURNS}
    return {name: {c: keys for c, keys in gestures[name].items() if c in moved} for name in SHOWN if name in gestures}


def screen_rings(person: Person, mesh: FaceMesh, size: tuple[int, int]) -> tuple[Array, Array]:
    """Inner and outer lips of every frame [n, 40, 2], frame px, as the mesh has them."""
    scale = min(size) / CANVAS
    corner = (np.array(size) - min(size)) / 2

    def placed() -> Iterator[Array]:
        for i, pose in enumerate(person.poses):
            screen = pose.screen(person.face(i, mesh.used))[:, :2] * scale + corner
            yield np.stack([mesh.at(mesh.inner, screen), mesh.at(mesh.outer, screen)])

    rings = np.stack(list(placed()))
    return rings[:, 0], rings[:, 1]


def skin_colours(person: Person, mesh: FaceMesh, pixels: Frames) -> tuple[Array, Array]:
    """f32 [n, p, 3] and [n, q, 3]: the skin about the mouth of every frame, and that of the upper face, at the same places."""
    lips = person.vertices[mesh.used][mesh.share.sum(1) > 1e-3]
    away = cdist(person.vertices[mesh.used][:, :2], lips[:, :2]).min(1)
    width = person.face_width / float(np.median([pose.scale for pose in person.poses]))
    about = np.flatnonzero((mesh.weight > 0.9) & (away > 0) & (away < ABOUT * width))
    upper = np.flatnonzero(mesh.weight < 0.1)
    rows = mesh.used[np.concatenate([about, upper])]
    height, width = pixels.shape[1:3]
    scale = min(height, width) / CANVAS
    corner = (np.array([width, height]) - min(height, width)) / 2
    found = np.empty((len(pixels), len(rows), 3), np.float32)
    for i, pose in enumerate(person.poses):
        at = pose.screen(person.face(i, rows))[:, :2] * scale + corner
        x, y = (np.clip(at[:, d].astype(int), 2, limit - 3) for d, limit in ((0, width), (1, height)))
        frame = pixels[i]
        around = [frame[y + dy, x + dx] for dy in (-2, 0, 2) for dx in (-2, 0, 2)]
        found[i] = np.mean(around, 0)
    return found[:, : len(about)], found[:, len(about) :]
