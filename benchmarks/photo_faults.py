"""What viewers notice of photo avatars, as figures: ``python -m benchmarks.photo_faults [PHOTO ...]``.

Every function takes the rig of an avatar, and what it needs of the photo; ``tests/build/test_faults.py`` holds their limits.
Photos default to those of `benchmarks.portrait`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks import faces
from benchmarks.portrait import EYE, MOUTH, PHOTOS, POSES, posed, save
from bithuman_core.build.analysis import analyse
from bithuman_core.build.photo.colour import srgb_to_lab
from bithuman_core.build.photo.decode import load_photo
from bithuman_core.build.photo.faces import choose_face, find_faces
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.photo.portrait import CANVAS, Portrait
from bithuman_core.build.shape import rest
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.canvas import Canvas, lay_out
from bithuman_core.build.shape.fit import fit
from bithuman_core.build.shape.raster import raster
from bithuman_core.build.shape.template import load_template
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import PortraitRenderer, PortraitRig, posing, read_rig
from bithuman_core.render.posing import WEIGHTS, head_transforms

LUMA = np.array([0.114, 0.587, 0.299])  # of BGR, ITU-R BT.601
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
UPPER = 0.6  # share of the open eye's height, from above, that is lid and no lashes when it is closed
SOCKET = (0.1, 0.3)  # widths of the eye from its rim where skin is compared
SKIN = (0.4, 0.8)  # quantiles of brightness there between which it is skin: no lashes, brow or reflex
Bools = NDArray[np.bool_]


def shown(rig: PortraitRig, values: Mapping[str, float]) -> NDArray[np.uint8]:
    """The frame of a face, BGR."""
    return PortraitRenderer(rig).render(FaceState.from_mapping(dict(values)))


def parts(rig: PortraitRig, values: Mapping[str, float]) -> NDArray[np.int64]:
    """Part of the mesh that a frame's pixels show [H, W]; -1 for none."""
    _, triangle, _ = raster(posed(rig, FaceState.from_mapping(dict(values))), rig.triangles, rig.size[1], rig.size[0])
    return np.where(triangle >= 0, rig.part[triangle].astype(np.int64), -1)


def marks(rig: PortraitRig, values: Mapping[str, float]) -> dict[int, NDArray[np.float64]]:
    """Where the rig's landmarks are in a frame, px, by MediaPipe's number."""
    screen = posed(rig, FaceState.from_mapping(dict(values)))
    at = (screen[rig.landmark_index] * rig.landmark_weight[..., None]).sum(1)[:, :2]
    return {number: at[row].astype(np.float64) for number, row in rig.landmark.items()}


class Lid(NamedTuple):
    """A closed lid beside the skin about it: brightness (share by which it differs), colour (largest difference of a channel's
    share of the brightness)."""

    light: float
    hue: float


def lids(rig: PortraitRig) -> dict[str, Lid]:
    """Both closed lids ("left", "right") of a frame."""
    open_eye, at = parts(rig, {}) == EYE, marks(rig, {})
    rest, blink = (shown(rig, pose) / 255 for pose in ({}, BLINK))
    nose = (at[133][0] + at[362][0]) / 2
    columns = np.arange(rig.size[0])
    out = {}
    for side, corners, own in (("right", (33, 133), columns < nose), ("left", (362, 263), columns > nose)):
        eye = open_eye & own
        size = float(np.linalg.norm(at[corners[0]] - at[corners[1]]))
        rows = np.arange(len(eye))[:, None]
        top, low = np.argmax(eye, 0), len(eye) - 1 - np.argmax(eye[::-1], 0)
        lid = eye & (rows < top + UPPER * (low - top))
        away = np.asarray(ndimage.distance_transform_edt(~eye)) / size
        about = rest[(away > SOCKET[0]) & (away < SOCKET[1]) & own]
        light = about @ LUMA
        low_light, high_light = np.quantile(light, SKIN)
        skin = about[(light >= low_light) & (light <= high_light)].mean(0)
        colour = np.median(blink[lid], axis=0)
        hue = colour / max(colour @ LUMA, 1e-3) - skin / max(skin @ LUMA, 1e-3)
        out[side] = Lid(float(colour @ LUMA / (skin @ LUMA) - 1), float(np.abs(hue).max()))
    return out


UPPER_TEETH, LOWER_TEETH = (523.0, 560.0), (611.0, 660.0)  # rows of the texture that show enamel
LEFT_OF_TONGUE = 240.0  # columns of it
BESIDE = 0.1  # distances of the eyes beside the middle of the mouth where incisors are
SPEAKING = POSES["ee"]
WIDE_OPEN, WIDEST = {"jawOpen": 0.5}, {"jawOpen": 0.8}


