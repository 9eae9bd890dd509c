"""Calm footage: the talking is taken out of every frame, so that drawing only ever opens a closed mouth.

A frame that talks is warped to its face at rest, and its mouth and chin are replaced by those of frames nearby whose mouth rests,
in the light of the frame itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, grey_opening, maximum_filter1d
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.mouth.lips import LipRing
from bithuman_core.build.footage.person.mesh import FaceMesh
from bithuman_core.build.footage.person.person import LIPS, Person
from bithuman_core.build.footage.warp import Cover
from bithuman_core.build.shape.template import Template
from bithuman_core.render.footage.drawing import FaceDrawing
from bithuman_core.render.footage.layers import Moved
from bithuman_core.render.smoothstep import smoothstep

SHUT, PARTED = 0.012, 0.027  # face widths of lip gap: below, the frame keeps its own mouth; above, it loses it
DRAWN = (0.02, 0.035)  # face widths of activity: the same for lips that are shut and drawn to a pout or a grin
AROUND, FADE = 21, 4.0  # frames about an opening that lose theirs, too (half to either side), and how softly
ACTIVITY, APART, TURNED = 0.012, 25.0, 4.0  # face widths, frames, degrees (sigmas) that tell a donor's worth
CHOOSY, LEAST = 0.2, 0.12  # temperature of the choice; share below which a donor is dropped
DONORS_SMOOTH = 5.0  # frames: lips tremble where donors change fast
MASK = (0.07, 0.22)  # face widths from the lips: wholly the donor's, wholly the frame's own
NOSTRILS = (62.0, 92.0)  # template px: nothing above, all below
LIGHT_FROM, LIGHT_REACH = (0.03, 0.07), 0.075  # face widths: the skin away from the lips tells the light; how far it holds
LIGHT_MOST, LIGHT_ODD, LIGHT_PRIOR = 0.4, 0.12, 0.08  # log ratio at most; what counts as something else; weight of the median
SLIVER = 5  # px (512 px frames): bright lines between closed lips that are no higher are teeth, and go
SHADE, SOFT = 0.82, 1.1  # light and softness (px) of the line between closed lips, which two warped lips leave hard and stepped
DARK = 6.0  # levels: below, ratios of light tell nothing


@dataclass(frozen=True)
class CalmPlan:
    """What becomes of n frames."""

    keeps: Array
    """[n] 0..1: the frame keeps its own mouth."""
    donors: Array
    """[n, n] weights of the frames whose mouths it gets, rows sum to 1."""
    activity: Array
    """[n] face widths: how far each frame's lips are from their rest."""


def activity(template: Template, person: Person) -> Array:
    """[n] face widths (rms over the lips)."""
    lips = list(LIPS)
    index, weight = template.rings["mediapipe"]
    own = person.own[:, np.searchsorted(person.rows, index[lips])]
    moves = (own * weight[lips, :, None]).sum(2)[..., :2]
    marks = template.at("mediapipe", person.vertices)
    return np.sqrt((moves**2).sum(-1).mean(1)) / float(np.linalg.norm(marks[454] - marks[234]))


def plan(template: Template, person: Person, found: Array) -> CalmPlan:
    """Decide for every frame. found [n]: a face was seen in it."""
    count = len(found)
    active = activity(template, person)
    restless = active - np.quantile(active, 0.02)
    opened = np.clip((person.gap - SHUT) / (PARTED - SHUT), 0, 1)
    opened = np.maximum(opened, np.clip((restless - DRAWN[0]) / (DRAWN[1] - DRAWN[0]), 0, 1))
    around = min(AROUND, count)
    keeps = 1 - np.clip(gaussian_filter1d(maximum_filter1d(opened, around, mode="nearest"), FADE, mode="nearest"), 0, 1)
    angles = np.stack([person.yaw, person.pitch], 1)
    shift = np.array([pose.shift for pose in person.poses])
    speed = np.linalg.norm(np.gradient(shift, axis=0), axis=1) / 2
    at = np.arange(count)
    own = (restless / ACTIVITY) ** 2 / 2 + np.maximum(speed - 1, 0) / 2 + 50.0 * ~found
    cost = own[None] + ((at[:, None] - at) / APART) ** 2 / 4
    cost += ((angles[:, None] - angles[None]) ** 2).sum(-1) / (2 * TURNED**2)
    share = np.exp(-(cost - cost.min(1, keepdims=True)) / CHOOSY)
    share = gaussian_filter1d(share / share.sum(1, keepdims=True), DONORS_SMOOTH, axis=0)
    share = np.maximum(share - np.minimum(LEAST, 0.96 * share.max(1, keepdims=True)), 0)  # in and out without a step
    return CalmPlan(keeps, share / share.sum(1, keepdims=True), active)


