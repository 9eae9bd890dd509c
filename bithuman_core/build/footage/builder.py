"""From a clip to a footage avatar: the stages in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage import arrays as file
from bithuman_core.build.footage.calm import CalmFilm, plan
from bithuman_core.build.footage.coding import GOP, coded
from bithuman_core.build.footage.framing import CANVAS, frame_crop
from bithuman_core.build.footage.gates import check_calm, check_person, check_seen
from bithuman_core.build.footage.interiors import open_mouths
from bithuman_core.build.footage.lips import lip_ring
from bithuman_core.build.footage.made_up import made_up_mouths
from bithuman_core.build.footage.mesh import FaceMesh, face_mesh
from bithuman_core.build.footage.person import Person, read_person
from bithuman_core.build.footage.tracking import Track, track
from bithuman_core.build.footage.walk import walkable
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.build.shape.camera import DISTANCE
from bithuman_core.build.shape.template import Template, load_template
from bithuman_core.imx import Manifest

Progress = Callable[[str], None]


def footage_arrays(
    frames: list[Array], name: str, *, face: int | None = None, aspect: str = "1:1", side: int = 512, tell: Progress | None = None
) -> tuple[Manifest, dict[str, Array]]:
    """Manifest and arrays of the footage avatar of a clip's pictures (RGB uint8 [h, w, 3], 25 a second).

    Raises `NotFootage` where the clip shows a person but cannot be kept as footage, and `BuildError`.
    """
    with threadpool_limits(1):  # the systems are small: threads would only wait for each other
        return _made(frames, name, face, aspect, side, tell or (lambda stage: None))


def _made(
    frames: list[Array], name: str, face: int | None, aspect: str, side: int, say: Progress
) -> tuple[Manifest, dict[str, Array]]:
    template = load_template()
    say("following the face")
    seen = track(load_face_nets(), frames, face)
    check_seen(seen.found)
    height, width = frames[0].shape[:2]
    crop = frame_crop(seen.landmarks, seen.found, (width, height), aspect, side)
    seen = Track(crop.canvas(seen.landmarks), seen.found, seen.blendshapes)
    say("fitting the head")
    person = read_person(template, seen)
    check_person(person)
    what = plan(template, person, seen.found)
    check_calm(what)
    say("finding the lips")
    pixels = np.stack([crop.cut(frame) for frame in frames])
    mesh = face_mesh(template)
    inner, outer = screen_rings(person, mesh, crop.size)
    ring = lip_ring(pixels, inner, outer, min(crop.size) / 512)
    say("gathering mouths")
    interiors = open_mouths(pixels, ring, seen.found, person.face_width * min(crop.size) / CANVAS)
    if interiors is None:
        interiors = made_up_mouths(pixels[int(np.argmin(what.activity + 9.0 * ~seen.found))])
    say("calming the film")
    calm = CalmFilm(template, person, mesh, pixels, ring, what)
    film, start = coded(iter(calm), crop.size)
    say("planning the walk")
    walk = walkable(person, pixels, seen.landmarks, seen.blendshapes)
    say("writing the avatar")
    vertices = person.vertices[mesh.used]
    rest = np.stack([calm.at_rest(i) for i in range(len(frames))])
    names, shapes = file.shape_arrays(template, mesh)
    scale = float(np.median([pose.scale for pose in person.poses]))
    made = {"film": film, "film_start": start, "pose": file.pose_array(person)}
    made |= file.rest_arrays(rest, vertices, scale) | shapes | file.mesh_arrays(template, mesh, vertices)
    made |= file.interior_arrays(interiors) | file.walk_arrays(walk)
    wide, tall = crop.size
    unit = CANVAS / min(crop.size)
    rig: dict[str, Any] = {"sample_canvas": CANVAS, "distance": DISTANCE, "face_width": person.face_width, "gop": GOP,
                           "principal": [wide * unit / 2, tall * unit / 2], "gain": 1.0}  # fmt: skip
    manifest = Manifest(name=name, canvas=crop.size, kind="footage", coefficients=names, rig=rig, images=("interiors",))
    return manifest, made


def screen_rings(person: Person, mesh: FaceMesh, size: tuple[int, int]) -> tuple[Array, Array]:
    """Inner and outer lips of every frame [n, 40, 2], frame px, as the mesh has them."""
    scale = min(size) / CANVAS
    corner = (np.array(size) - min(size)) / 2

    def placed() -> Iterator[Array]:
        for i, pose in enumerate(person.poses):
            screen = pose.screen(person.vertices[mesh.used] + person.own[i][mesh.used])[:, :2] * scale + corner
            yield np.stack([mesh.at(mesh.inner, screen), mesh.at(mesh.outer, screen)])

    rings = np.stack(list(placed()))
    return rings[:, 0], rings[:, 1]
