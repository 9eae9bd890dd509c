"""From an analysed portrait to an avatar: the stages in their order, and the arrays of the file (``docs/imx-format.md``)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.observed import cheek_colour
from bithuman_core.build.photo.pixels import doubled, halved
from bithuman_core.build.photo.portrait import CANVAS, Portrait
from bithuman_core.build.photo.tone import one_hue
from bithuman_core.build.scene import glasses
from bithuman_core.build.scene.sheet import without_face
from bithuman_core.build.scene.surround import SOFT, STILL, STILL_EDGE, follows, pivot, reach, surround
from bithuman_core.build.shape import limits
from bithuman_core.build.shape.camera import DISTANCE, project
from bithuman_core.build.shape.fit import Fit, fit, spreading
from bithuman_core.build.shape.folds import untangle
from bithuman_core.build.shape.lips import keep_closed
from bithuman_core.build.shape.rest import lip_trust, rest
from bithuman_core.build.shape.shapes import transferred
from bithuman_core.build.shape.teeth import withdrawn
from bithuman_core.build.shape.template import ATLAS, EYE, PROXY, RIM, SKIN, Template, load_template
from bithuman_core.build.skin import eyes as eye_stage
from bithuman_core.build.skin import lids, light, mouth, skin
from bithuman_core.build.skin.fine import finer
from bithuman_core.imx import Manifest
from bithuman_core.render.smoothstep import smoothstep

LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)
GESTURES = Path(__file__).with_name("gestures.json")  # the motion clips that every avatar gets
HIDDEN = 0.03  # face widths farther inside the person's outline: what the photo does not show, and a pose may bring to the edge
LEAST_MOVE = 0.08  # px: smaller deltas are dropped
GAZE = {"yaw": 25.0, "up": 20.0, "down": 22.0}  # degrees at coefficient 1
Progress = Callable[[str], None]


def encoded(picture: Array, quality: int | None) -> Array:
    """A float 0..1 RGB(A) picture, or its `levels`, as WebP bytes; quality None: lossless."""
    stream = io.BytesIO()
    image = Image.fromarray(picture if picture.dtype == np.uint8 else levels(picture))
    if quality is None:
        image.save(stream, "WEBP", lossless=True, quality=60, method=3, exact=True)
    else:
        image.save(stream, "WEBP", quality=quality, method=4, alpha_quality=95, exact=True)
    return np.frombuffer(stream.getvalue(), np.uint8)


def levels(*pictures: Array) -> Array:
    """The channels of float 0..1 pictures [h, w(, k)] together as 0..255, uint8 [h, w, n]."""
    planes = [plane for picture in pictures for plane in (np.moveaxis(picture, -1, 0) if picture.ndim == 3 else picture[None])]
    out = np.empty((*planes[0].shape, len(planes)), np.uint8)
    for k, plane in enumerate(planes):  # of large pictures, whole copies are what memory is needed for
        out[..., k] = np.clip(plane, 0, 1) * 255 + 0.5
    return out


def prepare() -> None:
    """Load and work out, once a process, what is the same for every portrait: a third of a second, beside the analysis of one."""
    spreading(load_template())


def assemble(portrait: Portrait, name: str, progress: Progress | None = None) -> tuple[Manifest, dict[str, Array]]:
    """Manifest and arrays of the avatar of a portrait; ``write_imx`` makes the file of them.

    progress is called with the name of every stage as it begins. The same portrait gives the same bytes.
    """
    with ThreadPoolExecutor(1, "assembling") as second:  # encoders and rasteriser work without the GIL
        return _assembled(portrait, name, progress or (lambda stage: None), second)


def _assembled(portrait: Portrait, name: str, tell: Progress, second: Executor) -> tuple[Manifest, dict[str, Array]]:
    template = load_template()
    scale = 2 if portrait.fine else 1
    behind = portrait.plate if len(portrait.plate) == scale * len(portrait.alpha) // 2 else doubled(portrait.plate)
    second.submit(skin.texels, template, rows=1)  # loads the rasteriser, which takes a third of a second
    plate = second.submit(encoded, behind, 97)
    tell("fitting the head")
    whole, portrait = portrait, portrait.square()
    fitted = fit(template, portrait.landmarks, portrait.blendshapes)
    neutral, _ = rest(template, fitted)
    tell("transferring the shapes")
    balls = eye_stage.balls(template, fitted, neutral)
    neutral = eye_stage.widened(template, neutral, balls)
    deltas = transferred(template, fitted, neutral, balls)
    keep_closed(template, neutral, deltas)
    withdrawn(template, deltas, fitted.face_width)
    spectacles, sharp = None, skin.frame_sharp(portrait.picture)
    if portrait.covered or glasses.worn(sharp, portrait.landmarks):
        spectacles = glasses.seen(template, fitted.points, sharp, portrait.landmarks, portrait.covered)
        glasses.behind(spectacles, template, fitted.points, deltas)
    tell("painting the skin")
    tx = skin.texels(template)
    spots, trust, cosine = skin.seen(template, tx, fitted.points)
    photo = skin.sample(sharp, spots)
    turned_away = 1 - trust
    hair = skin.beside_the_jaw(tx, photo, trust, cosine)
    trust *= 1 - hair
    lip = skin.lips(template, tx)
    trust *= lip_trust(template, fitted, spots, photo, lip)
    bare = trust if spectacles is None else trust * glasses.bare(spectacles, spots)
    sockets = lids.sockets(template, fitted.points, spots, photo, bare, portrait.covered)
    lends = lids.plain(sockets, photo, spots)
    colour = skin.paint(tx, photo, trust, lends, lip)
    cheeks, seen = cheek_colour(portrait.picture, portrait.landmarks), portrait.observed
    region, outline = reach(portrait, fitted)
    inside = np.minimum(region, outline)
    places = project(fitted.points)[:, :2]
    still = smoothstep(skin.sample(region, places) / (STILL * fitted.face_width))
    still *= smoothstep(skin.sample(outline, places) / (STILL_EDGE * fitted.face_width))
    outer = np.isin(np.arange(len(still)), template.vertices_of(SKIN))
    deltas *= np.where(outer, still, 1).astype(np.float32)[None, :, None]
    room = skin.sample(inside, spots) / fitted.face_width - HIDDEN * turned_away
    alpha = skin.shown(tx, trust, turned_away, cosine, hair) * tx.image(smoothstep(room / SOFT))
    untangled = second.submit(untangle, template, _drawn(template, alpha), neutral, deltas)
    del sharp, behind, region, outline, turned_away, hair, lends, bare, cosine, room, places  # memory is needed for what comes
    tell("placing hair and shoulders")
    around = surround(template, replace(whole, picture=without_face(template, whole, neutral, alpha)), fitted, neutral, inside,
                      scale)  # fmt: skip
    tell("painting eyes and mouth")
    seen_balls = eye_stage.balls(template, fitted, fitted.points)
    eyes = {side: eye_stage.picture(template, fitted.points, portrait.picture, portrait.landmarks, side, *seen_balls[side])
            for side in ("left", "right")}  # fmt: skip
    tone = one_hue(portrait.picture, inside > 0)
    teeth = mouth.palest(mouth.inside_lips(portrait.picture, project(template.at("lips_inner", fitted.points))[:, :2]))
    shown_teeth = teeth.colour if teeth else seen.teeth.beside(cheeks) if seen.teeth else None
    untangled.result()
    colour, closing = lids.closed(template, tx, sockets, neutral, deltas, colour, trust,
                                  seen.lids.beside(cheeks) if seen.lids else None)  # fmt: skip
    lids.shaded(template, tx, neutral, deltas, colour, closing)
    lash = lids.lashes(template, neutral, deltas, portrait.picture)
    strip = mouth.strip(template, colour, lash.picture, shown_teeth, portrait.drawn)
    surface = finer(template, tx, fitted.points, portrait.picture, photo, trust, colour) if portrait.fine else colour
    if tone is not None:
        surface = tone(surface)
        colour, strip = tone(colour), tone(strip)
        closing = {row: tone.change(added, halved(colour)) for row, added in closing.items()}
        eyes = {side: replace(eye, colour=tone(eye.colour), glint=tone(eye.glint)) for side, eye in eyes.items()}
    solid = np.ones((scale * len(strip), scale * ATLAS), np.float32)
    painted = np.concatenate([levels(surface, _at(scale, alpha)), levels(_at(scale, strip), solid)])
    texture, backdrop = (second.submit(encoded, picture, 95) for picture in (painted, around.picture))
    del surface, tx, spots, photo, seen_balls
    tell("writing the rig")
    kept = [row for row, name in enumerate(template.names) if not _of_covered_eye(name, portrait.covered)]
    names = [template.names[row] for row in kept]
    shown = _drawn(template, alpha) & ~_rims(template, portrait.covered)
    arrays = _mesh(template, neutral, deltas[kept], shown, fitted, eyes, replace(lash, deltas=lash.deltas[kept]))
    arrays |= {"backdrop_vertices": around.points.astype(np.float32), "backdrop_uv": around.uv.astype(np.float32),
               "backdrop_triangles": around.triangles.astype(np.uint16),
               "backdrop_weight": np.round(around.weight * 255).astype(np.uint8)}  # fmt: skip
    arrays |= light.residual(names, colour, fitted.expression, warm=tone is None)
    arrays |= light.detail(len(names), {new: closing[row] for new, row in enumerate(kept) if row in closing})
    height, width = whole.alpha.shape
    numbers: dict[str, Any] = {}
    for side, eye in eyes.items():
        arrays[f"eye_{side}"] = encoded(_at(scale, np.dstack([eye.colour, eye.shade / eye_stage.SHADE_SCALE])), None)
        arrays[f"catchlight_{side}"] = encoded(_at(scale, eye.glint), None)
        x, y, radius = eye.on_canvas
        numbers[side] = {"centre": [x, y], "radius": radius, "place": list(template.eye_place[side])}
    arrays |= {"texture": texture.result(), "backdrop": backdrop.result(), "plate": plate.result()}
    rig = {"distance": DISTANCE, "pivot": pivot(fitted).tolist(), "sample_canvas": CANVAS, "eyes": numbers,
           "face_width": fitted.face_width, "shade_scale": eye_stage.SHADE_SCALE, "gaze_degrees": GAZE,
           "matted": 1, "mouth_ambient": round(mouth.ambient(seen.cavity.colour if seen.cavity else None), 4)}  # fmt: skip
    if tone is not None:
        rig["mouth_warmth"] = 0
    if scale > 1:
        rig["texture_scale"] = scale
    if width != height:
        rig["principal"] = [whole.corner[0] + CANVAS / 2, whole.corner[1] + CANVAS / 2]
    images = tuple(sorted(n for n in arrays if n in ("texture", "backdrop", "plate") or n.startswith(("eye_", "catchlight_"))))
    manifest = Manifest(
        name=name, canvas=(width // 2, height // 2), coefficients=tuple(names),
        limits=limits.head(fitted, limits.bare_jaw(portrait)), rig=rig, images=images,
        gestures=json.loads(GESTURES.read_text(encoding="utf-8")),
        indices={"triangles": "vertices", "shape_index": "vertices", "landmark_index": "vertices",
                 "backdrop_triangles": "backdrop_vertices"},
        provenance=dict(portrait.provenance),
    )  # fmt: skip
    return manifest, arrays


def _at(scale: int, picture: Array) -> Array:
    """A picture [h, w(, k)] at 1 or 2 times its size."""
    return doubled(picture) if scale == 2 else picture


def _of_covered_eye(shape: str, covered: tuple[str, ...]) -> bool:
    """Whether a shape moves the lids or the gaze of an eye that is covered: an avatar without the shape leaves it alone."""
    return shape.startswith("eye") and any(shape.endswith(side.capitalize()) for side in covered)


def _drawn(template: Template, alpha: Array) -> Array:
    """Which triangles [T] the avatar has: those that alpha [ATLAS, ATLAS] shows anything of."""
    largest = ndimage.maximum_filter(alpha, 5)
    y, x = (np.clip(template.uv[:, k].astype(int), 0, ATLAS - 1) for k in (1, 0))
    clear = (template.part == SKIN) & (largest[y, x][template.triangles] < 0.02).all(1)
    return ~clear & (template.part != PROXY)


def _rims(template: Template, sides: tuple[str, ...]) -> Array:
    """Which triangles [T] are the rims of the lids of these eyes ("left", "right")."""
    out = np.zeros(len(template.part), bool)
    middle = template.points[template.triangles].mean(1)
    for side in sides:
        away = np.linalg.norm(middle - template.eye_centre[("left", "right").index(side)], axis=1)
        out |= (template.part == RIM) & (away < 2 * template.eye_radius)
    return out


def _mesh(template: Template, points: Array, deltas: Array, keep: Array, fitted: Fit,
          eyes: dict[str, eye_stage.Eyeball], lash: lids.Lashes) -> dict[str, Array]:  # fmt: skip
    """The arrays of mesh and shapes. keep [T]: the triangles that are drawn."""
    uv = template.uv.astype(np.float64).copy()
    caps = template.vertices_of(EYE)
    for side, eye in eyes.items():
        cap = caps[(template.points[caps, 0] > 0) == (side == "left")]
        uv[cap] = eye.place_on(project(points[cap])[:, :2]) + np.array(template.eye_place[side])
    index, weight = template.rings["mediapipe"]
    rows = index[list(LANDMARKS)]
    used = np.union1d(np.unique(template.triangles[keep]), np.unique(rows))
    new = np.full(len(points), -1)
    new[used] = np.arange(len(used))
    weights = np.where(np.isin(used, template.vertices_of(SKIN)), follows(fitted, points[used]), 1)
    lash_uv = np.array(template.lash_place) + np.stack([np.full(len(lash.row), 4.0), lash.row], 1)
    start, moved, values = [0], [], []
    for delta in np.concatenate([deltas[:, used], lash.deltas], 1):
        rows_moved = np.flatnonzero(np.abs(delta).max(1) > LEAST_MOVE)
        moved.append(rows_moved)
        values.append(delta[rows_moved])
        start.append(start[-1] + len(rows_moved))
    return {
        "vertices": np.concatenate([points[used], lash.points]).astype(np.float32),
        "uv": np.concatenate([uv[used], lash_uv]).astype(np.float32),
        "triangles": np.concatenate([new[template.triangles[keep]], lash.triangles + len(used)]).astype(np.uint16),
        "part": np.concatenate([template.part[keep], np.full(len(lash.triangles), RIM)]).astype(np.uint8),
        "weight": np.round(255 * np.concatenate([weights, np.ones(len(lash.points))])).astype(np.uint8),
        "shape_start": np.array(start, np.uint32), "shape_index": np.concatenate(moved).astype(np.uint16),
        "shape_delta": np.concatenate(values).astype(np.float16),
        "landmark": np.array(LANDMARKS, np.uint16), "landmark_index": new[rows].astype(np.uint16),
        "landmark_weight": weight[list(LANDMARKS)].astype(np.float32),
    }  # fmt: skip