class Teeth(NamedTuple):
    """edge: of the upper incisors below closed lips (face widths); across: share of the speaking mouth's width that shows teeth;
    lower: the same of lower teeth in an open mouth; upper: of upper ones in a wide open one."""

    edge: float
    across: float
    lower: float
    upper: float


def teeth(rig: PortraitRig) -> Teeth:
    """The teeth of an avatar."""
    screen, at = posed(rig, FaceState.from_mapping({})), marks(rig, {})
    between = float(np.linalg.norm(at[33] + at[133] - at[362] - at[263])) / 2
    upper = (rig.part == MOUTH) & _rows(rig, UPPER_TEETH)
    rows = np.unique(rig.triangles[upper])
    rows = rows[np.abs(screen[rows, 0] - at[13][0]) < BESIDE * between]
    edge = float(screen[rows, 1].max() - at[13][1]) / (rig.face_width * rig.scale)
    poses = (SPEAKING, UPPER_TEETH), (WIDE_OPEN, LOWER_TEETH), (WIDEST, UPPER_TEETH)
    return Teeth(edge, *(_across(rig, pose, rows) for pose, rows in poses))


def _rows(rig: PortraitRig, rows: tuple[float, float]) -> Bools:
    """Which triangles [T] have their texture in these rows, left of the tongue's."""
    u, v = np.moveaxis(rig.uv[rig.triangles].mean(1), -1, 0)
    return (v > rows[0]) & (v < rows[1]) & (u < LEFT_OF_TONGUE)


def _across(rig: PortraitRig, values: Mapping[str, float], rows: tuple[float, float]) -> float:
    """Share of the width of the mouth's opening that shows teeth."""
    _, triangle, _ = raster(posed(rig, FaceState.from_mapping(dict(values))), rig.triangles, rig.size[1], rig.size[0])
    inside = (triangle >= 0) & (rig.part[triangle] == MOUTH)
    shown_teeth = inside & _rows(rig, rows)[triangle]
    return float(shown_teeth.any(0).sum() / max(inside.any(0).sum(), 1))


def pursed(rig: PortraitRig) -> float:
    """Share of the width of pursed lips' opening that shows upper teeth."""
    return _across(rig, POSES["oo"], UPPER_TEETH)


class Lips(NamedTuple):
    """Of closed lips: area in units of that in the photo; height of the upper one in units of the lower one's; how much of their
    colour, beside the skin's, the photo's lips keep."""

    area: float
    upper: float
    colour: float


def lips(rig: PortraitRig, portrait: Portrait) -> Lips:
    """The lips of an avatar at rest beside those of its photo."""
    template = load_template()
    square = portrait.square()
    fitted = fit(template, square.landmarks, square.blendshapes)
    neutral, _ = rest.rest(template, fitted)
    left, top = portrait.corner
    photo, frame = square.picture, shown(rig, {})[..., ::-1].repeat(2, 0).repeat(2, 1)[top:, left:] / 255
    area, redness = [], []
    for points, picture in ((fitted.points, photo), (neutral, frame)):
        outer, inner = (project(template.at(ring, points))[:, :2] for ring in ("lips_outer", "lips_inner"))
        masks = [np.asarray(polygon(ring)) for ring in (outer, inner)]
        lip = ndimage.binary_erosion(masks[0], iterations=3) & ~ndimage.binary_dilation(masks[1], iterations=3)
        skin = ndimage.binary_dilation(masks[0], iterations=24) & ~ndimage.binary_dilation(masks[0], iterations=10)
        lab = [np.median(srgb_to_lab(picture[mask].astype(np.float32)), axis=0)[1:] for mask in (lip, skin)]
        area.append(rest.heights(template, points).sum() * rest.width(template, points))
        redness.append(float(np.linalg.norm(lab[0] - lab[1])))
    upper, lower = rest.heights(template, neutral).sum(1)
    return Lips(float(area[1] / area[0]), float(upper / lower), redness[1] / max(redness[0], 1e-3))


def polygon(ring: NDArray[np.float64]) -> Bools:
    """The inside of an outline [n, 2] on the canvas."""
    mask = Image.new("1", (CANVAS, CANVAS))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in ring], fill=1)
    return np.asarray(mask)


COLOURFUL: tuple[Mapping[str, float], ...] = ({}, BLINK, POSES["half"], WIDE_OPEN, SPEAKING, POSES["smile"])


def chroma(rig: PortraitRig) -> float:
    """The strongest colour that the avatar of a grey photo shows, levels of 255 between its channels (all but 1 px in 10,000)."""
    frames = [shown(rig, pose).astype(int) for pose in COLOURFUL]
    return float(max(np.quantile(frame.max(2) - frame.min(2), 1 - 1e-4) for frame in frames))


