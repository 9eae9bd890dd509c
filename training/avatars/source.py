"""The bake as the builder sees it: pictures, exact head model, camera. The tools are imported from their own folder."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array

CANVAS = 1024  # px, side of the canvas all positions are measured in



class Bake:
    """One character of data/bake with its exact head model (tools/bake_avatar/headmodel.py, not copied)."""

    def __init__(self, bake: Path, tools: Path, head3d: Path) -> None:
        sys.path.insert(0, str(tools))
        self.model: Any = importlib.import_module("headmodel")
        looks = importlib.import_module("characters").CHARACTERS
        self.strands: Any = importlib.import_module("strands")
        self.folder = bake
        self.name = bake.name
        self.meta = json.loads((bake / "meta.json").read_text())
        self.look = looks[self.name]
        coefficients = self.model.load_coefficients(head3d, self.name)
        self.head = self.model.HeadModel(head3d, coefficients, self.look["rest"])
        self.head3d = head3d
        self.camera = self.model.Camera()
        self.shapes: list[str] = list(self.model.SHAPES)
        self.distance = float(self.meta["space"]["camera_distance_px"])
        self.pivot = np.array(self.meta["head"]["pivot_ortho_px"], np.float64)
        geometry = np.load(bake / "geometry.npz")
        self.depth = geometry["depth"].astype(np.float32)
        self.part = geometry["part"]
        self.part_names = [str(n) for n in geometry["part_names"]]
        self.weight = geometry["head_weight"]
        self.bulge = {side: self._bulge(self.meta["eyes"][side]) for side in ("left", "right")}

    def _bulge(self, eye: dict[str, Any]) -> float:
        """How much nearer to the camera an eyeball is seen than a sphere about the centre it turns about, px."""
        (x, y), radius = eye["centre_px"], eye["radius_px_ortho"]
        py, px = np.nonzero(self.parts("eye"))
        away = (self.distance + eye["z_px"]) / self.distance
        r2 = (((px + 0.5 - x) * away) ** 2 + ((py + 0.5 - y) * away) ** 2) / radius**2
        seen = r2 < 0.5
        front = eye["z_px"] - radius * np.sqrt(1 - r2[seen])
        return float(np.median(front - self.depth[py[seen], px[seen]]))

    def picture(self, name: str) -> Array:
        """A picture of the bake, float32 0..1, [h, w, 3 or 4]."""
        return np.asarray(Image.open(self.folder / name), np.float32) / 255

    def parts(self, *names: str) -> Array:
        """Mask [1024, 1024] of the pixels whose first hit is one of these parts."""
        return np.isin(self.part, [self.part_names.index(n) for n in names])

    def ortho(self, icts: Array) -> Array:
        """ICT points -> px space (X right, Y down, z away; relative to the principal point)."""
        return self.camera.to_px_space(icts)

    def project(self, points: Array) -> Array:
        """Px space -> canvas x, y (perspective) and z."""
        k = self.distance / (self.distance + points[..., 2:])
        return np.concatenate([points[..., :2] * k + CANVAS / 2, points[..., 2:]], -1)
