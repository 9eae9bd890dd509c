"""From the arrays of an avatar file to a rig, with the checks that the container cannot make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES
from bithuman_core.imx import ImxFile, read_imx
from bithuman_core.imx.bounds import BOUNDS, check_count
from bithuman_core.imx.loader_errors import loader
from bithuman_core.render.correctives import Correctives, read_correctives
from bithuman_core.render.fields import array, indices, number_of, numbers, shapes, vector
from bithuman_core.render.overdraw import check_overdraw
from bithuman_core.render.pictures import bgra, doubled, packed
from bithuman_core.render.rig import DEFAULT_LIMITS, Eye, PortraitRig, Residual, Still
from bithuman_core.render.still import parted, settled
from bithuman_core.render.texel import LARGEST, OTHER

LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)  # what the measure of the mouth needs
MAX_TURN, MAX_SHIFT = BOUNDS["headYaw"][1], BOUNDS["headX"][1]  # degrees, face widths
LEAST_APART = 1e-3  # face widths: corners of the mouth, middles of the eyes
ROW_STEP = 16  # a frame's sides are multiples: it is drawn in bands of two rows of samples a row of pixels
SMALLEST = 16  # px, of a picture's side
NOTHING_STILL = Still(np.zeros((1, 1, 4), np.uint8), 0)


def load_rig(path: str | Path, side: int | None = None) -> PortraitRig:
    """Read an avatar file and make its rig, see :func:`read_rig`.

    Raises ModelNotFoundError, ModelLoadError or ModelSecurityError.
    """
    return read_rig(read_imx(path), side)


def read_rig(avatar: ImxFile, side: int | None = None) -> PortraitRig:
    """The rig of a portrait, for frames whose shorter side has ``side`` px: those of its canvas (None), or twice as many.

    Raises ModelLoadError with a sentence that names what is missing or does not fit, ValueError for another side.
    """
    own = min(avatar.manifest.canvas)
    if avatar.manifest.kind != "portrait":
        raise ModelLoadError(f"This avatar is of the kind {avatar.manifest.kind!r}, not a portrait.")
    if side not in (None, own, 2 * own):
        raise ValueError(f"{side} px is no size of this avatar's frames: give {own} or {2 * own}.")
    return _read_rig(avatar, side)


@loader
def _read_rig(avatar: ImxFile, side: int | None) -> PortraitRig:
    manifest, rig = avatar.manifest, avatar.manifest.rig
    width, height = manifest.canvas
    vertices = array(avatar, "vertices", np.float32, None, 3)
    check_count("vertices", len(vertices))
    uv = array(avatar, "uv", np.float32, len(vertices), 2)
    triangles = indices(avatar, "triangles", None, 3, len(vertices))
    canvas = int(number_of(rig, "sample_canvas"))
    if canvas != 2 * min(width, height) or width % ROW_STEP or height % ROW_STEP:
        raise ModelLoadError(f"The avatar's canvas {width} x {height} does not fit its {canvas} px rig.")
    stored = number_of(rig, "texture_scale", 1.0)
    if stored not in (1, 2):
        raise ModelLoadError(f"The avatar's texture_scale is {stored}, not 1 or 2; build it again with this version.")
    wanted = 2 if side == canvas else 1
    scale = min(wanted, int(stored))  # px of the texture here to one that uv counts in
    halved = stored > scale
    texture, backdrop = (packed(avatar, name, LARGEST, halved) for name in ("texture", "backdrop"))
    plate = bgra(avatar, "plate", 3, max(width, height) * scale, halved)
    if plate.shape[:2] != (height * scale, width * scale):
        raise ModelLoadError(f"The avatar's plate does not fit its canvas {width} x {height}.")
    back_vertices = array(avatar, "backdrop_vertices", np.float32, None, 3)
    check_count("backdrop_vertices", len(back_vertices))
    landmark = array(avatar, "landmark", np.uint16, None)
    check_count("landmark", len(landmark))
    row = {int(n): k for k, n in enumerate(landmark)}
    if not set(LANDMARKS) <= set(row):
        raise ModelLoadError("The avatar lacks the landmarks that measure its mouth; build it again with this version.")
    uv = uv * np.float32(scale)
    _inside("uv", uv, texture)
    back_uv = array(avatar, "backdrop_uv", np.float32, len(back_vertices), 2)
    back_uv = back_uv * np.float32(scale)
    _inside("backdrop_uv", back_uv, backdrop)
    gaze = numbers(rig, "gaze_degrees")
    half = texture.shape[1] // (2 * scale)
    if texture.shape[1] % (4 * scale) or texture.shape[0] < texture.shape[1] or min(*texture.shape, *backdrop.shape) < SMALLEST:
        raise ModelLoadError(
            f"The avatar's texture must be no wider than high, its width divide by 4, its sides have {SMALLEST} px at least."
        )
    correctives = read_correctives(rig.get("correctives", []))
    back_weight = array(avatar, "backdrop_weight", np.uint8, len(back_vertices))
    still, moving = parted(indices(avatar, "backdrop_triangles", None, 3, len(back_vertices)), back_weight)
    loaded = PortraitRig(
        name=manifest.name,
        size=(width * wanted, height * wanted),
        canvas=canvas,
        centre=_centre(rig, width, height),
        distance=number_of(rig, "distance"),
        pivot=vector(rig, "pivot", 3),
        face_width=number_of(rig, "face_width"),
        gaze=(np.radians(number_of(gaze, "yaw")), np.radians(number_of(gaze, "up")), np.radians(number_of(gaze, "down"))),
        shade_scale=number_of(rig, "shade_scale"),
        mouth_ambient=number_of(rig, "mouth_ambient", 0.0),
        mouth_warmth=number_of(rig, "mouth_warmth", 1.0),
        mouth_cover=number_of(rig, "mouth_cover", 0.0),
        pixel_filter=0.0 if wanted == 2 else number_of(rig, "pixel_filter", 0.0),  # pictures drawn larger are soft as they are
        head_limits=np.array([manifest.limits.get(n, DEFAULT_LIMITS[n]) for n in HEAD_NAMES], np.float32),
        present=np.isin(ARKIT_NAMES, manifest.coefficients).astype(np.float32),
        vertices=vertices,
        uv=uv,
        triangles=triangles,
        part=np.minimum(array(avatar, "part", np.uint8, len(triangles)), OTHER),
        weight=array(avatar, "weight", np.uint8, len(vertices)),
        shapes=shapes(avatar, len(vertices)),
        correctives=correctives,
        smooth=_residual(avatar, "residual", half // 2, correctives),
        detail=_residual(avatar, "detail", half, correctives),
        landmark=row,
        landmark_index=indices(avatar, "landmark_index", len(landmark), 3, len(vertices)),
        landmark_weight=array(avatar, "landmark_weight", np.float32, len(landmark), 3),
        backdrop_vertices=back_vertices,
        backdrop_uv=back_uv,
        backdrop_triangles=moving,
        still_triangles=still,
        backdrop_weight=back_weight,
        texture=texture,
        backdrop=backdrop,
        plate=plate if scale == wanted else doubled(plate),
        still=NOTHING_STILL,
        eyes=(_eye(avatar, "left", texture, scale, halved), _eye(avatar, "right", texture, scale, halved)),
        residual_side=half,
        matted=number_of(rig, "matted", 0.0) > 0,
    )
    _in_front_of_camera(loaded)
    _measurable(loaded)
    check_overdraw(loaded)
    return replace(loaded, still=settled(loaded))


def _in_front_of_camera(rig: PortraitRig) -> None:
    """Refuse a rig that some pose could bring near the camera: there the projection has no finite answer."""
    turn, shift = np.abs(rig.head_limits[:3]).max(), np.abs(rig.head_limits[3:]).max()
    if not (turn <= MAX_TURN and shift <= MAX_SHIFT):
        raise ModelLoadError(f"The avatar's head limits go beyond {MAX_TURN:.0f} degrees or {MAX_SHIFT:.0f} face width.")
    reach = np.abs(rig.vertices)
    np.add.at(reach, rig.shapes.index, np.abs(rig.shapes.delta))  # every shape at once
    farthest = max((float(np.linalg.norm(p, axis=1).max()) for p in (reach, rig.backdrop_vertices) if len(p)), default=0.0)
    farthest += 2.0 * float(np.linalg.norm(rig.pivot)) + 2.0 * float(shift) * rig.face_width
    if not farthest < 0.95 * rig.distance:
        raise ModelLoadError("The avatar's mesh reaches behind its camera; the file is damaged.")


def _measurable(rig: PortraitRig) -> None:
    """Refuse a face whose mouth, or the way between its eyes, has no width: others are measured in these."""
    if rig.face_width > rig.canvas:
        raise ModelLoadError(f"The avatar's face is wider than its {rig.canvas} px canvas; the file is damaged.")
    x, y, _ = (rig.vertices[rig.landmark_index] * rig.landmark_weight[..., None]).sum(1).T
    right, left, *eyes = (rig.landmark[n] for n in (61, 291, 33, 133, 362, 263))
    mouth = x[left] - x[right]
    between = max(abs(float((p[eyes[0]] + p[eyes[1]] - p[eyes[2]] - p[eyes[3]]) / 2)) for p in (x, y))
    if not min(mouth, between) >= LEAST_APART * rig.face_width:
        raise ModelLoadError("The avatar's landmarks of mouth or eyes lie in one place; the file is damaged.")


def _centre(rig: dict[str, Any], width: int, height: int) -> tuple[float, float]:
    """The principal point, canvas px: the middle of the canvas where the file does not say another."""
    x, y = (float(v) for v in vector(rig, "principal", 2)) if "principal" in rig else (float(width), float(height))
    if not (0 <= x <= 2 * width and 0 <= y <= 2 * height):
        raise ModelLoadError("The avatar's rig number 'principal' lies outside of its canvas; the file is damaged.")
    return x, y


def _inside(name: str, uv: NDArray[np.float32], picture: NDArray[np.uint32]) -> None:
    height, width = picture.shape[:2]
    if uv.size and (uv.min() < 0 or (uv.max(0) > (width, height)).any() or max(width, height) > LARGEST):
        raise ModelLoadError(f"The avatar's array {name!r} points outside its picture; build it again with this version.")


def _eye(avatar: ImxFile, side: str, texture: NDArray[np.uint32], scale: int, halved: bool) -> Eye:
    own = numbers(numbers(avatar.manifest.rig, "eyes"), side)
    largest = max(texture.shape)
    picture, catchlight = (bgra(avatar, f"{name}_{side}", n, largest, halved) for name, n in (("eye", 4), ("catchlight", 3)))
    if catchlight.shape[:2] != picture.shape[:2]:
        raise ModelLoadError(f"The avatar's pictures of its {side} eye differ in size; build it again with this version.")
    x, y = scale * vector(own, "centre", 2)
    left, top = (scale * int(v) for v in vector(own, "place", 2))
    tall, wide, radius = *picture.shape[:2], scale * number_of(own, "radius")
    if min(tall, wide) < SMALLEST or not (0 <= x <= wide and 0 <= y <= tall and 1 <= radius <= max(tall, wide)):
        raise ModelLoadError(f"The avatar's {side} eye does not lie in its picture; the file is damaged.")
    if left < 0 or top < 0 or left + picture.shape[1] > texture.shape[1] or top + picture.shape[0] > texture.shape[0]:
        raise ModelLoadError(f"The avatar's {side} eye lies outside its texture; the file is damaged.")
    return Eye(picture, catchlight, (float(x), float(y)), radius, (left, top))


def _residual(avatar: ImxFile, name: str, side: int, correctives: Correctives) -> Residual:
    """One kind of texture residual in the order of ARKIT_NAMES, then the correctives; side: px of its picture."""
    names = avatar.manifest.coefficients
    count = len(names) + len(correctives.order)
    box = array(avatar, f"{name}_box", np.uint16, count, 4).astype(np.int32)
    first = array(avatar, f"{name}_start", np.uint32, count + 1).astype(np.int64)
    values = array(avatar, name, np.int8, None)
    scale = array(avatar, f"{name}_scale", np.float32, count)
    size = box[:, 2:] - box[:, :2]
    fits = (size >= 0).all() and (not count or box.max() <= side)
    if not fits or first[0] != 0 or first[-1] != len(values) or (np.diff(first) != size.prod(1) * 3).any():
        raise ModelLoadError(f"The avatar's texture residuals {name!r} do not fit their boxes; the file is damaged.")
    rows = [names.index(n) if n in names else -1 for n in ARKIT_NAMES] + [len(names) + k for k in correctives.order]
    parts = [_four_channels(values[first[r] : first[r + 1]] if r >= 0 else values[:0]) for r in rows]
    return Residual(
        box=np.array([box[r] if r >= 0 else np.zeros(4, np.int32) for r in rows], np.int32),
        start=np.cumsum([0, *map(len, parts)]),
        values=np.concatenate(parts),
        scale=np.array([scale[r] if r >= 0 else 0.0 for r in rows], np.float32),
    )


def _four_channels(colours: NDArray[np.int8]) -> NDArray[np.int8]:
    """Three bytes a pixel as four, the last one 0."""
    return np.concatenate([colours.reshape(-1, 3), np.zeros((len(colours) // 3, 1), np.int8)], 1).ravel()