PAIRS = ((61, 291), (105, 334), (70, 300), (65, 295))
"""MediaPipe numbers of the corners of the mouth, and of points on the brows."""


def askew(rig: PortraitRig) -> float:
    """By how much corners of the mouth, or brows, differ in height at rest, as MediaPipe's net finds them (face widths)."""
    found, _ = find_faces(load_face_nets(), Image.fromarray(np.ascontiguousarray(shown(rig, {})[..., ::-1])))
    points = found[0].landmarks
    across = (points[[362, 263]].mean(0) - points[[33, 133]].mean(0)).astype(np.float64)
    down = np.cross((points[152] - points[10]) / np.linalg.norm(points[152] - points[10]), across)
    down = np.cross(across, down) / np.linalg.norm(across) ** 2  # upright to the line of the eyes, along the face
    return float(max(abs((points[b] - points[a]) @ down / np.linalg.norm(down)) for a, b in PAIRS) / found[0].width)


SOFTENED = 1.0  # px (sigma): the surroundings are drawn from a smaller picture
CHIN_BAND, CHIN_SIDE = (0.03, 0.22), 0.12  # face widths below the chin, and beside its middle, where a second one would be
STRAY = 40  # levels of 255 that a px differs from all about it
TURNS = (-10.0, 10.0)  # degrees


def canvas_of(photo: Path) -> Canvas:
    """A photo on the canvas of its avatar."""
    chosen = choose_face(load_face_nets(), load_photo(photo).image, None)
    return lay_out(chosen.face, chosen.image)


def around(rig: PortraitRig, canvas: Canvas) -> float:
    """By how much the frame at rest differs from the photo beside the mesh of the face: levels of 255, 99 of 100 px."""
    outside = (parts(rig, {}) < 0) & ndimage.binary_erosion(canvas.inside, iterations=6)[::2, ::2]
    photo = halved(canvas.picture)[..., ::-1] * 255
    miss = np.abs(_soft(shown(rig, {})) - _soft(photo)).max(2)
    return float(np.quantile(miss[outside], 0.99))


ALONG, ABOUT = (-6.0, 8.0), (14.0, 40.0)  # px outwards of the person's outline: where it would stay behind, and what is beside
STRONG = 0.98  # quantile of a gradient: an outline is thin


def outline(rig: PortraitRig) -> float:
    """How much steeper the plate is across the person's outline than the background about it: levels of 255 a px; 0 and less
    where nothing of her is left in it."""
    backdrop = np.ascontiguousarray(rig.backdrop).view(np.uint8).reshape(*rig.backdrop.shape, 4)
    labels = np.asarray(ndimage.label(np.asarray(Image.fromarray(backdrop[..., 3]).resize(rig.size)) > 127)[0])  # type: ignore[index]
    person = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    away = np.asarray(ndimage.distance_transform_edt(~person)) - np.asarray(ndimage.distance_transform_edt(person))
    across = np.stack(np.gradient(ndimage.gaussian_filter(away, 2.0)))
    slope = np.stack(np.gradient(ndimage.gaussian_filter(rig.plate @ LUMA, SOFTENED)))
    steep = np.abs((slope * across).sum(0) / np.maximum(np.hypot(*across), 0.1))
    along, about = (np.quantile(steep[(away > low) & (away < high)], STRONG) for low, high in (ALONG, ABOUT))
    return float(along - about)


def second_chin(rig: PortraitRig, portrait: Portrait) -> float:
    """How much brighter and darker again the frame at rest grows below its chin than the photo below its own: shares of the
    skin's brightness, 0 and less where there is no contour more."""
    template, square = load_template(), portrait.square()
    fitted = fit(template, square.landmarks, square.blendshapes)
    neutral, _ = rest.rest(template, fitted)
    out = []
    for points, picture in ((fitted.points, halved(square.picture)[..., ::-1]), (neutral, shown(rig, {}) / 255)):
        chin = project(template.at("mediapipe", points))[152, :2] / 2
        unit = fitted.face_width / 2
        top, low = (int(min(chin[1] + share * unit, len(picture) - 1)) for share in CHIN_BAND)
        left, right = int(chin[0] - CHIN_SIDE * unit), int(chin[0] + CHIN_SIDE * unit)
        line = ndimage.gaussian_filter1d((picture @ LUMA)[top:low, left:right].mean(1), 1.0) if low > top + 4 else np.ones(2)
        out.append(float(np.abs(np.diff(line)).sum() - abs(line[-1] - line[0])) / max(float(line.mean()), 0.02))
    return out[1] - out[0]


