"""An avatar file taken apart, to be put together again with anything at all in it: no check stands in the way."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save

from bithuman_core.imx.checksum import checksum, describe
from bithuman_core.imx.reader import METADATA_KEY

SMALLER = 8  # canvas and mesh of a small avatar: an eighth
PICTURES = 4  # its pictures: a quarter
ROWS = 8  # its shapes: every eighth row


@dataclass
class Parts:
    """The manifest as JSON holds it, and the arrays by name."""

    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, path: Path) -> Parts:
        """Take a sound avatar apart."""
        with safe_open(path, framework="np") as file:
            return cls(json.loads(file.metadata()[METADATA_KEY]), {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118

    def copy(self) -> Parts:
        """Independent manifest; the arrays are shared: put others in their place."""
        return Parts(json.loads(json.dumps(self.manifest)), dict(self.arrays))

    def to_bytes(self, honest: bool = True) -> bytes:
        """The file. honest: the manifest lists the arrays as they are, with their checksum."""
        if honest:
            self.manifest |= {"arrays": describe(self.arrays), "sha256": checksum(self.arrays)}
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        return save(arrays, metadata={METADATA_KEY: json.dumps(self.manifest)})


def encoded(picture: NDArray[np.uint8] | Image.Image, kind: str = "PNG") -> NDArray[np.uint8]:
    """A picture as an avatar holds it, uint8 [bytes]."""
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, kind)
    return np.frombuffer(file.getvalue(), np.uint8)


def small(path: Path) -> Parts:
    """A shipped avatar at an eighth of its size: frames of 64 px, so that thousands are tried in minutes."""
    parts = Parts.of(path)
    rig, arrays = parts.manifest["rig"], parts.arrays
    parts.manifest["canvas"] = [side // SMALLER for side in parts.manifest["canvas"]]
    rig |= {name: rig[name] / SMALLER for name in ("distance", "face_width", "sample_canvas")}
    rig["pivot"] = [v / SMALLER for v in rig["pivot"]]
    for name in ("vertices", "backdrop_vertices"):
        arrays[name] = arrays[name] / np.float32(SMALLER)
    for name in ("uv", "backdrop_uv"):
        arrays[name] = arrays[name] / np.float32(PICTURES)
    for eye in rig["eyes"].values():
        eye |= {"centre": [v / PICTURES for v in eye["centre"]], "radius": eye["radius"] / PICTURES}
        eye["place"] = [v // PICTURES for v in eye["place"]]
    for name in parts.manifest["images"]:
        factor = SMALLER if name == "plate" else PICTURES
        picture = Image.open(io.BytesIO(arrays[name].tobytes()))
        width, height = picture.size
        floor = name.startswith(("eye", "catchlight"))  # must not leave the room that they have
        size = (width // factor, height // factor if floor else -(-height // factor))
        arrays[name] = encoded(picture.resize(size))
    _fewer_rows(arrays)
    _plain_residuals(arrays)
    return parts


def _fewer_rows(arrays: dict[str, NDArray[Any]]) -> None:
    start = arrays["shape_start"].astype(np.int64)
    rows = [np.arange(a, b, ROWS) for a, b in itertools.pairwise(start)]
    arrays["shape_start"] = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    every = np.concatenate(rows)
    arrays["shape_index"] = arrays["shape_index"][every]
    arrays["shape_delta"] = (arrays["shape_delta"][every] / SMALLER).astype(np.float16)


def _plain_residuals(arrays: dict[str, NDArray[Any]]) -> None:
    """Boxes of 8 x 8 px, each a slope."""
    for name in ("residual", "detail"):
        count = len(arrays[f"{name}_scale"])
        arrays[f"{name}_box"] = np.tile(np.array([[4, 6, 12, 14]], np.uint16), (count, 1))
        arrays[f"{name}_start"] = (192 * np.arange(count + 1)).astype(np.uint32)
        arrays[name] = np.tile(np.arange(-96, 96, dtype=np.int8), count)