class CalmFilm:
    """Makes the calm frames."""

    def __init__(self, template: Template, person: Person, mesh: FaceMesh, frames: Frames, ring: LipRing, what: CalmPlan) -> None:
        self._person, self._mesh, self._frames, self._ring, self._plan = person, mesh, frames, ring, what
        height, width = frames.shape[1:3]
        self._scale = min(height, width) / 1024
        self._corner = np.array([(width - min(width, height)) / 2, (height - min(width, height)) / 2])
        self._drawing = FaceDrawing((width, height), mesh.triangles, mesh.shade, len(mesh.jaw[0]))
        used = template.points[mesh.used]
        marks = template.at("mediapipe", template.points)
        face = float(np.linalg.norm(marks[454] - marks[234]))
        away = cdist(used[:, :2], marks[list(LIPS), :2]).min(1) / face
        mask = 1 - smoothstep(away, *MASK)
        mask *= smoothstep(used[:, 1], *NOSTRILS)
        self._mask = mask.astype(np.float32)
        self._skin = smoothstep(away, *LIGHT_FROM).astype(np.float32)
        self._seam = mesh.share.sum(1) ** 2  # 1 between the lips, 0 some px beside
        self._near = (mesh.share.sum(1) > 1e-3).astype(np.uint8)
        self._places: dict[int, Array] = {}

    def screen(self, i: int, points: Array) -> Array:
        """Head space [V, 3] -> frame px and depth, f32."""
        seen = self._person.poses[i].screen(points)
        seen[:, :2] = seen[:, :2] * self._scale + self._corner
        return seen.astype(np.float32)

    def face(self, i: int) -> Array:
        """The mesh of frame i as it is filmed [V, 3]."""
        return self._person.face(i, self._mesh.used)

    def at_rest(self, i: int) -> Array:
        """The mesh of frame i when it is calm [V, 3]."""
        keeps = 1 - self._mesh.weight[:, None] * (1 - self._plan.keeps[i])
        return self._person.vertices[self._mesh.used] + keeps * self._person.moves(i, self._mesh.used)

    def __iter__(self) -> Iterator[Array]:
        for i in range(len(self._frames)):
            yield self.frame(i)

    def frame(self, i: int) -> Array:
        """The calm frame, uint8 [h, w, 3]."""
        keeps = self._plan.keeps[i]
        if keeps > 0.999:
            return self._frames[i]
        mesh = self._mesh
        source, target = self.screen(i, self.face(i)), self.screen(i, self.at_rest(i))
        jaw = np.stack([mesh.at(mesh.jaw, points[:, :2]) for points in (source, target)])
        lips = mesh.at(mesh.inner, target[:, :2])
        out = np.empty_like(self._frames[i])
        width = self._person.face_width * self._scale
        face = Moved(source, target, self._source(i, source), self._near, jaw, width, lips)
        self._drawing.draw(self._frames[i], face, None, out)
        masked = target[self._mask > 0, :2]
        low = np.maximum(np.floor(masked.min(0)).astype(int) - 8, 0)
        high = np.minimum(np.ceil(masked.max(0)).astype(int) + 9, out.shape[1::-1])
        box = slice(low[1], high[1]), slice(low[0], high[0])
        cover = Cover(target, mesh.triangles, (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1])))
        own = out[box].astype(np.float32)
        skin = cover.spread(self._skin)
        mouth = np.zeros_like(own)
        lit, told = np.log(_quarter(own) + DARK), _quarter(skin[..., None])
        for j in np.flatnonzero(self._plan.donors[i]):
            donor = cover.fetch(self._frames[j], self._source(int(j)), mesh.shade)
            mouth += self._plan.donors[i, j] * ((donor + DARK) * self._light(lit, donor, told, width) - DARK)
        mask = gaussian_filter(cover.spread(self._mask), 1.0) * (1 - keeps) * cover.covered
        made = own + mask[..., None] * (mouth - own)
        unit = self._scale * 2
        shut = SHADE * gaussian_filter(grey_opening(made, (round(SLIVER * unit), 1, 1)), (SOFT * unit, SOFT * unit, 0))
        made += (cover.spread(self._seam) * (1 - keeps))[..., None] * (shut - made)
        out[box] = np.clip(made + 0.5, 0, 255).astype(np.uint8)
        return out

    def _source(self, i: int, screen: Array | None = None) -> Array:
        """Where the colours of frame i's vertices lie in it [V, 2], its lips where the picture has them."""
        if i not in self._places:
            screen = self.screen(i, self.face(i)) if screen is None else screen
            mesh = self._mesh
            places = screen[:, :2] + mesh.share @ self._ring.move[i]
            places[mesh.beyond] = mesh.beyond_share @ (mesh.at(mesh.inner, screen[:, :2]) + self._ring.move[i])
            self._places[i] = places.astype(np.float32)
        return self._places[i]

    def _light(self, lit: Array, donor: Array, skin: Array, width: float) -> Array:
        """What the donor's colours are to be multiplied by, f32 [h, w, 3]. At a quarter of the size, lit: log of the frame's own
        colours, skin: how much a place tells the light [h / 4, w / 4, 1]."""
        ratio = np.clip(lit - np.log(_quarter(donor) + DARK), -LIGHT_MOST, LIGHT_MOST)
        told = ratio[skin[..., 0] > 0.5]
        usual = np.median(told, 0) if len(told) else np.zeros(3, np.float32)
        trust = skin / (1 + ((ratio - usual).mean(-1, keepdims=True) / LIGHT_ODD) ** 2)
        reach = LIGHT_REACH * width / 4
        spread, weight = (gaussian_filter(v, (reach, reach, 0)) for v in ((ratio - usual) * trust, trust))
        smooth = spread / (weight + LIGHT_PRIOR)
        rows, columns = (_between(a, b) for a, b in zip(donor.shape[:2], smooth.shape[:2], strict=True))
        return np.exp(_enlarged(smooth, rows, columns) + usual)


def _quarter(values: Array) -> Array:
    """Means of 4 x 4 px, the edge repeated."""
    tall, wide = (-(-n // 4) * 4 for n in values.shape[:2])
    padded = np.pad(values, ((0, tall - values.shape[0]), (0, wide - values.shape[1]), (0, 0)), mode="edge")
    return padded.reshape(tall // 4, 4, wide // 4, 4, -1).mean((1, 3))


def _between(large: int, small: int) -> Array:
    """[large, small] weights that enlarge by 4, linear between the middles of the small ones."""
    at = np.clip((np.arange(large) + 0.5) / 4 - 0.5, 0, small - 1)
    low = np.minimum(at.astype(int), max(small - 2, 0))
    weights = np.zeros((large, small), np.float32)
    weights[np.arange(large), low] = 1 - (at - low)
    if small > 1:
        weights[np.arange(large), low + 1] += at - low
    return weights


def _enlarged(values: Array, rows: Array, columns: Array) -> Array:
    return np.einsum("hr,rcd,wc->hwd", rows, values, columns, optimize=True)