def frayed(rig: PortraitRig) -> float:
    """Px of the head's edges that stand out of all about them as it is turned by 10 degrees, in 100 px of the edges' length;
    what stands out at rest is left out."""

    def stray(pose: Mapping[str, float]) -> float:
        mesh = parts(rig, pose) >= 0
        edge = ndimage.binary_dilation(mesh, iterations=4) & ~ndimage.binary_erosion(mesh, iterations=4)
        frame = shown(rig, pose) @ LUMA
        off = np.abs(frame - ndimage.median_filter(frame, 5)) > STRAY
        return 100 * float((off & edge).sum()) / max(float(edge.sum()) / 8, 1)

    return max(stray({"headYaw": turn}) for turn in TURNS) - stray({})


SOFT_EDGE = (0.1, 0.9)  # alpha of the person's outline
STRETCHED = 0.95  # quantile along the outline


def smeared(rig: PortraitRig) -> float:
    """How many times as wide the outline of head and hair, above the chin, is drawn as the head is turned by 10 degrees, at 95 of
    100 places of it. Hair and beards come out as spikes where it is much wider."""
    width, height = rig.size

    def at(pose: Mapping[str, float]) -> NDArray[np.float64]:
        face, screen = FaceState.from_mapping(dict(pose)), np.empty_like(rig.backdrop_vertices)
        transforms = np.empty((WEIGHTS, 12), np.float32)
        head_transforms(rig.head(face), rig.lift(face), transforms)
        view = transforms, rig.pivot, rig.distance, *rig.centre, rig.scale, rig.scale
        posing.project(rig.backdrop_vertices, rig.backdrop_weight, *view, screen)
        return screen.astype(np.float64)

    rest = at({})
    _, triangle, weights = raster(rest, rig.backdrop_triangles, height, width)
    corners = rig.backdrop_triangles[np.maximum(triangle, 0)]
    colours = np.ascontiguousarray(rig.backdrop).view(np.uint8).reshape(*rig.backdrop.shape, 4)
    alpha = np.asarray(Image.fromarray(colours[..., 3]).resize((width, height), Image.Resampling.BOX)) / 255
    edge = (triangle >= 0) & (alpha > SOFT_EDGE[0]) & (alpha < SOFT_EDGE[1])
    edge &= np.arange(height)[:, None] < marks(rig, {})[14][1] + (marks(rig, {})[14][1] - marks(rig, {})[133][1]) / 2
    out = []
    for turn in TURNS:
        across = (at({"headYaw": turn})[corners, 0] * weights).sum(-1)
        out.append(np.abs(np.gradient(across, axis=1))[edge])
    return max(float(np.quantile(wide, STRETCHED)) for wide in out)


def specks(rig: PortraitRig, portrait: Portrait) -> int:
    """Px about the open eyes that are brighter or darker than all about them in the photo."""
    photo = halved(portrait.square().picture)[..., ::-1] @ LUMA * 255
    frame = shown(rig, {}) @ LUMA
    eye, at = parts(rig, {}) == EYE, marks(rig, {})
    size = float(np.linalg.norm(at[33] - at[133]))
    near = (ndimage.distance_transform_edt(~eye) < 0.4 * size) & ~ndimage.binary_dilation(eye)  # type: ignore[operator]
    low, high = ndimage.minimum_filter(photo, 5) - STRAY, ndimage.maximum_filter(photo, 5) + STRAY
    return int((near & ((frame < low) | (frame > high))).sum())


def _soft(picture: NDArray[Any]) -> NDArray[np.float64]:
    return ndimage.gaussian_filter(picture.astype(np.float64), (SOFTENED, SOFTENED, 0))


def main() -> int:
    """Print a row for each photo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path)
    options = parser.parse_args()
    print("lids: brightness and colour beside the socket's; teeth: edge below the lip (face widths), across the speaking mouth,\n"
          "lower ones, upper ones wide open; lips: area, upper to lower, colour kept; askew (face widths); around (levels);\n"
          "chin; frayed; smeared (times as wide); specks; outline (levels a px)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for photo in options.photos or [*PHOTOS, *faces.write(folder)]:
            portrait = analyse(photo)
            rig = read_rig(read_imx(save(portrait, photo.stem, folder)))
            worst = [max((getattr(lid, kind) for lid in lids(rig).values()), key=abs) for kind in Lid._fields]
            row = [*worst, *teeth(rig), *lips(rig, portrait), askew(rig), around(rig, canvas_of(photo)),
                   second_chin(rig, portrait), frayed(rig), smeared(rig), specks(rig, portrait), outline(rig)]  # fmt: skip
            print(f"{photo.stem:16s}" + "".join(f"{value:8.3f}" for value in row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
