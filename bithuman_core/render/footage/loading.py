"""From the arrays of a footage avatar to its rig, with the checks that the container cannot make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES
from bithuman_core.imx import ImxFile
from bithuman_core.imx.bounds import check_count
from bithuman_core.imx.loader_errors import loader
from bithuman_core.render.fields import array, indices, number_of, shapes, vector
from bithuman_core.render.footage.film import Film
from bithuman_core.render.footage.interior import TALL, WIDE, Interiors
from bithuman_core.render.footage.rig import FootageRig, Ring, WalkData
from bithuman_core.render.matte.film import COARSE, Matte

LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)
RING, JAW = 40, 21  # points of a lip ring, of the jaw line
LEAST_FRAMES, LEAST_SIDE, STEP = 25, 128, 16
LEAST_PLACE, FARTHEST = 0.05, 0.9  # size of the head; of the camera's distance: how near a face may come


@loader
def read_footage(avatar: ImxFile) -> FootageRig:
    """Make the rig of a footage avatar. Raises ModelLoadError or ModelSecurityError."""
    manifest = avatar.manifest
    rig: dict[str, Any] = manifest.rig
    width, height = manifest.canvas
    if width % STEP or height % STEP or min(width, height) < LEAST_SIDE:
        raise ModelLoadError(f"The avatar's canvas {width} x {height} must divide by {STEP} and be {LEAST_SIDE} px at least.")
    gop = number_of(rig, "gop")
    film = _film(avatar, "film", gop, (width, height))
    count = len(film)
    canvas = number_of(rig, "sample_canvas")
    distance = number_of(rig, "distance")
    vertices = array(avatar, "vertices", np.float32, None, 3)
    check_count("vertices", len(vertices))
    many = len(vertices)
    basis = array3(avatar, "rest_basis", np.float16, many)
    check_count("ways", len(basis))
    turn, shift = _poses(array(avatar, "pose", np.float32, count, 6))
    gap = array(avatar, "interior_gap", np.float32, None)
    check_count("interiors", len(gap))
    near = indices(avatar, "near", None, None, many)
    beyond = indices(avatar, "beyond", None, None, many)
    landmark = array(avatar, "landmark", np.uint16, None)
    check_count("landmark", len(landmark))
    row = {int(number): k for k, number in enumerate(landmark)}
    if any(n not in row for n in LANDMARKS):
        raise ModelLoadError("The avatar lacks landmarks of mouth or eyes; build it again with this version.")
    loaded = FootageRig(
        name=manifest.name,
        size=(width, height),
        canvas=int(canvas),
        centre=tuple(float(v) for v in vector(rig, "principal", 2)),  # type: ignore[arg-type]
        distance=distance,
        face_width=number_of(rig, "face_width"),
        film=film,
        matte=_matte(avatar, gop, film),
        walk=_walk(avatar, count),
        turn=turn,
        shift=shift,
        basis=basis,
        amount=array(avatar, "rest_amount", np.float32, count, len(basis)),
        vertices=vertices,
        triangles=np.ascontiguousarray(indices(avatar, "triangles", None, 3, many), np.int32),
        light=(array(avatar, "light", np.uint8, many) / 255).astype(np.float32),
        shapes=shapes(avatar, many),
        present=np.isin(ARKIT_NAMES, manifest.coefficients).astype(np.float32),
        head_limits=np.array([manifest.limits.get(name, (0.0, 0.0)) for name in HEAD_NAMES[:3]], np.float32),
        gain=number_of(rig, "gain", 1.0),
        width_gain=number_of(rig, "width_gain", 1.0),
        landmark=row,
        landmark_ring=_ring(avatar, "landmark", len(landmark), many),
        inner=_ring(avatar, "inner", RING, many),
        outer=_ring(avatar, "outer", RING, many),
        jaw=_ring(avatar, "jaw", JAW, many),
        near=near,
        near_share=array(avatar, "near_share", np.float16, len(near), RING).astype(np.float32),
        beyond=beyond,
        beyond_share=array(avatar, "beyond_share", np.float16, len(beyond), RING).astype(np.float32),
        interiors=_interiors(avatar, gap),
    )
    _in_front_of_camera(loaded)
    return loaded


def array3(avatar: ImxFile, name: str, dtype: Any, columns: int) -> NDArray[np.float32]:
    """An array [any, columns, 3] as float32."""
    held = avatar.array(name)
    flat = held.reshape(len(held), -1) if held.ndim == 3 and held.shape[1:] == (columns, 3) else None
    if flat is None or held.dtype != dtype:
        raise ModelLoadError(f"The avatar's array {name!r} does not fit its mesh; build it again with this version.")
    if held.size and not (held.min() >= -1 and held.max() <= 1):
        raise ModelLoadError(f"The avatar's array {name!r} holds numbers that are not -1 to 1; the file is damaged.")
    return np.ascontiguousarray(held, np.float32)


def _matte(avatar: ImxFile, gop: float, film: Film) -> Matte | None:
    """The matte of a film; None where it has none."""
    if not {"matte", "matte_start", "behind", "behind_start"} & avatar.arrays.keys():
        return None
    width, height = film.size
    cover = _film(avatar, "matte", gop, film.size)
    behind = _film(avatar, "behind", gop, (width // COARSE, height // COARSE))
    if not len(cover) == len(behind) == len(film):
        raise ModelLoadError("The matte of the avatar's film does not fit the film; the file is damaged.")
    return Matte(cover, behind)


def _film(avatar: ImxFile, name: str, gop: float, size: tuple[int, int]) -> Film:
    data = array(avatar, name, np.uint8, None)
    start = array(avatar, f"{name}_start", np.uint32, None).astype(np.int64)
    check_count("film", len(start) - 1)
    if len(start) <= LEAST_FRAMES or start[0] != 0 or start[-1] != len(data) or (np.diff(start) <= 0).any() or gop != int(gop):
        raise ModelLoadError("The avatar's film does not fit its index; the file is damaged.")
    return Film(data, start, int(gop), size)


def _poses(pose: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(rotation times size [n, 3, 3], shift [n, 2]) of rotation vectors, sizes and shifts [n, 6] (Rodrigues)."""
    if (pose[:, 3] < LEAST_PLACE).any():
        raise ModelLoadError("The avatar's head has no size in some frames; the file is damaged.")
    angle = np.linalg.norm(pose[:, :3], axis=1)
    axis = pose[:, :3] / np.maximum(angle, 1e-9)[:, None]
    zero = np.zeros(len(pose), np.float32)
    x, y, z = axis.T
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    turn = np.eye(3) + np.sin(angle)[:, None, None] * cross + (1 - np.cos(angle))[:, None, None] * cross @ cross
    return (turn * pose[:, 3, None, None]).astype(np.float32), np.ascontiguousarray(pose[:, 4:])


def _ring(avatar: ImxFile, name: str, rows: int, below: int) -> Ring:
    index = indices(avatar, f"{name}_index", rows, 3, below)
    return index, array(avatar, f"{name}_weight", np.float32, rows, 3)


def _interiors(avatar: ImxFile, gap: NDArray[np.float32]) -> Interiors:
    picture = avatar.image("interiors")
    if not len(gap) or picture.shape != (len(gap) * TALL, WIDE, 3):
        raise ModelLoadError("The avatar's pictures of the open mouth do not fit their list; the file is damaged.")
    patches = np.ascontiguousarray(picture[..., ::-1], np.float32).reshape(len(gap), TALL, WIDE, 3)
    return Interiors(patches, array(avatar, "interior_feature", np.float32, len(gap), 2), gap)


def _walk(avatar: ImxFile, count: int) -> WalkData:
    turning = indices(avatar, "walk_turning", None, None, count)
    jumps = indices(avatar, "walk_jumps", None, 2, count)
    check_count("jumps", len(jumps))
    if len(turning) < 2 or (np.diff(turning.astype(np.int64)) <= 0).any():
        raise ModelLoadError("The avatar's film cannot be walked through; build it again with this version.")
    eyes, motion = (array(avatar, f"walk_{name}", np.uint8, count) for name in ("eyes", "motion"))
    return WalkData(turning, jumps, eyes, motion)


def _in_front_of_camera(rig: FootageRig) -> None:
    """Refuse a rig that some pose could bring near the camera: there the projection has no finite answer."""
    reach = np.abs(rig.vertices)
    np.add.at(reach, rig.shapes.index, np.abs(rig.shapes.delta))
    reach += np.tensordot(np.abs(rig.amount).max(0), np.abs(rig.basis), 1)
    size = float(np.abs(rig.turn).sum(2).max())
    if not size * float(reach.max(initial=0.0)) * 3 < FARTHEST * 3 * rig.distance:
        raise ModelLoadError("The avatar's mesh reaches behind its camera; the file is damaged.")
